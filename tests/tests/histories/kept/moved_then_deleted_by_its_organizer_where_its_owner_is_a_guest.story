# The CRM's references go along to a guest's copy.
[301806,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
{"poke":1}
{"crm":[{"edit":{"event":1,"set":{"deal":4}}}]}
{"google":{"move":[1,1]}}
{"google":{"edit":{"event":1,"set":{"guests":22}}}}
"settle"
{"google":{"delete":1}}
