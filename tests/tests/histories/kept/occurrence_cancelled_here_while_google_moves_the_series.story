# The cancelled occurrence is planned for a time that the series no longer has.
[700001,{"series":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"rule":16}}}]}
{"poke":1}
{"crm":[{"cancel":[1,2]}]}
{"google":{"edit":{"event":1,"set":{"when":17}}}}
