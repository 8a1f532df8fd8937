# The CRM's references of the series are its occurrences' too.
[11753,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":0,"set":{"rule":18}}}]}
{"crm":[{"edit":{"event":2,"set":{"deal":15}}}]}
"settle"
{"google":{"edit":{"event":[2,1],"set":{}}}}
