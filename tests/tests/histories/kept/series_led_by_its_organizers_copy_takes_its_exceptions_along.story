# The guest's copy had the row, and an exception.
[9211,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":1,"set":{"rule":3}}}}
{"google":{"edit":{"event":[1,3],"set":{}}}}
{"fault":{"method":"events.*","kind":"error503_before","count":3}}
{"google":{"edit":{"event":1,"set":{"guests":33}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"cancel":[1,2]}]}
{"poke":[1,2]}
{"google":{"edit":{"event":1,"set":{"description":11}}}}
