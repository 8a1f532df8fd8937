# What Google shows of an occurrence that was cancelled when it was first seen is news.
[11093,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":1,"calendar":0,"set":{"rule":10}}}}
{"google":{"edit":{"event":[1,2],"set":{}}}}
{"google":{"edit":{"event":1,"set":{"rule":19}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"edit":{"event":1,"set":{"description":4}}}]}
"settle"
{"google":{"restore":[1,2]}}
