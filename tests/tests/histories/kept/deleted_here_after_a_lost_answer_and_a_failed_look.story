# What may have been written before a look fails is still not what a person did there.
[143550,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{}}}}
"settle"
"settle"
{"crm":[{"edit":{"event":1,"set":{"when":23}}}]}
{"fault":{"method":"events.patch","kind":"cut_after","count":1}}
{"poke":1}
{"crm":[{"insert":{"event":2,"user":2,"set":{}}}]}
{"fault":{"method":"events.get","kind":"error503_before","count":1}}
{"google":{"edit":{"event":[2,2],"set":{}}}}
{"crm":[{"edit":{"event":[2,2],"set":{}}}]}
{"poke":[2,2]}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"delete":1}]}
