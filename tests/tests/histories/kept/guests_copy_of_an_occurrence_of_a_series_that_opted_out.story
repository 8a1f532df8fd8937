# A guest's copy of an occurrence is an event by itself when the series, opted out before, is deleted here.
[332934,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":1,"set":{"rule":7}}}}
{"google":{"edit":{"event":[1,2],"set":{"guests":9}}}}
"settle"
{"crm":[{"enable":[1,false]}]}
{"poke":1}
{"crm":[{"delete":1}]}
