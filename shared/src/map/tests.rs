//! Golden cases of the mapping, both ways, and its corners.

use super::*;
use serde_json::json;

fn event(json: Value) -> Event {
    Event::read(&json.to_string()).unwrap()
}

fn row(json: Value) -> Row {
    serde_json::from_value(json).unwrap()
}

fn context() -> Context {
    Context {
        time_zone: "Europe/Berlin".to_owned(),
        request_id: "r1".to_owned(),
    }
}

/// A row, the body it is inserted with, the event that Google answers, and the row that this becomes.
fn check(row_json: Value, body: Value, answered: Value, back: Value) {
    let row = row(row_json);
    assert_eq!(Value::Object(whole(&row, &context()).unwrap()), body);
    let shown = shown(&event(answered)).unwrap();
    for (unit, value) in &shown {
        if unit.direction() == Direction::Both {
            assert_eq!(
                *value,
                expected(*unit, &row, &context()).unwrap(),
                "{unit:?}"
            );
        }
    }
    let mut fields = Map::new();
    for (unit, value) in &shown {
        fields.extend(to_row(*unit, value));
    }
    assert_eq!(Value::Object(fields), back);
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
        json!({
            "title": "Call", "description": "<b>Prices</b>", "location": "Room 1", "all_day": false,
            "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
            "starts_on": null, "ends_on": null, "time_zone": "Europe/Paris", "recurrence": null,
            "status": "tentative", "visibility": "private", "transparency": "transparent", "color": "5",
            "attendees": [{"email": "bob@example.com", "display_name": "Bob", "optional": true, "response_status": "needsAction"}],
            "reminders": {"use_default": false, "overrides": [{"method": "popup", "minutes": 10}]},
            "conference": null, "organizer": null, "creator": null, "attachments": null,
        }),
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
        json!({
            "title": "Fair", "description": null, "location": null, "all_day": true, "starts_at": null, "ends_at": null,
            "starts_on": "2031-03-03", "ends_on": "2031-03-05", "recurrence": null, "status": "confirmed",
            "visibility": "default", "transparency": "opaque", "color": null, "attendees": [],
            "reminders": {"use_default": true, "overrides": []}, "conference": null, "organizer": null, "creator": null, "attachments": null,
        }),
    );
}

#[test]
fn a_timed_event_without_a_zone_takes_the_calendars() {
    let row = row(
        json!({"all_day": false, "starts_at": "2031-03-03T09:00:00.5Z", "ends_at": "2031-03-03T10:00:00Z"}),
    );
    let body = to_google(Unit::When, &row, &context()).unwrap();
    assert_eq!(
        body["start"],
        json!({"date": null, "dateTime": "2031-03-03T09:00:00Z", "timeZone": "Europe/Berlin"})
    );
}

#[test]
fn a_timed_event_that_becomes_all_day_loses_its_times_in_google() {
    let row = row(json!({"all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04"}));
    let body = to_google(Unit::When, &row, &context()).unwrap();
    assert_eq!(
        body["end"],
        json!({"date": "2031-03-04", "dateTime": null, "timeZone": null})
    );
}

#[test]
fn unknown_words_go_through_unchanged() {
    let shown = shown(&event(json!({
        "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"},
        "visibility": "cosmic", "transparency": "foggy", "status": "postponed",
    })))
    .unwrap();
    for (unit, word) in [(Unit::Visibility, "cosmic"), (Unit::Transparency, "foggy")] {
        let fields = to_row(unit, &shown[&unit]);
        let back = to_google(unit, &Row(fields), &context()).unwrap();
        assert_eq!(back.values().next(), Some(&json!(word)));
    }
    // The CRM knows three: what is not cancelled takes place.
    assert_eq!(shown[&Unit::Status], "postponed");
    assert_eq!(
        to_row(Unit::Status, &shown[&Unit::Status])["status"],
        "confirmed"
    );
}

#[test]
fn a_shortened_guest_list_is_unknown_not_empty() {
    let shown = shown(&event(json!({
        "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"},
        "attendeesOmitted": true, "attendees": [{"email": "ann@example.com", "self": true}],
    })))
    .unwrap();
    assert!(!shown.contains_key(&Unit::Attendees));
}

#[test]
fn events_without_usable_times_cannot_be_mapped() {
    assert_eq!(
        shown(&event(json!({"id": "e1"}))),
        Err(Unmappable::GoogleTime("start"))
    );
    let floating = json!({"id": "e1", "start": {"dateTime": "2031-03-03T09:00:00"}, "end": {"dateTime": "2031-03-03T10:00:00"}});
    assert_eq!(
        shown(&event(floating)),
        Err(Unmappable::GoogleTime("start"))
    );
    assert_eq!(
        whole(&Row::default(), &context()),
        Err(Unmappable::RowWithoutTime)
    );
}

#[test]
fn a_start_and_an_end_of_different_kinds_cannot_be_mapped() {
    let mixed = json!({"id": "e1", "start": {"dateTime": "2031-03-03T09:00:00Z"}, "end": {"date": "2031-03-04"}});
    assert_eq!(shown(&event(mixed)), Err(Unmappable::GoogleMixedTimes));
}

#[test]
fn times_that_the_database_cannot_hold_cannot_be_mapped() {
    for (start, end, bad) in [
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z", "start"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "end"),
    ] {
        let far = json!({"id": "e1", "start": {"dateTime": start}, "end": {"dateTime": end}});
        assert_eq!(shown(&event(far)), Err(Unmappable::GoogleTime(bad)));
    }
    let far =
        json!({"id": "e1", "start": {"date": "+10000-01-01"}, "end": {"date": "+10000-01-02"}});
    assert_eq!(shown(&event(far)), Err(Unmappable::GoogleTime("start")));
}

#[test]
fn empty_words_are_the_defaults() {
    let shown = shown(&event(json!({
        "id": "e1", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"},
        "visibility": "", "transparency": "", "status": "",
    })))
    .unwrap();
    for (unit, word) in [
        (Unit::Visibility, "default"),
        (Unit::Transparency, "opaque"),
        (Unit::Status, "confirmed"),
    ] {
        assert_eq!(shown[&unit], json!(word));
    }
}

#[test]
fn the_link_back_is_never_written_over_a_foreign_one() {
    let (ours, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let (ours, other) = (crate::crm::RowId(ours), crate::crm::RowId(other));
    let body = |link_back| properties_body(ours, Stamp(7), &Row::default(), &link_back);
    assert_eq!(
        body(LinkBack::None)["private"]["crmflowEventId"],
        json!(ours.to_string())
    );
    assert_eq!(
        body(LinkBack::Row(ours))["private"]["crmflowRev"],
        json!("7")
    );
    assert_eq!(
        body(LinkBack::Row(other))["private"].get("crmflowEventId"),
        None
    );
    assert_eq!(
        body(LinkBack::Foreign("x".to_owned()))["private"].get("crmflowEventId"),
        None
    );
}

#[test]
fn an_exception_says_nothing_about_its_row() {
    let properties = json!({"private": {"crmflowEventId": uuid::Uuid::from_u128(1)}});
    let single = event(json!({"id": "e1", "extendedProperties": properties}));
    let exception = event(
        json!({"id": "e1_20310303", "recurringEventId": "e1", "extendedProperties": properties}),
    );
    assert!(matches!(LinkBack::of(&single), LinkBack::Row(_)));
    assert_eq!(LinkBack::of(&exception), LinkBack::None);
}
