//! Ids and UIDs that somebody has chosen to be another's.

use serde_json::{Value, json};

use crate::conformance::lab::{ANN, BOB, Lab, MINE, timed, with};

const IMPORT: &str = "/calendar/v3/calendars/primary/events/import";

fn imported(uid: &str, title: &str) -> Value {
    let mut body = with(timed("unused"), json!({"iCalUID": uid, "summary": title}));
    body.as_object_mut().map(|body| body.remove("id"));
    body
}

#[test]
fn an_imported_uid_has_the_same_id_in_every_calendar() {
    let lab = Lab::new();
    let anns = lab.ann().post(IMPORT, imported("04000000", "Ann's")).ok();
    let bobs = lab.bob().post(IMPORT, imported("04000000", "Bob's")).ok();
    assert_eq!(
        (&anns["id"], &bobs["id"]),
        (&json!("_60q30c1g60o30"), &anns["id"])
    );
    let id = anns["id"].as_str().unwrap_or_default();
    assert_eq!(lab.ann().event(id)["summary"], "Ann's");
}

#[test]
fn an_invitation_under_the_id_of_the_guests_own_event_leaves_that_alone() {
    for uid in ["event1@google.com", "another"] {
        let lab = Lab::new();
        let own = lab.ann().insert(timed("event1"));
        let forged = json!({"attendees": [{"email": ANN}], "summary": "Bob's", "iCalUID": uid});
        lab.bob().insert(with(timed("event1"), forged));
        assert_eq!(lab.ann().event("event1"), own);
        let deleted = lab.bob().delete(&format!("{MINE}/event1"));
        assert_eq!(deleted.status, 204);
        assert_eq!(lab.ann().event("event1"), own);
    }
}

#[test]
fn an_event_does_not_move_to_where_another_one_has_its_id() {
    let lab = Lab::new();
    let team = json!({"id": "team@group.calendar.google.com", "summary": "Team", "owner": ANN,
        "shared": [{"user": BOB, "role": "writer"}]});
    lab.control("POST", "calendars", team).ok();
    let events = "/calendar/v3/calendars/team@group.calendar.google.com/events";
    let own = lab.ann().post(events, timed("event1")).ok();
    lab.bob().insert(timed("event1"));
    let path = format!("{MINE}/event1/move?destination=team@group.calendar.google.com");
    lab.bob()
        .post(&path, Value::Null)
        .fails(409, "duplicate", "");
    let kept = lab.ann().get(&format!("{events}/event1")).ok();
    assert_eq!(kept["etag"], own["etag"]);
}

#[test]
fn who_imports_an_event_again_did_not_create_it() {
    let lab = Lab::new();
    let team = json!({"id": "team@group.calendar.google.com", "summary": "Team", "owner": ANN,
        "shared": [{"user": BOB, "role": "writer"}]});
    lab.control("POST", "calendars", team).ok();
    let import = "/calendar/v3/calendars/team@group.calendar.google.com/events/import";
    lab.ann().post(import, imported("u-1", "Ann's")).ok();
    let again = lab.bob().post(import, imported("u-1", "Bob's")).ok();
    assert_eq!(
        (&again["summary"], &again["creator"]["email"]),
        (&json!("Bob's"), &json!(ANN))
    );
}
