# A restored event is deleted with its row, unless somebody edited it.
[11918,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"enable":[1,false]}]}
{"poke":1}
{"google":{"restore":1}}
"settle"
{"crm":[{"delete":1}]}
