"""Makes valid what a schema cannot say: which fields of an event belong together, and how long a range is."""

from datetime import datetime, timedelta

import schemathesis

ZONES = ["Europe/Berlin", "America/New_York", "UTC", None]
RULES = [None, [], ["RRULE:FREQ=WEEKLY;COUNT=3"], ["RRULE:FREQ=DAILY", "EXDATE:20310304T090000Z"]]
TIMES = {"starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T11:30:00+01:30"}
DAYS = {"starts_on": "2031-03-03", "ends_on": "2031-03-05"}


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive:
        return
    # One value of the generated ones decides, so that a run can be repeated.
    pick = len(repr(case.body)) if isinstance(case.body, dict) else 0
    name = case.operation.definition.raw.get("operationId")
    if name == "createEvent" and isinstance(case.body, dict):
        case.body.update(when(case.body.get("all_day") is True))
        case.body["time_zone"] = ZONES[pick % len(ZONES)]
        case.body["recurrence"] = RULES[pick % len(RULES)]
        alone(case.body)
    elif name == "changeEvent" and isinstance(case.body, dict):
        for field in ("starts_at", "ends_at", "starts_on", "ends_on", "all_day", "time_zone", "recurrence"):
            case.body.pop(field, None)
        alone(case.body)
    elif name == "listEvents" and case.query and "from" in case.query:
        case.query["from"] = "2031-03-01T00:00:00Z"
        case.query["to"] = (datetime(2031, 3, 2) + timedelta(days=pick % 300)).isoformat() + "Z"


def when(all_day):
    chosen, others = (DAYS, TIMES) if all_day else (TIMES, DAYS)
    return {**chosen, **dict.fromkeys(others)}


def alone(body):
    """Each guest once."""
    seen = {}
    for guest in body.get("attendees") or []:
        seen.setdefault(guest["email"].lower(), guest)
    if seen:
        body["attendees"] = list(seen.values())
