# Exceptions of what had become a single event leave Google with it.
[327017,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":15}}}]}
{"poke":1}
{"wait":60}
{"google":{"edit":{"event":[1,3],"set":{}}}}
{"google":{"edit":{"event":1,"set":{"rule":0}}}}
"tick"
{"crm":[{"enable":[1,false]}]}
"tick"
{"crm":[{"delete":1}]}
