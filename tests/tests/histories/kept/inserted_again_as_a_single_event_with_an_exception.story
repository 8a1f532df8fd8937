# An exception that was passed over while its series had no row is looked at when the row is back.
[304362,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":6}}}]}
{"poke":1}
{"crm":[{"insert":{"event":[1,1],"user":0,"set":{}}},{"delete":1}]}
{"poke":[1,1]}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
