# What comes back is the row that was deleted last, not the one before.
[203733,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":15}}}]}
{"poke":1}
{"google":{"delete":1}}
"settle"
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
{"fate":[2,"killed_after"]}
{"poke":1}
{"google":{"edit":{"event":1,"set":{}}}}
{"crm":[{"delete":1}]}
