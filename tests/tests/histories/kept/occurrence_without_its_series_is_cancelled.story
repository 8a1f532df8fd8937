# It had become an event by itself, so its row goes.
[9881,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":1,"set":{"rule":3}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"delete":1}]}
{"google":{"restore":[1,2]}}
"settle"
{"google":{"edit":{"event":1,"set":{"location":9}}}}
