# The copy of an occurrence in the other calendar must not keep the series away.
[7210,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{"rule":2}}}}
{"revoke":0}
{"google":{"edit":{"event":[1,0],"set":{"guests":26}}}}
