# A listing that failed once is tried again before anything is made anew.
[10326,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":1,"set":{}}}}
"settle"
{"fault":{"method":"events.*","kind":"error500_after","count":1}}
{"crm":[{"edit":{"event":1,"set":{"rule":5}}}]}
{"google":{"move":[1,0]}}
