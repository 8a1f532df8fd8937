# A guest's copy of an occurrence is known also when the occurrence was cancelled here as its series opted out.
[343868,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":1,"set":{"rule":9}}}}
{"google":{"edit":{"event":[1,1],"set":{"guests":13}}}}
"settle"
{"crm":[{"enable":[1,false]},{"cancel":[1,1]}]}
"tick"
{"crm":[{"delete":1}]}
