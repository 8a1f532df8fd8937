# It is listed in the new calendar before the move of its series is known.
[8205,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":2,"user":1,"calendar":0,"set":{"rule":4}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"move":[2,1]}}
{"google":{"edit":{"event":[2,3],"set":{}}}}
