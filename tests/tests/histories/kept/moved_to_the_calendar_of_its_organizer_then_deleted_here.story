# The organizer's copy is in the second calendar, where the row has to go by it.
[5057,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{"guests":1}}}}
"settle"
{"google":{"move":[1,1]}}
{"notify":{"times":1,"reversed":false}}
{"poke":1}
{"crm":[{"delete":1}]}
{"fate":[3,"killed_before"]}
{"poke":1}
{"google":{"move":[1,0]}}
