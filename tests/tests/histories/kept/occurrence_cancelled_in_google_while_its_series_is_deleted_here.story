# An occurrence that was cancelled while its series was being deleted is cancelled still when the series is back.
[144487,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":9}}}]}
{"poke":1}
{"crm":[{"delete":1}]}
{"google":{"delete":[1,3]}}
"settle"
{"google":{"restore":1}}
