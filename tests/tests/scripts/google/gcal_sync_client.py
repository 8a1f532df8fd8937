"""gcal-sync against a Calendar API at the given origin, with 2,100 events there. Prints "ok" at the end.

usage: gcal_sync_client.py ORIGIN CLIENT CALENDAR
"""

import asyncio
import datetime
import json
import sys
import urllib.request

import aiohttp
from gcal_sync.api import GoogleCalendarService, ListEventsRequest
from gcal_sync.auth import AbstractAuth
from gcal_sync.model import DateOrDatetime, Event
from gcal_sync.store import InMemoryCalendarStore
from gcal_sync.sync import CalendarEventSyncManager, CalendarListSyncManager

ORIGIN, CLIENT, CALENDAR = sys.argv[1:]
DAY = 24 * 3600


class Auth(AbstractAuth):
    async def async_get_access_token(self):
        scopes = ["https://www.googleapis.com/auth/calendar"]
        return control("tokens", {"user": CALENDAR, "client": CLIENT, "scopes": scopes})["access_token"]


async def main():
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        api = GoogleCalendarService(Auth(session, ORIGIN + "/calendar/v3"))
        await calendars(api)
        store = InMemoryCalendarStore()
        events = CalendarEventSyncManager(api, CALENDAR, store)
        await copy(events, store)
        await delta(api, events, store)
        await aged(api, events, store)
        await listed(api)
    print("ok")


async def calendars(api):
    store = InMemoryCalendarStore()
    manager = CalendarListSyncManager(api, store)
    await manager.run()
    await manager.run()
    found = (await manager.store_service.async_list_calendars()).calendars
    assert [calendar.id for calendar in found] == [CALENDAR], found
    assert (await api.async_get_calendar("primary")).id == CALENDAR


async def copy(events, store):
    before = listings()
    await events.run()
    assert listings() - before == 3, "the first copy is three pages"
    assert len(await items(store)) == 2100


async def delta(api, events, store):
    first = next(iter(await items(store)))
    await api.async_patch_event(CALENDAR, first, {"summary": "Changed"})
    at = datetime.datetime(2031, 6, 1, 10, tzinfo=datetime.timezone.utc)
    start, end = DateOrDatetime(date_time=at), DateOrDatetime(date_time=at + datetime.timedelta(hours=1))
    await api.async_create_event(CALENDAR, Event(summary="New", start=start, end=end))
    before = listings()
    await events.run()
    assert listings() - before == 1, "a delta is one page"
    found = await items(store)
    assert len(found) == 2101 and found[first]["summary"] == "Changed", len(found)
    await api.async_delete_event(CALENDAR, first)
    await events.run()
    assert (await items(store))[first]["status"] == "cancelled"


async def aged(api, events, store):
    control("clock", {"advance": 31 * DAY})
    before, tokens = listings(), refused()
    await events.run()
    assert refused() - tokens == 1 and listings() - before == 4, "410, then three pages"
    found = await items(store)
    assert len(found) == 2100 and all(event["status"] == "confirmed" for event in found.values())


async def listed(api):
    start = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
    request = ListEventsRequest(calendar_id=CALENDAR, start_time=start, end_time=start + datetime.timedelta(days=1))
    page = await api.async_list_events(request)
    assert len(page.items) == 23, len(page.items)
    event = await api.async_get_event(CALENDAR, page.items[0].id)
    assert event.summary == page.items[0].summary


async def items(store):
    """What the manager stored of the calendar's events."""
    data = await store.async_load()
    return data["event_sync"][CALENDAR]["items"]


def listings():
    return control("counters").get("events.list", 0)


def refused():
    return len(control("log?name=events.list&status=410"))


def control(path, wanted=None):
    data = None if wanted is None else json.dumps(wanted).encode()
    with urllib.request.urlopen(f"{ORIGIN}/_sim/{path}", data=data, timeout=60) as answer:
        return json.load(answer)


asyncio.run(main())
