# A guest's copy of an occurrence of a series that moved, and whose row is deleted at once, is an event by itself.
[70089,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":7}}}]}
"settle"
{"google":{"edit":{"event":[1,2],"set":{"guests":23}}}}
{"notify":{"times":1,"reversed":false}}
{"google":{"move":[1,1]}}
{"crm":[{"delete":1}]}
