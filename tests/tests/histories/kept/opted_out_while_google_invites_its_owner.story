# A guest's copy in another calendar of somebody who has just opted the event out is no event of its own.
[62086,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":1,"calendar":1,"set":{}}}}
"settle"
{"google":{"edit":{"event":2,"set":{"guests":13}}}}
{"crm":[{"enable":[2,false]}]}
