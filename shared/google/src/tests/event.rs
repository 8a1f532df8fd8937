//! Events as Google writes them, there and back.

use crate::event::{
    Event, EventTime, EventType, ReminderMethod, ResponseStatus, Status, Transparency, Visibility,
};
use serde_json::Value;

const MEETING: &str = r#"{
 "kind": "calendar#event", "etag": "\"3500000000000001\"", "id": "tandem0001", "status": "confirmed",
 "htmlLink": "https://calendar.example.com/event?eid=1", "created": "2026-03-01T09:00:00Z",
 "updated": "2026-03-01T10:00:00.123Z", "summary": "Tea with Bo", "description": "<b>Bring</b> cake",
 "location": "Kitchen", "colorId": "7", "creator": {"email": "ann@example.com", "self": true},
 "organizer": {"email": "ann@example.com", "displayName": "Ann", "self": true},
 "start": {"dateTime": "2026-03-27T09:00:00+01:00", "timeZone": "Europe/Copenhagen"},
 "end": {"dateTime": "2026-03-27T10:00:00+01:00", "timeZone": "Europe/Copenhagen"},
 "endTimeUnspecified": false, "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=FR", "EXDATE:20260403T070000Z"],
 "transparency": "transparent", "visibility": "private", "iCalUID": "tandem0001@google.com", "sequence": 2,
 "attendees": [
  {"email": "ann@example.com", "organizer": true, "self": true, "responseStatus": "accepted"},
  {"email": "bo@example.com", "displayName": "Bo", "optional": true, "responseStatus": "needsAction", "additionalGuests": 1, "comment": "?"}],
 "extendedProperties": {"private": {"crmflowEventId": "1"}, "shared": {"k": "v"}},
 "hangoutLink": "https://meet.example.com/abc",
 "conferenceData": {"conferenceId": "abc", "entryPoints": [{"entryPointType": "video"}]},
 "guestsCanInviteOthers": false, "guestsCanModify": true, "guestsCanSeeOtherGuests": false,
 "privateCopy": false, "locked": false,
 "reminders": {"useDefault": false, "overrides": [{"method": "popup", "minutes": 10}, {"method": "sms", "minutes": 5}]},
 "source": {"title": "CRM", "url": "https://crm.example.com/1"},
 "attachments": [{"fileUrl": "https://files.example.com/1"}],
 "eventType": "default", "eventLabelId": "l1", "newField": {"deep": [1, null]}
}"#;

const EXCEPTION: &str = r#"{
 "id": "tandem0001_20260410T070000Z", "status": "tentative", "recurringEventId": "tandem0001",
 "originalStartTime": {"dateTime": "2026-04-10T09:00:00+02:00", "timeZone": "Europe/Copenhagen"},
 "start": {"date": "2026-04-11"}, "end": {"date": "2026-04-12"}
}"#;

fn value(raw: &str) -> Value {
    serde_json::from_str(raw).unwrap()
}

/// Reads `raw` and expects to write the same fields.
fn check_round_trip(raw: &str) -> Event {
    let event = Event::read(raw).unwrap();
    assert_eq!(serde_json::to_value(&event).unwrap(), value(raw), "{raw}");
    let again: Event = serde_json::from_value(value(raw)).unwrap();
    assert_eq!(again, event, "both ways of reading agree");
    event
}

#[test]
fn a_full_event_is_typed_and_comes_back_whole() {
    let event = check_round_trip(MEETING);
    assert_eq!(event.status, Some(Status::Confirmed));
    assert_eq!(event.transparency, Some(Transparency::Transparent));
    assert_eq!(event.visibility, Some(Visibility::Private));
    assert_eq!(event.event_type, Some(EventType::Default));
    assert_eq!(event.sequence, Some(2));
    assert_eq!(event.private_property("crmflowEventId"), Some("1"));
    assert_eq!(event.private_property("k"), None);
    assert!(event.is_organized_here() && !event.is_cancelled());
    let guests = event.attendees.as_ref().unwrap();
    assert_eq!(guests[0].is_self, Some(true));
    assert_eq!(guests[1].response_status, Some(ResponseStatus::NeedsAction));
    let overrides = event.reminders.as_ref().unwrap().overrides.as_ref();
    assert_eq!(
        overrides.unwrap()[1].method,
        Some(ReminderMethod::Other("sms".to_owned()))
    );
    let updated = event.updated_at().unwrap();
    assert_eq!(
        updated,
        "2026-03-01T10:00:00.123Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap()
    );
    assert!(event.created_at().is_some());
    let rest: Vec<&str> = event.rest.keys().map(String::as_str).collect();
    assert_eq!(rest, ["eventLabelId", "kind", "newField"]);
}

#[test]
fn an_exception_keeps_its_place_in_the_series() {
    let event = check_round_trip(EXCEPTION);
    assert_eq!(event.recurring_event_id.unwrap().as_str(), "tandem0001");
    let original = event.original_start_time.unwrap().instant().unwrap();
    assert_eq!(original.to_rfc3339(), "2026-04-10T07:00:00+00:00");
    let date = "2026-04-11".parse().unwrap();
    assert_eq!(event.start, Some(EventTime::Date { date }));
    assert_eq!(event.start.unwrap().instant(), None);
}

#[test]
fn tombstones_and_strangers_come_back_whole() {
    assert!(check_round_trip(r#"{"id":"ev1","status":"cancelled"}"#).is_cancelled());
    let stranger = check_round_trip(
        r#"{"id":"_60q3example","status":"postponed","visibility":"secret","eventType":"teamTime","transparency":"half","attendees":[{"responseStatus":"maybe","newField":1}]}"#,
    );
    assert_eq!(
        stranger.event_type,
        Some(EventType::Other("teamTime".to_owned()))
    );
}

#[test]
fn null_and_empty_objects_count_as_absent() {
    let event = Event::read(
        r#"{"id":"ev1","summary":null,"start":{},"attendees":null,"extendedProperties":{"private":null}}"#,
    )
    .unwrap();
    assert_eq!((event.summary, event.start), (None, None));
    assert_eq!(event.extended_properties.unwrap().private, None);
}

#[test]
fn a_zone_beside_a_date_is_dropped() {
    let raw = r#"{"id":"ev1","start":{"date":"2026-04-11","dateTime":null,"timeZone":"UTC"}}"#;
    let written = serde_json::to_value(Event::read(raw).unwrap()).unwrap();
    assert_eq!(
        written,
        value(r#"{"id":"ev1","start":{"date":"2026-04-11"}}"#)
    );
}

#[test]
fn a_time_without_an_offset_is_kept_but_has_no_instant() {
    let event = check_round_trip(
        r#"{"id":"ev1","start":{"dateTime":"2026-03-27T09:00:00","timeZone":"Europe/Copenhagen"},"updated":"yesterday"}"#,
    );
    assert_eq!(event.start.as_ref().unwrap().instant(), None);
    assert_eq!(event.updated_at(), None);
}

fn check_unreadable(field: &str, why: &str) {
    let raw = format!(r#"{{"id":"ev1",{field}}}"#);
    let unreadable = Event::read(&raw).unwrap_err();
    assert_eq!(unreadable.id.as_ref().unwrap().as_str(), "ev1");
    assert!(unreadable.why.starts_with(why), "{}", unreadable.why);
    let error = serde_json::from_str::<Event>(&raw).unwrap_err();
    assert!(error.to_string().starts_with(why), "{error}");
}

#[test]
fn a_wrong_type_is_explained_by_its_field() {
    check_unreadable(r#""summary":5"#, "summary: invalid type");
    check_unreadable(r#""status":{"a":1}"#, "status: invalid type");
    check_unreadable(r#""sequence":"2""#, "sequence: invalid type");
    check_unreadable(r#""recurrence":"RRULE""#, "recurrence: invalid type");
    check_unreadable(r#""start":{"date":"2026-02-30"}"#, "start: ");
    check_unreadable(
        r#""start":{"timeZone":"UTC"}"#,
        "start: neither date nor dateTime",
    );
    check_unreadable(
        r#""end":{"date":"2026-02-03","dateTime":"2026-02-03T00:00:00Z"}"#,
        "end: both date and dateTime",
    );
    check_unreadable(
        r#""attendees":[{"email":"a@example.com"},{"email":5}]"#,
        "attendees: email: invalid type",
    );
    check_unreadable(
        r#""reminders":{"overrides":[{"minutes":"ten"}]}"#,
        "reminders: overrides: minutes: invalid type",
    );
    check_unreadable(
        r#""extendedProperties":{"private":{"a":1}}"#,
        "extendedProperties: private: invalid type",
    );
}
