# The occurrence was listed while the series was gone.
[10307,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{"rule":8}}}]}
{"poke":1}
{"crm":[{"delete":1}]}
{"poke":1}
{"google":{"edit":{"event":[1,1],"set":{}}}}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
