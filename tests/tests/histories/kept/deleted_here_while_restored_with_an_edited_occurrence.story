# The exception's item does not stay behind without a job.
[20433,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":11}}}]}
"tick"
{"google":{"edit":{"event":[1,2],"set":{}}}}
"settle"
{"crm":[{"delete":1}]}
{"google":{"restore":1}}
{"crm":[{"edit":{"event":[1,2],"set":{"guests":3}}}]}
{"google":{"edit":{"event":[1,2],"set":{}}}}
{"poke":[1,2]}
