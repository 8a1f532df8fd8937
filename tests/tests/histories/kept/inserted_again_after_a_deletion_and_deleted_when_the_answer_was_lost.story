# A restore of ours whose answer was lost is nobody's wish to have the event back.
[326082,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":1,"set":{}}}]}
{"poke":2}
{"crm":[{"delete":2}]}
"settle"
{"crm":[{"insert":{"event":2,"user":0,"set":{}}}]}
{"fate":[2,"killed_after"]}
{"poke":2}
{"crm":[{"delete":2}]}
