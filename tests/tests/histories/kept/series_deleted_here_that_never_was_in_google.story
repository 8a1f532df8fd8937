# Exceptions go with their series, also where Google never had it.
[7580,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":14}}},{"enable":[1,false]}]}
{"crm":[{"insert":{"event":[1,1],"user":0,"set":{}}}]}
"settle"
{"crm":[{"delete":1}]}
