# The record of the revival finds the row that the CRM has inserted meanwhile.
[10122,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
{"poke":1}
{"crm":[{"delete":1}]}
{"google":{"edit":{"event":1,"set":{"title":4}}}}
{"fate":[2,"held_after"]}
{"poke":1}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
