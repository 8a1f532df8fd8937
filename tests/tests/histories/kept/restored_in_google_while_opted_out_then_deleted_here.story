# What a person took out of the trash while its row was opted out is back when the row goes.
[7178,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":0,"set":{}}}]}
"tick"
{"crm":[{"enable":[2,false]}]}
"settle"
{"google":{"restore":2}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"delete":2}]}
