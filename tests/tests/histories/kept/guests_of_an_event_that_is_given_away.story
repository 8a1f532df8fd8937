# Of a guest list that another owner takes over nobody is the organizer by what was said before.
[130079,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":2,"set":{}}}]}
{"poke":2}
{"google":{"edit":{"event":2,"set":{"guests":7}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"give":[2,1]}]}
"settle"
{"crm":[{"edit":{"event":2,"set":{"guests":37}}}]}
