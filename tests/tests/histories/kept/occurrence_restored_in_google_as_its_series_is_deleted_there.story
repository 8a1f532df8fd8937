# A cancelled occurrence that is taken out of the trash while its series goes there is an event by itself.
[200828,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":3,"user":2,"calendar":0,"set":{"rule":12}}}}
{"google":{"delete":[3,1]}}
"settle"
{"google":{"delete":3}}
{"google":{"restore":[3,1]}}
