# The guest's calendar shows one occurrence of a series that no listing has shown yet.
[7210,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{"rule":2}}}}
{"google":{"edit":{"event":[1,0],"set":{"guests":26}}}}
{"notify":{"times":2,"reversed":true}}
