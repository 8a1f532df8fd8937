# After a move and a restore that Google refused, the row's own event counts.
[212242,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{}}}]}
{"poke":1}
{"google":{"move":[1,1]}}
{"crm":[{"delete":1}]}
{"poke":1}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}},{"edit":{"event":1,"set":{"deal":11}}}]}
"settle"
{"google":{"restore":1}}
