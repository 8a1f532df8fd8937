# A meeting that comes back as another row keeps what only the CRM knew of it.
[304918,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":1,"set":{}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":1,"set":{"deal":3}}}]}
"settle"
{"crm":[{"delete":1}]}
{"poke":1}
{"fate":[4,"killed_after"]}
{"google":{"restore":1}}
{"notify":{"times":1,"reversed":false}}
{"google":{"edit":{"event":1,"set":{"guests":5}}}}
