# A base that the last record left behind does not say what Google shows.
[351903,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":2,"user":0,"set":{}}}]}
{"poke":2}
{"crm":[{"edit":{"event":2,"set":{"guests":34}}}]}
{"google":{"edit":{"event":2,"set":{"guests":7}}}}
{"fate":[5,"held_before"]}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":2,"set":{"location":8,"guests":32}}}]}
