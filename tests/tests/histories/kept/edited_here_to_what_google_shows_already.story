# What Google shows already is not written.
[326492,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":1,"set":{}}}]}
"settle"
{"google":{"edit":{"event":2,"set":{"when":23}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":2,"set":{"when":23}}}]}
