# It is a copy of the exception, once that is known.
[10669,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":4,"user":1,"calendar":1,"set":{"rule":13}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"edit":{"event":4,"set":{"guests":15}}}}
{"google":{"edit":{"event":[4,0],"set":{}}}}
{"notify":{"times":0,"reversed":true}}
