# An exception of a series that a person took out of Google's trash has no row.
[134,{"series":true}]
{"crm":[{"insert":{"event":2,"user":0,"set":{"rule":18}}}]}
{"poke":2}
{"crm":[{"delete":2}]}
"tick"
{"google":{"restore":2}}
{"google":{"answer":[[2,0],2]}}
