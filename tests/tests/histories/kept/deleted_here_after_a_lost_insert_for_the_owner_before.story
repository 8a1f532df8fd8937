# An insert whose answer was lost is looked for in the calendar that the event has left.
[300319,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"fault":{"method":"events.*","kind":"error500_after","count":1}}
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
{"poke":1}
{"crm":[{"give":[1,2]}]}
{"poke":1}
{"crm":[{"edit":{"event":1,"set":{"location":11}}},{"delete":1}]}
{"poke":1}
