//! Golden cases of the mapping, both ways, and its corners.

mod writes;

use super::*;
use crate::event::Event;
use event::{
    Access, Context, Direction, EventFields, EventPatch, Group, GroupValue, Status, Unmappable,
};
use serde_json::{Value, json};

fn read(json: &Value) -> Event {
    Event::read(&json.to_string()).unwrap()
}

fn row(json: Value) -> EventFields {
    serde_json::from_value(json).unwrap()
}

fn context() -> Context {
    Context {
        time_zone: "Europe/Berlin".to_owned(),
        request_id: "r1".to_owned(),
    }
}

fn timed(start: &str, end: &str) -> Value {
    json!({"all_day": false, "starts_at": start, "ends_at": end})
}

/// The body of a PATCH of some groups, without the references that each has.
fn patched(groups: &[Group], row: &EventFields) -> Value {
    let mut body = body(&EventPatch::of(groups, row), row, &context());
    body.remove("extendedProperties");
    Value::Object(body)
}

/// A row, the body it is inserted with, the event that Google answers, and the row that this becomes.
fn check(row_json: Value, body: Value, answered: Value, back: Value) {
    let row = row(row_json);
    let inserted = insert_body(&EventPatch::whole(&row), &row, &context());
    assert_eq!(Value::Object(inserted), body);
    let shown = remote_fields(&read(&answered)).unwrap();
    let mut taken = EventFields::default();
    for value in shown.iter() {
        let group = value.group();
        if group.direction() == Direction::Both {
            let expected = row.expected(group, &context()).unwrap();
            assert_eq!(*value, expected, "{group:?}");
        }
        taken.apply(value);
    }
    let mut groups = Group::ALL.to_vec();
    groups.retain(|group| *group != Group::References);
    assert_eq!(Value::Object(taken.only(&groups)), back);
}

fn back(more: Value) -> Value {
    let mut row = json!({
        "title": null, "description": null, "location": null, "all_day": false, "starts_at": null, "ends_at": null,
        "starts_on": null, "ends_on": null, "time_zone": null, "end_time_zone": null, "recurrence": null,
        "status": "confirmed", "visibility": "default", "transparency": "opaque", "color": null, "attendees": [],
        "reminders": {"use_default": true, "overrides": []}, "conference": null, "organizer": null, "creator": null,
        "attachments": null,
    });
    row.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn a_timed_event_with_everything_is_the_same_on_both_sides() {
    check(
        json!({
            "title": "Call", "description": "<b>Prices</b>", "location": "Room 1", "all_day": false,
            "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
            "starts_on": null, "ends_on": null, "time_zone": "Europe/Paris", "recurrence": null,
            "status": "tentative", "visibility": "private", "transparency": "transparent", "color": "5",
            "attendees": [{"email": "Bob@Example.com", "display_name": "Bob", "optional": true}],
            "reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 10}]},
        }),
        json!({
            "summary": "Call", "description": "<b>Prices</b>", "location": "Room 1",
            "start": {"dateTime": "2031-03-03T09:00:00Z", "timeZone": "Europe/Paris"},
            "end": {"dateTime": "2031-03-03T10:00:00Z", "timeZone": "Europe/Paris"},
            "status": "tentative", "visibility": "private", "transparency": "transparent", "colorId": "5",
            "attendees": [{"email": "bob@example.com", "displayName": "Bob", "optional": true, "responseStatus": "needsAction"}],
            "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 10}]},
        }),
        json!({
            "id": "e1", "status": "tentative", "summary": "Call", "description": "<b>Prices</b>", "location": "Room 1",
            "start": {"dateTime": "2031-03-03T10:00:00+01:00", "timeZone": "Europe/Paris"},
            "end": {"dateTime": "2031-03-03T11:00:00+01:00", "timeZone": "Europe/Paris"},
            "visibility": "private", "transparency": "transparent", "colorId": "5",
            "attendees": [{"email": "bob@example.com", "displayName": "Bob", "optional": true, "responseStatus": "needsAction"}],
            "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 10}]},
        }),
        back(json!({
            "title": "Call", "description": "<b>Prices</b>", "location": "Room 1",
            "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
            "time_zone": "Europe/Paris", "status": "tentative", "visibility": "private",
            "transparency": "transparent", "color": "5",
            "attendees": [{"email": "bob@example.com", "display_name": "Bob", "optional": true, "response_status": "needsAction"}],
            "reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 10}]},
        })),
    );
}

#[test]
fn an_all_day_event_is_two_dates_and_what_is_absent_is_the_default() {
    check(
        json!({"title": "Fair", "all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-05", "attendees": []}),
        json!({
            "summary": "Fair", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-05"}, "status": "confirmed",
            "visibility": "default", "transparency": "opaque", "reminders": {"useDefault": true},
        }),
        json!({"id": "e1", "summary": "Fair", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-05"}}),
        back(
            json!({"title": "Fair", "all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-05"}),
        ),
    );
}

#[test]
fn a_flight_keeps_the_zones_of_both_its_ends() {
    let zoned = |time: &str, zone: &str| json!({"dateTime": time, "timeZone": zone});
    let start = zoned("2031-03-03T09:00:00Z", "Europe/Berlin");
    let end = zoned("2031-03-03T18:00:00Z", "America/New_York");
    let mut flight = timed("2031-03-03T09:00:00.000000Z", "2031-03-03T18:00:00.000000Z");
    flight["time_zone"] = json!("Europe/Berlin");
    flight["end_time_zone"] = json!("America/New_York");
    check(
        flight.clone(),
        json!({
            "start": start, "end": end, "status": "confirmed", "visibility": "default", "transparency": "opaque",
            "reminders": {"useDefault": true},
        }),
        json!({"id": "e1", "start": start, "end": end}),
        back(flight),
    );
}

#[test]
fn a_timed_event_without_a_zone_takes_the_calendars() {
    let row = row(timed("2031-03-03T09:00:00.5Z", "2031-03-03T10:00:00Z"));
    let time = |hour| json!({"date": null, "dateTime": format!("2031-03-03T{hour}:00:00Z"), "timeZone": "Europe/Berlin"});
    let expected = json!({"start": time("09"), "end": time("10")});
    assert_eq!(patched(&[Group::Time], &row), expected);
}

#[test]
fn a_timed_event_that_becomes_all_day_loses_its_times_in_google() {
    let row = row(json!({"all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04"}));
    let date = |date| json!({"date": date, "dateTime": null, "timeZone": null});
    let expected = json!({"start": date("2031-03-03"), "end": date("2031-03-04")});
    assert_eq!(patched(&[Group::Time], &row), expected);
}

#[test]
fn unknown_words_go_through_unchanged() {
    let shown = remote_fields(&read(&json!({
        "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"},
        "visibility": "cosmic", "transparency": "foggy", "status": "postponed",
    })))
    .unwrap();
    let mut row = EventFields::default();
    shown.iter().for_each(|value| row.apply(value));
    let sent = patched(&[Group::Visibility, Group::Transparency], &row);
    assert_eq!(
        sent,
        json!({"visibility": "cosmic", "transparency": "foggy"})
    );
    // The CRM knows three: what is not cancelled takes place.
    assert_eq!(shown.status(), Some(&Status::Other("postponed".to_owned())));
    assert_eq!(row.status, Status::Confirmed);
}

#[test]
fn empty_words_are_the_defaults() {
    let shown = remote_fields(&read(&json!({
        "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}, "summary": "",
        "visibility": "", "transparency": "", "status": "",
    })))
    .unwrap();
    let nothing = EventFields::default();
    for group in [
        Group::Title,
        Group::Visibility,
        Group::Transparency,
        Group::Status,
    ] {
        let expected = nothing.expected(group, &context()).unwrap();
        assert_eq!(shown.get(group), Some(&expected));
    }
}

#[test]
fn a_shortened_guest_list_is_unknown_not_empty() {
    let ann = json!({"email": "ann@example.com", "self": true});
    for (omitted, guests) in [
        (true, json!([ann])),
        (false, json!([ann, {"displayName": "Without an address"}])),
        (
            false,
            json!([ann, {"email": "", "displayName": "Without an address"}]),
        ),
    ] {
        let shown = remote_fields(&read(&json!({
            "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"},
            "attendeesOmitted": omitted, "attendees": guests,
        })))
        .unwrap();
        assert_eq!(shown.attendees(), None, "{guests}");
        assert!(shown.is_whole());
    }
}

#[test]
fn of_a_busy_time_only_when_it_is_is_known() {
    let busy = json!({"id": "e1", "visibility": "private", "etag": "\"1\"",
        "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}});
    let event = remote_event(&read(&busy)).unwrap();
    let known: Vec<Group> = event.fields.iter().map(GroupValue::group).collect();
    for group in [
        Group::Title,
        Group::Description,
        Group::Location,
        Group::Attendees,
    ] {
        assert!(!known.contains(&group), "{known:?}");
    }
    assert!(known.contains(&Group::Time) && !event.fields.is_whole());
    assert_eq!((event.etag, event.access), (None, Access::Read));
}

#[test]
fn of_a_tombstone_only_the_status_is_known() {
    let bare = read(&json!({"id": "e1", "status": "cancelled"}));
    let shown = remote_fields(&bare).unwrap();
    let known: Vec<&GroupValue> = shown.iter().collect();
    assert_eq!(known, [&GroupValue::Status(Status::Cancelled)]);
    assert!(!remote_event(&bare).unwrap().fields.is_whole());
}

#[test]
fn events_without_usable_times_cannot_be_mapped() {
    let check = |event: Value, why| assert_eq!(remote_fields(&read(&event)), Err(why));
    check(json!({"id": "e1"}), Unmappable::RemoteTime("start"));
    let floating = json!({"id": "e1", "start": {"dateTime": "2031-03-03T09:00:00"}, "end": {"dateTime": "2031-03-03T10:00:00"}});
    check(floating, Unmappable::RemoteTime("start"));
    let mixed = json!({"id": "e1", "start": {"dateTime": "2031-03-03T09:00:00Z"}, "end": {"date": "2031-03-04"}});
    check(mixed, Unmappable::MixedTimes);
    for (start, end, bad) in [
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "start"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "end"),
    ] {
        let far = json!({"id": "e1", "start": {"dateTime": start}, "end": {"dateTime": end}});
        check(far, Unmappable::RemoteTime(bad));
    }
    let far =
        json!({"id": "e1", "start": {"date": "+10000-01-01"}, "end": {"date": "+10000-01-02"}});
    check(far, Unmappable::RemoteTime("start"));
    let without = EventFields::default().expected(Group::Time, &context());
    assert_eq!(without, Err(Unmappable::RowWithoutTime));
}

#[test]
fn who_may_change_an_event_is_said_by_its_organizer_kind_and_locks() {
    let check = |more: Value, expected| {
        let mut event = json!({"id": "e1", "summary": "Lunch"});
        event
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(access(&read(&event)), expected, "{event}");
    };
    let boss = json!({"email": "boss@example.com"});
    check(json!({}), Access::Full);
    check(json!({"organizer": {"self": true}}), Access::Full);
    check(json!({"organizer": boss}), Access::Guest);
    let open = json!({"organizer": boss, "guestsCanModify": true});
    check(open, Access::Full);
    let locked = json!({"organizer": boss, "guestsCanModify": true, "locked": true});
    check(locked, Access::Guest);
    check(
        json!({"organizer": boss, "privateCopy": true}),
        Access::Full,
    );
    check(json!({"summary": null}), Access::Read);
    check(json!({"eventType": "default"}), Access::Full);
    for kind in ["birthday", "fromGmail", "teamTime"] {
        check(json!({"eventType": kind}), Access::Read);
    }
}

#[test]
fn an_event_is_told_in_neutral_words() {
    let event = remote_event(&read(&json!({
        "id": "s_20310303T090000Z", "etag": "\"1\"", "updated": "2031-01-01T12:00:00Z", "iCalUID": "u",
        "recurringEventId": "s", "originalStartTime": {"dateTime": "2031-03-03T10:00:00+01:00"},
        "organizer": {"email": "boss@example.com"}, "conferenceData": {"createRequest": {"requestId": "r", "status": {"statusCode": "pending"}}},
        "start": {"dateTime": "2031-03-03T11:00:00+01:00"}, "end": {"dateTime": "2031-03-03T12:00:00+01:00"},
    })))
    .unwrap();
    assert_eq!(event.series.as_deref(), Some("s"));
    assert_eq!(
        event.original_start.as_deref(),
        Some("2031-03-03T09:00:00Z")
    );
    assert_eq!(event.organizer.as_deref(), Some("boss@example.com"));
    assert_eq!(event.ends, "2031-03-03T11:00:00Z".parse().ok());
    assert!(
        event.fields.is_whole()
            && event.is_unfinished
            && !event.is_organizer
            && !event.is_cancelled
    );
    let bare = json!({"id": "s_20310303T090000Z", "status": "cancelled"});
    let bare = remote_event(&read(&bare)).unwrap();
    assert_eq!(bare.series.as_deref(), Some("s"));
    assert_eq!(bare.original_start.as_deref(), Some("2031-03-03T09:00:00Z"));
}
