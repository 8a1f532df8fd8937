# The guest's copy of a cancelled occurrence is not where it has moved to.
[7024,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":0,"calendar":1,"set":{"rule":17}}}}
{"google":{"edit":{"event":[1,1],"set":{}}}}
"settle"
{"google":{"edit":{"event":[1,1],"set":{"guests":1}}}}
{"google":{"edit":{"event":1,"set":{"when":14}}}}
