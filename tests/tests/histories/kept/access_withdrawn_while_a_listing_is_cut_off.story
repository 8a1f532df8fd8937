# The instance that was told of an event ends, then access is withdrawn and given again.
[306,{}]
{"google":{"create":{"event":4,"user":0,"calendar":0,"set":{}}}}
{"fate":[1,"killed_before"]}
{"revoke":0}
{"notify":{"times":1,"reversed":false}}
