# A guest's copy that Google does not bring back gives way to an event of one's own.
[110827,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
{"poke":1}
{"crm":[{"delete":1}]}
{"google":{"edit":{"event":1,"set":{"location":6,"guests":27}}}}
"tick"
{"crm":[{"give":[1,2]}]}
"settle"
{"google":{"delete":1}}
{"crm":[{"enable":[1,false]}]}
{"poke":1}
{"crm":[{"enable":[1,true]}]}
