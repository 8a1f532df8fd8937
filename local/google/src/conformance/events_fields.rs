//! E21 to E27, E53, E55 to E57: what becomes of the fields of a body.

use serde_json::{Value, json};

use super::lab::{Lab, MINE, Session, start, timed, with};
use super::rows;

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

rows! {
    "E21" "D" Pass e21_a_property_with_a_long_key_is_dropped;
    "E22" "D" Pass e22_a_long_property_value_is_cut;
    "E23" "D" Pass e23_a_property_patched_to_null_is_gone;
    "E24" "D" Pass e24_a_put_without_properties_removes_them;
    "E25" "D" Pass e25_patched_attendees_replace_the_list;
    "E26" "D" Pass e26_a_put_without_attendees_removes_them;
    "E27" "D" Pass e27_a_description_patched_to_null_is_gone;
    "E53" "L" Pass e53_addresses_are_lower_cased_and_repeated_names_dropped;
    "E55" "L" Switch e55_created_in_an_insert_is_ignored_or_refused;
    "E56" "L" Pass e56_default_reminders_do_not_go_with_the_overrides_that_are_stored;
    "E57" "U" Switch e57_the_sequence_grows_with_the_time_or_with_every_change;
}

fn private(id: &str, properties: Value) -> Value {
    with(
        timed(id),
        json!({"extendedProperties": {"private": properties}}),
    )
}

fn invited(ann: &Session) {
    let guests = json!({"attendees": [{"email": "x@else.example"}, {"email": "y@else.example"}]});
    ann.insert(with(timed("event1"), guests));
}

fn e21_a_property_with_a_long_key_is_dropped() {
    let ann = Lab::new().ann();
    let (fits, long) = ("k".repeat(44), "k".repeat(45));
    let event = ann.insert(private("event1", json!({ &*fits: "a", &*long: "b" })));
    assert_eq!(
        event["extendedProperties"],
        json!({"private": { &*fits: "a" }})
    );
}

fn e22_a_long_property_value_is_cut() {
    let ann = Lab::new().ann();
    let event = ann.insert(private("event1", json!({"k": "é".repeat(1025)})));
    let value = event["extendedProperties"]["private"]["k"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(value.chars().count(), 1024);
}

fn e23_a_property_patched_to_null_is_gone() {
    let ann = Lab::new().ann();
    ann.insert(private("event1", json!({"a": "1", "b": "2"})));
    let patch = json!({"extendedProperties": {"private": {"a": null}}});
    let event = ann.patch(&at("event1"), patch).ok();
    assert_eq!(event["extendedProperties"]["private"], json!({"b": "2"}));
}

fn e24_a_put_without_properties_removes_them() {
    let ann = Lab::new().ann();
    ann.insert(private("event1", json!({"a": "1"})));
    assert!(ann.put(&at("event1"), timed("event1")).ok()["extendedProperties"].is_null());
}

fn e25_patched_attendees_replace_the_list() {
    let ann = Lab::new().ann();
    invited(&ann);
    let event = ann
        .patch(
            &at("event1"),
            json!({"attendees": [{"email": "z@else.example"}]}),
        )
        .ok();
    let expected = json!([{"email": "z@else.example", "responseStatus": "needsAction"}]);
    assert_eq!(event["attendees"], expected);
}

fn e26_a_put_without_attendees_removes_them() {
    let ann = Lab::new().ann();
    invited(&ann);
    assert!(ann.put(&at("event1"), timed("event1")).ok()["attendees"].is_null());
}

fn e27_a_description_patched_to_null_is_gone() {
    let ann = Lab::new().ann();
    ann.insert(with(timed("event1"), json!({"description": "text"})));
    let event = ann.patch(&at("event1"), json!({"description": null})).ok();
    assert!(event["description"].is_null());
    assert_eq!(event["summary"], "Meeting");
}

fn e53_addresses_are_lower_cased_and_repeated_names_dropped() {
    let ann = Lab::new().ann();
    let guests = json!([{"email": "Bea@Else.example", "displayName": "Bea@Else.example"}]);
    let event = ann.insert(with(timed("event1"), json!({ "attendees": guests })));
    let expected = json!([{"email": "bea@else.example", "responseStatus": "needsAction"}]);
    assert_eq!(event["attendees"], expected);
}

fn e55_created_in_an_insert_is_ignored_or_refused() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = |id: &str| with(timed(id), json!({"created": "2020-01-01T00:00:00Z"}));
    let created = ann.insert(body("event1"))["created"].clone();
    assert_eq!(
        created,
        start().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    );
    lab.switch("insertWithCreated", "refused");
    ann.post(MINE, body("event2")).fails(400, "badRequest", "");
}

/// Measured by openclaw/gogcli#1016.
fn e56_default_reminders_do_not_go_with_the_overrides_that_are_stored() {
    let ann = Lab::new().ann();
    let own = json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}]});
    ann.insert(with(timed("event1"), json!({ "reminders": own })));
    let back = json!({"reminders": {"useDefault": true}});
    let reason = "cannotUseDefaultRemindersAndSpecifyOverride";
    ann.patch(&at("event1"), back).fails(400, reason, "");
    assert_eq!(ann.event("event1")["reminders"], own);
    let back = json!({"reminders": {"useDefault": true, "overrides": null}});
    let event = ann.patch(&at("event1"), back).ok();
    assert_eq!(event["reminders"], json!({"useDefault": true}));
}

fn e57_the_sequence_grows_with_the_time_or_with_every_change() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let patch = |title: &str| ann.patch(&at("event1"), json!({"summary": title})).ok();
    assert_eq!(patch("One")["sequence"], 0);
    lab.switch("sequenceGrowth", "always");
    assert_eq!(patch("Two")["sequence"], 1);
}
