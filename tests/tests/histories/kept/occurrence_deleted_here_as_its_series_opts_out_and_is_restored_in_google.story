# What people do in Google with a series that is not for Google is heard when it is for Google again.
[351726,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{"rule":7}}}}
{"google":{"answer":[[1,1],2]}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"delete":[1,1]},{"enable":[1,false]}]}
{"poke":1}
{"google":{"restore":1}}
