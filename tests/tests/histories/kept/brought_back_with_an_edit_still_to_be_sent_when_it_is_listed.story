# A row that came back with an edit that is still to be sent is not clean.
[354743,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true,"settings":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{}}}}
{"notify":{"times":1,"reversed":false}}
{"fate":[4,"held_after"]}
{"crm":[{"edit":{"event":1,"set":{"location":9}}}]}
{"crm":[{"delete":1}]}
{"google":{"edit":{"event":1,"set":{"title":12}}}}
"tick"
{"google":{"edit":{"event":1,"set":{"rule":12}}}}
{"notify":{"times":1,"reversed":false}}
