# Google keeps its exceptions, each of which is an event by itself then.
[20257,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":16}}},{"insert":{"event":[1,2],"user":0,"set":{"title":2}}}]}
{"poke":1}
{"crm":[{"edit":{"event":1,"set":{"rule":0}}}]}
"settle"
{"crm":[{"delete":1}]}
