# A guest's copy of an occurrence is an event by itself when the series is deleted here before its move is recorded.
[372959,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true,"settings":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":7}}}]}
{"poke":1}
{"google":{"move":[1,1]}}
{"google":{"edit":{"event":[1,0],"set":{"guests":25}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"delete":1}]}
