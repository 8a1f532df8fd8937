# People may do with what was taken out of Google as they like.
[302609,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
"settle"
{"google":{"edit":{"event":1,"set":{"guests":14}}}}
{"crm":[{"enable":[1,false]}]}
{"poke":1}
{"google":{"restore":1}}
{"google":{"move":[1,1]}}
"settle"
{"crm":[{"delete":1}]}
