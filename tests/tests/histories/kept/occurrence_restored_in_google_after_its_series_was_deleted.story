# An occurrence that somebody took out of the trash alone is an event by itself.
[7557,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":1,"set":{"rule":15}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"delete":1}}
{"google":{"restore":[1,1]}}
