# An occurrence stays in Google when what had been its series, a single event by now, is deleted there.
[91417,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":0,"set":{"rule":17}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":1,"set":{"rule":0}}}]}
{"google":{"edit":{"event":[1,3],"set":{}}}}
"settle"
{"google":{"delete":1}}
