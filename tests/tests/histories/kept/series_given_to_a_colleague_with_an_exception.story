# The exception's row keeps its owner, and goes where its series goes.
[5250,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{"rule":2}}}]}
{"poke":1}
{"google":{"answer":[[1,1],0]}}
{"crm":[{"give":[1,0]}]}
