# A tombstone that waits where an exception was never recorded goes with the copy that it left.
[203402,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":3,"user":1,"calendar":0,"set":{"rule":16}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"insert":{"event":[3,2],"user":0,"set":{"guests":23}}}]}
{"fate":[2,"killed_after"]}
{"poke":[3,2]}
{"google":{"move":[3,1]}}
