# A series that comes back with other times has its exceptions read again.
[141365,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":3,"user":0,"calendar":1,"set":{"rule":10}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"edit":{"event":3,"set":{"location":8}}}}
{"crm":[{"cancel":[3,0]}]}
"tick"
{"crm":[{"delete":3}]}
{"google":{"edit":{"event":3,"set":{"when":10}}}}
