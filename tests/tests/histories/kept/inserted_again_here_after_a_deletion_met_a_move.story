# What a moved event left behind is not brought back for a row that is inserted again.
[70464,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":3,"user":0,"set":{}}}]}
"settle"
{"crm":[{"delete":3}]}
{"fault":{"method":"events.list","kind":"rate403","count":1}}
{"google":{"move":[3,1]}}
"settle"
{"crm":[{"insert":{"event":3,"user":0,"set":{}}}]}
