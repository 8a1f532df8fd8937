# The old copy is deleted last, and the row says that it is not in Google.
[9012,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
"tick"
{"crm":[{"give":[1,2]}]}
{"fate":[0,"killed_after"]}
{"poke":1}
{"crm":[{"enable":[1,false]}]}
