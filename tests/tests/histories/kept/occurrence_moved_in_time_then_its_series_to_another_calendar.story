# The calendar that it has left shows the occurrence cancelled, before the other one shows when it is.
[9541,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":5,"user":0,"calendar":1,"set":{"rule":13}}}}
"settle"
{"google":{"edit":{"event":[5,2],"set":{"when":25}}}}
{"google":{"move":[5,0]}}
