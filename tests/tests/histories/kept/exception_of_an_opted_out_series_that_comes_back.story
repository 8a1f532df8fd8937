# An exception of a series that was not for Google goes there when the series comes back.
[173539,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":1}}}]}
{"poke":1}
{"crm":[{"enable":[1,false]}]}
{"crm":[{"insert":{"event":[1,1],"user":0,"set":{}}}]}
{"poke":[1,1]}
{"google":{"edit":{"event":1,"set":{"location":9}}}}
{"crm":[{"delete":1}]}
