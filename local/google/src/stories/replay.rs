//! Captured events.

use serde_json::json;

use crate::conformance::lab::{ANN, Lab, MINE};

const ODD: &str = r#"{
    "id": "odd1", "status": "confirmed", "summary": "Odd", "created": "0000-12-29T00:00:00.000Z",
    "start": {"dateTime": "2026-03-03T11:00:00+02:00", "timeZone": "GMT+02:00"},
    "end": {"dateTime": "2026-03-03T12:00:00+02:00", "timeZone": "GMT+02:00"},
    "attendees": [{"displayName": "No address"}], "visibility": "holographic"
}"#;

#[test]
fn a_replayed_event_is_shown_as_it_is_written() {
    let lab = Lab::new();
    let token = lab.ann().sync_token();
    let odd: serde_json::Value = serde_json::from_str(ODD).unwrap();
    let ids = lab.sim.replay(&json!([odd]).to_string()).unwrap();
    assert_eq!(ids, json!({ANN: ["odd1"]}));
    let mut shown = lab.ann().event("odd1");
    let etag = shown.as_object_mut().unwrap().remove("etag");
    assert!(etag.is_some_and(|etag| etag.is_string()));
    assert_eq!(shown, odd);
    assert_eq!(lab.ann().list(&[("syncToken", &token)]).ids(), ["odd1"]);
}

#[test]
fn a_patch_changes_what_it_names_and_leaves_the_rest_as_it_was_written() {
    let lab = Lab::new();
    lab.sim.replay(&format!("[{ODD}]")).unwrap();
    let path = format!("{MINE}/odd1");
    let shown = lab.ann().patch(&path, json!({"summary": "Even"})).ok();
    assert_eq!(
        (&shown["summary"], &shown["visibility"]),
        (&json!("Even"), &json!("holographic"))
    );
    assert_eq!(shown["start"]["timeZone"], "GMT+02:00");
    let refused = json!({"start": {"timeZone": "Middle-earth/Shire"}});
    assert_eq!(lab.ann().patch(&path, refused).status, 400);
    assert_eq!(lab.ann().delete(&path).status, 204);
    assert_eq!(lab.ann().event("odd1")["status"], "cancelled");
}

#[test]
fn events_without_start_or_rule_that_can_be_read_break_no_listing() {
    let lab = Lab::new();
    let series = json!({"id": "odd2", "status": "confirmed", "recurrence": ["RRULE:FREQ=FORTNIGHTLY"],
        "start": {"date": "2026-03-03"}, "end": {"date": "2026-03-03"}});
    let cases = json!({ANN: [{"id": "odd1", "start": 7}, series], "team": [{"summary": "No id"}]});
    let ids = lab.control("POST", "replay", cases).ok();
    assert_eq!(ids["team"].as_array().map(Vec::len), Some(1));
    assert_eq!(lab.ann().list(&[]).ids().len(), 2);
    let single = lab.ann().list(&[("singleEvents", "true")]);
    assert!(single.ids().contains(&"odd1".to_owned()));
}

#[test]
fn what_is_no_list_of_events_is_told_and_nothing_goes_in() {
    let lab = Lab::new();
    for (cases, why) in [
        ("7", "an array of events, or {calendar: [events]}"),
        (r#"{"team": [{}, 7]}"#, "team[1]: an event is an object"),
    ] {
        assert_eq!(lab.sim.replay(cases).unwrap_err(), why);
    }
    assert!(
        !lab.control("GET", "calendars", json!(null))
            .text
            .contains("team")
    );
}
