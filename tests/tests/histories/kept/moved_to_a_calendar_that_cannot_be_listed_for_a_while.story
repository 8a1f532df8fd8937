# Google names the calendar that an event moved to: it is waited for, however long its listing fails.
[131328,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
"settle"
{"fault":{"method":"events.list","kind":"rate403","count":3}}
{"google":{"edit":{"event":1,"set":{"when":22}}}}
{"crm":[{"edit":{"event":1,"set":{"visibility":8}}}]}
{"google":{"move":[1,1]}}
