# An edit outlives a move that ended in the trash, as an event of its own.
[172082,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{}}}]}
{"poke":1}
{"google":{"move":[1,1]}}
{"google":{"delete":1}}
{"crm":[{"edit":{"event":1,"set":{"guests":4}}},{"edit":{"event":1,"set":{"location":8}}}]}
