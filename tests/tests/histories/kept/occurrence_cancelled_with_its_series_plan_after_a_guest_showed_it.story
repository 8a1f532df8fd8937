# A cancelled occurrence that is a row by itself must not keep its calendar's listing away.
[40128,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":0,"calendar":1,"set":{"when":3,"rule":6}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":2,"set":{"guests":16,"rule":5}}}]}
{"google":{"edit":{"event":[2,3],"set":{"guests":21}}}}
{"notify":{"times":0,"reversed":false}}
{"crm":[{"insert":{"event":3,"user":2,"set":{"rule":13}}}]}
