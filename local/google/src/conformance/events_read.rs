//! E28 to E39, E43, E44, E49 to E52: conditions, deletion, moving, access.

use serde_json::{Value, json};

use super::lab::{ANN, BOB, Lab, MINE, Session, timed, with};
use super::rows;

rows! {
    "E28" "D" Pass e28_a_patch_with_the_current_etag_gives_a_new_one;
    "E29" "D" Pass e29_a_patch_with_a_stale_etag_is_not_met;
    "E30" "D" Pass e30_a_delete_with_a_stale_etag_is_not_met;
    "E31" "D" Pass e31_an_unchanged_event_is_not_sent_again;
    "E32" "L" Pass e32_a_star_matches_every_version;
    "E33" "L" Pass e33_a_move_with_a_stale_etag_is_not_met;
    "E34" "S" Pass e34_deleting_a_live_event_answers_nothing;
    "E35" "D" Pass e35_deleting_twice_is_410;
    "E36" "S" Switch e36_a_deleted_event_is_read_as_cancelled;
    "E37" "X" Switch e37_a_tombstone_comes_back_under_the_same_id;
    "E38" "I" Pass e38_after_emptying_the_trash_nothing_comes_back;
    "E43" "L" Switch e43_a_moved_event_is_cancelled_here_and_confirmed_there;
    "E44" "S" Pass e44_only_default_events_move;
    "E49" "C" Pass e49_writing_to_a_read_only_calendar_needs_access;
    "E50" "D" Pass e50_an_unknown_calendar_is_not_found;
    "E51" "D" Pass e51_an_unknown_event_is_not_found;
    "E52" "S" Pass e52_a_service_account_cannot_invite;
}

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

/// Inserts an event, changes it, and returns the etags before and after.
fn two_versions(ann: &Session, id: &str) -> (String, String) {
    let text = |event: Value| event["etag"].as_str().unwrap_or_default().to_owned();
    let first = text(ann.insert(timed(id)));
    let second = text(ann.patch(&at(id), json!({"summary": "Changed"})).ok());
    (first, second)
}

fn conditional(ann: &Session, method: &str, path: &str, etag: &str) -> super::lab::Answer {
    let body = if method == "PATCH" {
        json!({"summary": "Again"})
    } else {
        Value::Null
    };
    ann.send(method, path, &[("if-match", etag)], &body)
}

fn not_met(answer: super::lab::Answer) {
    let error = answer.fails(412, "conditionNotMet", "Precondition Failed");
    assert_eq!(
        (&error["location"], &error["locationType"]),
        (&json!("If-Match"), &json!("header"))
    );
}

fn e28_a_patch_with_the_current_etag_gives_a_new_one() {
    let ann = Lab::new().ann();
    let (_, current) = two_versions(&ann, "event1");
    let event = conditional(&ann, "PATCH", &at("event1"), &current).ok();
    assert_ne!(event["etag"], current);
}

fn e29_a_patch_with_a_stale_etag_is_not_met() {
    let ann = Lab::new().ann();
    let (stale, _) = two_versions(&ann, "event1");
    not_met(conditional(&ann, "PATCH", &at("event1"), &stale));
    assert_eq!(ann.event("event1")["summary"], "Changed");
}

fn e30_a_delete_with_a_stale_etag_is_not_met() {
    let ann = Lab::new().ann();
    let (stale, _) = two_versions(&ann, "event1");
    not_met(conditional(&ann, "DELETE", &at("event1"), &stale));
    assert_eq!(ann.event("event1")["status"], "confirmed");
}

fn e31_an_unchanged_event_is_not_sent_again() {
    let ann = Lab::new().ann();
    let (stale, current) = two_versions(&ann, "event1");
    let same = ann.send(
        "GET",
        &at("event1"),
        &[("if-none-match", &current)],
        &Value::Null,
    );
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    ann.send(
        "GET",
        &at("event1"),
        &[("if-none-match", &stale)],
        &Value::Null,
    )
    .ok();
}

fn e32_a_star_matches_every_version() {
    let ann = Lab::new().ann();
    two_versions(&ann, "event1");
    conditional(&ann, "PATCH", &at("event1"), "*").ok();
}

/// A second calendar of the caller.
fn other_calendar(ann: &Session) -> String {
    let calendar = ann
        .post("/calendar/v3/calendars", json!({"summary": "Other"}))
        .ok();
    calendar["id"].as_str().unwrap_or_default().to_owned()
}

fn e33_a_move_with_a_stale_etag_is_not_met() {
    let ann = Lab::new().ann();
    let other = other_calendar(&ann);
    let (stale, current) = two_versions(&ann, "event1");
    let path = format!("{}/move?destination={other}", at("event1"));
    not_met(conditional(&ann, "POST", &path, &stale));
    conditional(&ann, "POST", &path, &current).ok();
}

fn e34_deleting_a_live_event_answers_nothing() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let answer = ann.delete(&at("event1"));
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

fn e35_deleting_twice_is_410() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    ann.delete(&at("event1"));
    ann.delete(&at("event1"))
        .fails(410, "deleted", "Resource has been deleted");
}

fn e36_a_deleted_event_is_read_as_cancelled() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    ann.delete(&at("event1"));
    let event = ann.event("event1");
    assert_eq!(
        (&event["id"], &event["status"]),
        (&json!("event1"), &json!("cancelled"))
    );
    lab.control("POST", &format!("users/{ANN}/empty-trash"), json!({}))
        .ok();
    assert_eq!(ann.event("event1")["status"], "cancelled");
    lab.switch("purgedEvent", "notFound");
    ann.get(&at("event1")).fails(404, "notFound", "");
    lab.switch("purgedEvent", "gone");
    ann.get(&at("event1")).fails(410, "deleted", "");
}

fn e37_a_tombstone_comes_back_under_the_same_id() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    ann.delete(&at("event1"));
    let event = ann
        .patch(&at("event1"), json!({"status": "confirmed"}))
        .ok();
    assert_eq!(
        (&event["id"], &event["status"]),
        (&json!("event1"), &json!("confirmed"))
    );
    assert_eq!(ann.list(&[]).ids(), ["event1"]);
    ann.delete(&at("event1"));
    let event = ann
        .put(
            &at("event1"),
            with(timed("event1"), json!({"status": "confirmed"})),
        )
        .ok();
    assert_eq!(event["status"], "confirmed");
    ann.delete(&at("event1"));
    lab.switch("restore", "forbidden");
    ann.patch(&at("event1"), json!({"status": "confirmed"}))
        .fails(403, "forbidden", "Forbidden");
}

fn e38_after_emptying_the_trash_nothing_comes_back() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    ann.delete(&at("event1"));
    lab.control("POST", &format!("users/{ANN}/empty-trash"), json!({}))
        .ok();
    ann.patch(&at("event1"), json!({"status": "confirmed"}))
        .fails(403, "forbidden", "Forbidden");
    ann.post(MINE, timed("event1")).fails(409, "duplicate", "");
}

fn e43_a_moved_event_is_cancelled_here_and_confirmed_there() {
    let lab = Lab::new();
    let ann = lab.ann();
    let other = other_calendar(&ann);
    let uid = ann.insert(timed("event1"))["iCalUID"].clone();
    let token = ann.sync_token();
    let path = format!("{}/move?destination={other}", at("event1"));
    let answer = ann.post(&path, Value::Null).ok();
    assert_eq!(
        (&answer["id"], &answer["status"]),
        (&json!("event1"), &json!("cancelled"))
    );
    let there = ann
        .get(&format!("/calendar/v3/calendars/{other}/events/event1"))
        .ok();
    assert_eq!(
        (&there["status"], &there["iCalUID"]),
        (&json!("confirmed"), &uid)
    );
    assert_eq!(there["organizer"]["email"], other);
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.item("event1")["status"], "cancelled");
    ann.post(&format!("{}/move", at("event1")), Value::Null)
        .fails(400, "required", "");
    lab.switch("moveAnswer", "confirmed");
    ann.insert(timed("event2"));
    let path = format!("{}/move?destination={other}", at("event2"));
    assert_eq!(ann.post(&path, Value::Null).ok()["status"], "confirmed");
}

fn e44_only_default_events_move() {
    let ann = Lab::new().ann();
    let other = other_calendar(&ann);
    let kind = json!({"eventType": "outOfOffice", "outOfOfficeProperties": {}});
    ann.insert(with(timed("event1"), kind));
    let path = format!("{}/move?destination={other}", at("event1"));
    ann.post(&path, Value::Null)
        .fails(400, "eventTypeRestriction", "");
}

fn e49_writing_to_a_read_only_calendar_needs_access() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    lab.control(
        "POST",
        &format!("calendars/{ANN}/share"),
        json!({"user": BOB, "role": "reader"}),
    )
    .ok();
    let path = format!("/calendar/v3/calendars/{ANN}/events");
    let bob = lab.bob();
    bob.get(&format!("{path}/event1")).ok();
    let text = "You need to have writer access to this calendar.";
    for answer in [
        bob.post(&path, timed("event2")),
        bob.patch(&format!("{path}/event1"), json!({"summary": "Mine"})),
        bob.delete(&format!("{path}/event1")),
    ] {
        answer.fails(403, "requiredAccessLevel", text);
    }
}

fn e50_an_unknown_calendar_is_not_found() {
    let ann = Lab::new().ann();
    for calendar in ["nobody@example.com", BOB] {
        let path = format!("/calendar/v3/calendars/{calendar}/events");
        let one = format!("{path}/event1");
        for answer in [
            ann.get(&path),
            ann.get(&one),
            ann.post(&path, timed("event1")),
            ann.patch(&one, json!({})),
            ann.delete(&one),
            ann.get(&format!("/calendar/v3/calendars/{calendar}")),
        ] {
            answer.fails(404, "notFound", "Not Found");
        }
    }
}

fn e51_an_unknown_event_is_not_found() {
    let ann = Lab::new().ann();
    ann.get(&at("event1")).fails(404, "notFound", "Not Found");
    ann.patch(&at("event1"), json!({}))
        .fails(404, "notFound", "Not Found");
    ann.delete(&at("event1"))
        .fails(404, "notFound", "Not Found");
}

fn e52_a_service_account_cannot_invite() {
    let lab = Lab::new();
    let robot = "robot@app.iam.gserviceaccount.com";
    lab.control(
        "POST",
        "users",
        json!({"email": robot, "service_account": true}),
    )
    .ok();
    let session = lab.with(robot, &[super::lab::CALENDAR]);
    session.insert(timed("event1"));
    let body = with(timed("event2"), json!({"attendees": [{"email": ANN}]}));
    let text =
        "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.";
    session
        .post(MINE, body)
        .fails(403, "forbiddenForServiceAccounts", text);
}
