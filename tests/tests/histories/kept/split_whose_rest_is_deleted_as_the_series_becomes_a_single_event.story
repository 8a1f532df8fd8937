# An exception that was handed over to the deleted rest of a split is taken out of Google by itself.
[345402,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":5}}}]}
{"crm":[{"insert":{"event":[1,3],"user":0,"set":{"when":22}}}]}
"settle"
{"crm":[{"split":{"at":[1,2],"rest":2,"set":{}}},{"edit":{"event":1,"set":{"rule":0}}}]}
{"crm":[{"delete":2}]}
