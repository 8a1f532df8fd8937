# A row that is inserted again goes by the organizer's copy, not by the guest's one.
[5140,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
{"fate":[5,"held_before"]}
"tick"
{"google":{"move":[1,1]}}
{"notify":{"times":1,"reversed":false}}
{"google":{"edit":{"event":1,"set":{"guests":22}}}}
"settle"
{"crm":[{"delete":1}]}
{"poke":1}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
