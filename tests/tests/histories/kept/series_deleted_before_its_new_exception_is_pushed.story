# The exception's row stays behind when its series is deleted before Google heard of it.
[153,{"series":true}]
{"google":{"create":{"event":1,"user":0,"calendar":0,"set":{"rule":5}}}}
{"notify":{"times":1,"reversed":false}}
{"crm":[{"insert":{"event":[1,3],"user":0,"set":{}}}]}
{"crm":[{"delete":1}]}
