# A tombstone under an id that the event has given up is nothing to wait for.
[183803,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
{"poke":1}
{"google":{"move":[1,1]}}
{"crm":[{"edit":{"event":1,"set":{"description":2}}}]}
{"fate":[1,"held_before"]}
{"poke":1}
{"notify":{"times":1,"reversed":false}}
{"google":{"delete":1}}
