# In Google it is a plain occurrence, which changes with its series.
[12372,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":1,"calendar":0,"set":{"rule":7}}}}
"settle"
{"crm":[{"insert":{"event":[2,3],"user":0,"set":{}}}]}
"settle"
{"crm":[{"edit":{"event":2,"set":{"guests":36}}}]}
