# Exceptions that were taken out of Google one by one come back.
[327017,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":15}}}]}
{"poke":1}
{"google":{"edit":{"event":[1,3],"set":{"title":3}}}}
{"google":{"edit":{"event":1,"set":{"rule":0}}}}
"settle"
{"crm":[{"enable":[1,false]}]}
"settle"
{"crm":[{"enable":[1,true]}]}
