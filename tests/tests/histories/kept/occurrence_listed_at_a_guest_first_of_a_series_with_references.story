# A row of a lone occurrence that joins its series has the series' references.
[354730,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true,"settings":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":10}}}]}
"settle"
{"google":{"move":[1,1]}}
{"crm":[{"edit":{"event":1,"set":{"deal":8}}}]}
"settle"
{"google":{"create":{"event":3,"user":0,"calendar":0,"set":{}}}}
{"google":{"edit":{"event":[1,2],"set":{"guests":13}}}}
