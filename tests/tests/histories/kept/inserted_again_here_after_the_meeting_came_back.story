# A row that is inserted again after its meeting came back as another row gets an event of its own.
[200464,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
{"poke":1}
{"fate":[5,"late"]}
{"google":{"move":[1,1]}}
{"crm":[{"delete":1}]}
{"poke":1}
{"google":{"edit":{"event":1,"set":{"guests":7}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
