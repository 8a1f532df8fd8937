# A calendar that works is waited for, however late it is listed.
[32265,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":2,"calendar":0,"set":{}}}}
"settle"
{"google":{"move":[2,1]}}
{"crm":[{"edit":{"event":2,"set":{"title":10}}}]}
{"poke":2}
{"wait":900}
"tick"
