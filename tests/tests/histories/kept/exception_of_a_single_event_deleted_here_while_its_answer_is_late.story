# What Google keeps of a series that had become a single event is read again until its row can be made.
[300110,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{"rule":11}}}}
{"google":{"edit":{"event":[1,1],"set":{}}}}
{"google":{"edit":{"event":1,"set":{"rule":0}}}}
{"google":{"create":{"event":2,"user":0,"calendar":0,"set":{}}}}
{"google":{"move":[1,0]}}
"settle"
{"google":{"restore":1}}
{"crm":[{"delete":1}]}
{"fate":[4,"late"]}
{"poke":1}
{"google":{"edit":{"event":2,"set":{}}}}
{"crm":[{"edit":{"event":2,"set":{"location":13}}}]}
{"notify":{"times":1,"reversed":false}}
