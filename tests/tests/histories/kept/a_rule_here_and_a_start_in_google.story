# A rule set here and a new start set in Google are decided together, so one of the two plans stays.
[5178,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
"settle"
{"crm":[{"edit":{"event":1,"set":{"rule":11}}}]}
{"google":{"edit":{"event":1,"set":{"when":21}}}}
