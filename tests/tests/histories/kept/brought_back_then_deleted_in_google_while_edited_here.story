# The later edit of a row that came back outlives the deletion.
[115,{}]
{"crm":[{"insert":{"event":1,"user":0,"set":{}}}]}
{"poke":1}
{"google":{"edit":{"event":1,"set":{"location":5}}}}
{"crm":[{"delete":1}]}
{"poke":1}
{"google":{"delete":1}}
{"crm":[{"edit":{"event":1,"set":{"when":26}}}]}
