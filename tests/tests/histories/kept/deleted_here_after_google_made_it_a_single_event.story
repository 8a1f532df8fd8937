# Google keeps the exceptions of a series that had become a single event before it went.
[214727,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{"rule":10}}}]}
{"poke":1}
{"google":{"edit":{"event":[1,0],"set":{}}}}
"settle"
{"crm":[{"delete":1}]}
{"google":{"edit":{"event":1,"set":{"rule":0}}}}
{"google":{"delete":1}}
