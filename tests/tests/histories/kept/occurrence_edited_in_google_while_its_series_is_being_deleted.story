# What waited for its series is dropped when a later listing shows it cancelled.
[201891,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":2,"calendar":1,"set":{"rule":19}}}}
"settle"
{"google":{"edit":{"event":2,"set":{"guests":22}}}}
{"fate":[2,"killed_after"]}
{"crm":[{"delete":2}]}
{"poke":2}
{"google":{"edit":{"event":[2,2],"set":{}}}}
