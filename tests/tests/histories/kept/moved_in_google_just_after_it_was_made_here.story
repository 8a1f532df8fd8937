# A cancelled copy proves that it went from its calendar, however young it is.
[5134,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{}}}]}
{"poke":1}
{"google":{"move":[1,1]}}
