# A copy that becomes another row's gives up the exceptions that it had.
[212340,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{"rule":7}}}}
{"google":{"edit":{"event":[1,2],"set":{}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"move":[1,1]}}
{"fault":{"method":"events.list","kind":"cut_after","count":1}}
{"crm":[{"delete":1}]}
"settle"
{"google":{"edit":{"event":1,"set":{"guests":29}}}}
{"google":{"delete":1}}
