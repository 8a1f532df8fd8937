# A series that comes out of the trash for the first time has the occurrences that were cancelled in it.
[310924,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":0,"set":{"rule":18}}}}
{"google":{"delete":1}}
{"google":{"edit":{"event":[1,2],"set":{}}}}
"settle"
{"google":{"restore":1}}
