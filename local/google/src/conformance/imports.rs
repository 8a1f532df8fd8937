//! E17, E18, E20, E45 to E48, E54: labels, attachments, import, quickAdd.

use serde_json::{Value, json};

use super::lab::{ANN, Lab, MINE, timed, with};
use super::rows;

rows! {
    "E17" "S" Pass e17_a_label_without_its_version_is_ignored;
    "E18" "S" Pass e18_attachments_without_their_parameter_are_not_stored;
    "E20" "S" Pass e20_twenty_six_attachments_are_refused;
    "E45" "S" Pass e45_an_import_without_a_uid_is_refused;
    "E46" "L" Pass e46_an_import_with_an_id_is_refused;
    "E47" "L" Pass e47_an_import_for_somebody_else_is_refused;
    "E48" "I" Switch e48_importing_a_uid_again_updates_or_is_a_duplicate;
    "E54" "S" Pass e54_quick_add_without_text_is_refused;
}

fn e17_a_label_without_its_version_is_ignored() {
    let ann = Lab::new().ann();
    let labelled = json!({"eventLabelId": "label-1", "colorId": "4"});
    let event = ann.insert(with(timed("event1"), labelled.clone()));
    assert_eq!(
        (&event["eventLabelId"], &event["colorId"]),
        (&Value::Null, &json!("4"))
    );
    let path = format!("{MINE}/event1?eventLabelVersion=1");
    let event = ann.patch(&path, labelled).ok();
    assert_eq!(
        (&event["eventLabelId"], &event["colorId"]),
        (&json!("label-1"), &Value::Null)
    );
    let kept = ann.put(&format!("{MINE}/event1"), timed("event1")).ok();
    assert_eq!(kept["eventLabelId"], "label-1");
    assert!(ann.put(&path, timed("event1")).ok()["eventLabelId"].is_null());
}

fn attached(count: usize) -> Value {
    let files: Vec<Value> = (0..count)
        .map(|n| json!({"fileUrl": format!("https://files.example/{n}")}))
        .collect();
    with(timed("event1"), json!({ "attachments": files }))
}

fn e18_attachments_without_their_parameter_are_not_stored() {
    let ann = Lab::new().ann();
    assert!(ann.insert(attached(1))["attachments"].is_null());
    let path = format!("{MINE}/event1?supportsAttachments=true");
    let event = ann.patch(&path, attached(1)).ok();
    assert_eq!(event["attachments"].as_array().map(Vec::len), Some(1));
    let kept = ann.put(&format!("{MINE}/event1"), timed("event1")).ok();
    assert_eq!(kept["attachments"], event["attachments"]);
}

fn e20_twenty_six_attachments_are_refused() {
    let ann = Lab::new().ann();
    let path = format!("{MINE}?supportsAttachments=true");
    assert_eq!(ann.post(&path, attached(26)).status, 400);
    assert_eq!(
        ann.post(&path, attached(25)).ok()["attachments"]
            .as_array()
            .map(Vec::len),
        Some(25)
    );
}

fn importing(more: Value) -> Value {
    let mut body = timed("unused");
    body.as_object_mut().map(|body| body.remove("id"));
    with(body, more)
}

const IMPORT: &str = "/calendar/v3/calendars/primary/events/import";

fn e45_an_import_without_a_uid_is_refused() {
    let ann = Lab::new().ann();
    ann.post(IMPORT, importing(json!({})))
        .fails(400, "required", "");
}

fn e46_an_import_with_an_id_is_refused() {
    let ann = Lab::new().ann();
    let body = importing(json!({"iCalUID": "u-1", "id": "event1"}));
    ann.post(IMPORT, body)
        .fails(400, "invalid", "Invalid resource id value.");
}

fn e47_an_import_for_somebody_else_is_refused() {
    let ann = Lab::new().ann();
    let organizer = json!({"email": "x@else.example"});
    let text = "The owner of the calendar must either be the organizer or an attendee of an event that is imported.";
    let body = importing(json!({"iCalUID": "u-1", "organizer": organizer}));
    let error = ann.post(IMPORT, body);
    error.fails(400, "participantIsNeitherOrganizerNorAttendee", text);
    let guests = json!([{"email": ANN, "responseStatus": "accepted"}]);
    let body = importing(json!({"iCalUID": "u-1", "organizer": organizer, "attendees": guests}));
    let event = ann.post(IMPORT, body).ok();
    assert_eq!(
        (&event["organizer"]["email"], &event["privateCopy"]),
        (&json!("x@else.example"), &json!(true))
    );
    assert!(event["id"].as_str().is_some_and(|id| id.starts_with('_')));
    let id = event["id"].as_str().unwrap_or_default();
    let patched = ann
        .patch(&format!("{MINE}/{id}"), json!({"colorId": "2"}))
        .ok();
    assert_eq!(patched["privateCopy"], true);
}

fn e48_importing_a_uid_again_updates_or_is_a_duplicate() {
    let lab = Lab::new();
    let ann = lab.ann();
    let first = ann.post(IMPORT, importing(json!({"iCalUID": "u-1"}))).ok();
    let again = ann
        .post(
            IMPORT,
            importing(json!({"iCalUID": "u-1", "summary": "New"})),
        )
        .ok();
    assert_eq!(
        (&again["id"], &again["summary"]),
        (&first["id"], &json!("New"))
    );
    assert_eq!(ann.list(&[("iCalUID", "u-1")]).ids().len(), 1);
    lab.switch("importAgain", "duplicate");
    ann.post(IMPORT, importing(json!({"iCalUID": "u-1"})))
        .fails(409, "duplicate", "");
}

fn e54_quick_add_without_text_is_refused() {
    let ann = Lab::new().ann();
    let path = format!("{MINE}/quickAdd");
    ann.post(&path, Value::Null).fails(400, "required", "");
    let event = ann.post(&format!("{path}?text=Lunch"), Value::Null).ok();
    assert_eq!(
        (&event["summary"], &event["start"]["dateTime"]),
        (&json!("Lunch"), &json!("2026-03-02T10:00:00Z"))
    );
}
