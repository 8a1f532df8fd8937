# A series that became a single event and then went to the trash leaves its occurrences there.
[100406,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":14}}}]}
"settle"
{"google":{"restore":[1,2]}}
{"notify":{"times":1,"reversed":false}}
{"google":{"edit":{"event":1,"set":{"rule":0}}}}
{"google":{"delete":1}}
