# Google keeps an occurrence as private as its series.
[6267,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":8}}}]}
{"poke":1}
{"google":{"edit":{"event":1,"set":{"visibility":5}}}}
{"crm":[{"insert":{"event":[1,1],"user":0,"set":{}}}]}
