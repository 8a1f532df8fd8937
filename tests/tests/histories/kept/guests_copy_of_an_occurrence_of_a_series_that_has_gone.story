# Who is invited to one occurrence keeps a copy of it when its series moves.
[20051,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{"rule":14}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"move":[1,1]}}
{"google":{"edit":{"event":[1,2],"set":{"guests":3}}}}
