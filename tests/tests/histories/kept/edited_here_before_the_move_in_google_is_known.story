# A person moves an event to another calendar; the CRM edits it before it hears of that. It is restored in the old calendar.
[900026,{"several_calendars":true}]
{"crm":[{"insert":{"event":3,"user":0,"set":{}}}]}
"settle"
{"google":{"move":[3,1]}}
{"crm":[{"edit":{"event":3,"set":{"description":10}}}]}
{"poke":3}
