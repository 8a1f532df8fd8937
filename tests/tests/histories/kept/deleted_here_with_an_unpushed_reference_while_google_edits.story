# The event comes back with Google's edit; the reference that the row keeps reaches Google too.
[59,{"references":true}]
{"crm":[{"insert":{"event":1,"user":0,"set":{"title":1}}}]}
{"poke":1}
{"crm":[{"edit":{"event":1,"set":{"deal":5}}}]}
{"crm":[{"delete":1}]}
{"google":{"edit":{"event":1,"set":{"title":6}}}}
