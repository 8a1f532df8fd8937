# What a split hands over to a rest that is deleted at once goes with it.
[162459,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":2,"set":{"rule":12}}}]}
"tick"
{"google":{"edit":{"event":[1,3],"set":{}}}}
"settle"
{"crm":[{"split":{"at":[1,3],"rest":2,"set":{}}},{"delete":2}]}
