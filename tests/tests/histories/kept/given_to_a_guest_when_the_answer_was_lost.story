[60046,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":1,"set":{}}}}
{"google":{"edit":{"event":1,"set":{"guests":25}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"give":[1,1]}]}
{"fate":[4,"killed_after"]}
{"poke":1}
