# A person takes an event out of Google's trash that the CRM had deleted.
[59,{"several_users":false,"several_calendars":false,"series":false,"opt_out":false,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"title":1}}}]}
{"poke":1}
{"crm":[{"delete":1}]}
"settle"
{"google":{"restore":1}}
