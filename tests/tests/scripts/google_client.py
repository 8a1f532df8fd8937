"""Google's own client against a Calendar API at the given origin. Prints "ok" at the end.

usage: google_client.py ORIGIN CLIENT CALENDAR WEBHOOK
"""

import json
import sys
import urllib.request

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import BatchHttpRequest

ORIGIN, CLIENT, CALENDAR, WEBHOOK = sys.argv[1:]
DAY = 24 * 3600


def main():
    service = build_for(new_token())
    events = service.events()
    first = insert(events)
    patch_with_etag(events, first)
    token = pages(events)
    delta(events, token, first)
    some_fields(events, first)
    batch(service, first)
    watch_and_stop(service)
    aged(token)
    unauthorized()
    print("ok")


def some_fields(events, first):
    got = events.get(calendarId=CALENDAR, eventId=first["id"], fields="id,start/dateTime").execute()
    assert set(got) == {"id", "start"} and set(got["start"]) == {"dateTime"}, got
    listed = events.list(calendarId=CALENDAR, maxResults=2, fields="items(id,status),nextPageToken").execute()
    assert set(listed) == {"items", "nextPageToken"}, listed
    assert all(set(event) == {"id", "status"} for event in listed["items"]), listed


def batch(service, first):
    answers = {}

    def keep(number, answer, error):
        answers[number] = error or answer

    parts = BatchHttpRequest(keep, batch_uri=ORIGIN + "/batch/calendar/v3")
    parts.add(service.events().get(calendarId=CALENDAR, eventId=first["id"]), request_id="known")
    parts.add(service.events().get(calendarId=CALENDAR, eventId="nobody0"), request_id="unknown")
    parts.add(service.calendarList().list(), request_id="list")
    parts.execute()
    assert answers["known"]["id"] == first["id"], answers
    assert answers["unknown"].status_code == 404, answers
    assert answers["list"]["kind"] == "calendar#calendarList", answers


def build_for(token):
    return build(
        "calendar",
        "v3",
        credentials=Credentials(token),
        client_options={"api_endpoint": ORIGIN + "/calendar/v3/"},
        cache_discovery=False,
    )


def new_token():
    scopes = ["https://www.googleapis.com/auth/calendar"]
    return control("tokens", {"user": CALENDAR, "client": CLIENT, "scopes": scopes})["access_token"]


def body(n):
    return {
        "summary": f"Event {n}",
        "start": {"dateTime": f"2031-01-{n + 1:02}T10:00:00+01:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": f"2031-01-{n + 1:02}T11:00:00+01:00", "timeZone": "Europe/Berlin"},
    }


def insert(events):
    made = [events.insert(calendarId=CALENDAR, body=body(n)).execute() for n in range(7)]
    assert len({event["id"] for event in made}) == 7, made
    again = refused(events.insert(calendarId=CALENDAR, body=body(0) | {"id": made[0]["id"]}))
    assert again.status_code == 409 and reason(again) == "duplicate", again
    got = events.get(calendarId=CALENDAR, eventId=made[0]["id"]).execute()
    assert got == made[0], (got, made[0])
    return made[0]


def patch_with_etag(events, event):
    patch = events.patch(calendarId=CALENDAR, eventId=event["id"], body={"location": "Room 1"})
    patch.headers["If-Match"] = event["etag"]
    changed = patch.execute()
    assert changed["location"] == "Room 1" and changed["summary"] == "Event 0", changed
    assert changed["etag"] != event["etag"], changed
    stale = events.patch(calendarId=CALENDAR, eventId=event["id"], body={"location": "Room 2"})
    stale.headers["If-Match"] = event["etag"]
    error = refused(stale)
    assert error.status_code == 412 and reason(error) == "conditionNotMet", error
    got = events.get(calendarId=CALENDAR, eventId=event["id"]).execute()
    assert got["location"] == "Room 1", got
    update = events.update(calendarId=CALENDAR, eventId=event["id"], body=got | {"summary": "Whole"})
    update.headers["If-Match"] = got["etag"]
    assert update.execute()["summary"] == "Whole"


def pages(events):
    request, titles, sizes, token = events.list(calendarId=CALENDAR, maxResults=3), [], [], None
    while request is not None:
        page = request.execute()
        titles += [event["summary"] for event in page["items"]]
        sizes.append(len(page["items"]))
        token = page.get("nextSyncToken")
        assert (token is None) == ("nextPageToken" in page), page
        request = events.list_next(request, page)
    assert sizes == [3, 3, 1], sizes
    assert sorted(titles) == [f"Event {n}" for n in range(1, 7)] + ["Whole"], titles
    return token


def delta(events, token, first):
    assert sync(events, token)[0] == []
    events.delete(calendarId=CALENDAR, eventId=first["id"]).execute()
    made = events.insert(calendarId=CALENDAR, body=body(8)).execute()
    items, after = sync(events, token)
    assert {item["id"]: item["status"] for item in items} == {first["id"]: "cancelled", made["id"]: "confirmed"}, items
    assert sync(events, after)[0] == []
    again = refused(events.delete(calendarId=CALENDAR, eventId=first["id"]))
    assert again.status_code == 410 and reason(again) == "deleted", again


def sync(events, token):
    page = events.list(calendarId=CALENDAR, syncToken=token, maxResults=3).execute()
    return page["items"], page["nextSyncToken"]


def watch_and_stop(service):
    wanted = {"id": "channel-1", "type": "web_hook", "address": WEBHOOK, "token": "secret", "params": {"ttl": "3600"}}
    channel = service.events().watch(calendarId=CALENDAR, body=wanted).execute()
    assert channel["kind"] == "api#channel" and channel["id"] == "channel-1" and channel["resourceId"], channel
    assert int(channel["expiration"]) > 0, channel
    twice = refused(service.events().watch(calendarId=CALENDAR, body=wanted))
    assert twice.status_code == 400 and reason(twice) == "channelIdNotUnique", twice
    service.events().insert(calendarId=CALENDAR, body=body(9)).execute()
    stop = {"id": channel["id"], "resourceId": channel["resourceId"]}
    service.channels().stop(body=stop).execute()
    service.events().insert(calendarId=CALENDAR, body=body(10)).execute()
    unknown = refused(service.channels().stop(body={"id": "nobody", "resourceId": "x"}))
    assert unknown.status_code == 404, unknown


def aged(token):
    control("clock", {"advance": 31 * DAY})
    # The access token has aged too.
    fresh = build_for(new_token())
    error = refused(fresh.events().list(calendarId=CALENDAR, syncToken=token))
    assert error.status_code == 410 and reason(error) == "fullSyncRequired", error
    full = fresh.events().list(calendarId=CALENDAR).execute()
    assert fresh.events().list(calendarId=CALENDAR, syncToken=full["nextSyncToken"]).execute()["items"] == []


def unauthorized():
    try:
        build_for("nonsense").events().list(calendarId=CALENDAR).execute()
    except Exception as error:  # The client tries to refresh and cannot.
        assert "refresh" in str(error), error
        return
    raise AssertionError("a made-up token was accepted")


def refused(request):
    try:
        request.execute()
    except HttpError as error:
        return error
    raise AssertionError(f"not refused: {request.method} {request.uri}")


def reason(error):
    return json.loads(error.content)["error"]["errors"][0]["reason"]


def control(path, wanted):
    data = json.dumps(wanted).encode()
    with urllib.request.urlopen(f"{ORIGIN}/_sim/{path}", data=data) as answer:
        return json.load(answer)


main()
