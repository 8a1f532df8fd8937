# The organizer's calendar is yet to be listed, where the edit can be made.
[9264,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"crm":[{"insert":{"event":1,"user":1,"set":{}}}]}
"tick"
{"google":{"move":[1,1]}}
{"google":{"edit":{"event":1,"set":{"guests":19}}}}
{"crm":[{"edit":{"event":1,"set":{"title":6}}}]}
