# An event that is not for Google and that people restore and move there gets no second row.
[203182,{"several_users":true,"several_calendars":true,"series":true,"opt_out":true,"references":true,"late":true}]
{"google":{"create":{"event":1,"user":2,"calendar":0,"set":{"title":1}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"enable":[1,false]}]}
"tick"
{"google":{"restore":1}}
"settle"
{"google":{"move":[1,1]}}
