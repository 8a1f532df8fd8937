//! E1 to E16, E19, E40 to E42: creating and changing events.

use serde_json::{Value, json};

use super::lab::{ANN, BOB, Lab, MINE, timed, with};
use super::rows;

rows! {
    "E1" "S" Pass e01_a_minimal_insert_gets_all_server_fields;
    "E2" "X" Switch e02_an_insert_without_end_misses_its_end_time;
    "E3" "C" Switch e03_date_and_date_time_do_not_mix;
    "E4" "L" Switch e04_a_time_without_offset_needs_a_zone;
    "E5" "X" Switch e05_an_end_before_the_start_is_an_empty_range;
    "E6" "L" Pass e06_letters_outside_base32hex_are_refused_in_ids;
    "E7" "S" Pass e07_an_id_of_four_characters_is_refused;
    "E8" "S" Pass e08_an_id_of_1024_characters_is_taken;
    "E9" "D" Pass e09_an_id_in_use_is_a_duplicate;
    "E10" "L" Pass e10_the_id_of_a_deleted_event_is_a_duplicate;
    "E11" "S" Pass e11_the_same_id_is_free_in_another_calendar;
    "E12" "L" Switch e12_of_two_parallel_inserts_one_is_a_duplicate;
    "E13" "L" Pass e13_a_client_uid_is_kept;
    "E14" "L" Pass e14_another_organizer_is_replaced_by_the_calendar;
    "E15" "S" Pass e15_conference_data_without_the_version_is_dropped;
    "E16" "S" Switch e16_a_conference_request_with_the_version_makes_a_meeting;
    "E19" "S" Pass e19_six_reminders_or_a_too_early_one_are_refused;
    "E40" "C" Pass e40_a_lower_sequence_is_refused;
    "E41" "C" Pass e41_an_instance_cannot_become_a_series;
    "E42" "S" Switch e42_a_reminder_leaves_updated_alone;
}

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

fn e01_a_minimal_insert_gets_all_server_fields() {
    let lab = Lab::new();
    let ann = lab.ann();
    let mut body = timed("unused");
    body.as_object_mut().map(|body| body.remove("id"));
    let event = ann.insert(body);
    let id = event["id"].as_str().unwrap_or_default();
    assert_eq!(id.len(), 26);
    assert_eq!(event["kind"], "calendar#event");
    assert_eq!(
        (&event["status"], &event["eventType"]),
        (&json!("confirmed"), &json!("default"))
    );
    assert_eq!(event["iCalUID"], format!("{id}@google.com"));
    assert_eq!(
        (&event["sequence"], &event["reminders"]),
        (&json!(0), &json!({"useDefault": true}))
    );
    let etag = event["etag"].as_str().unwrap_or_default();
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() == 18,
        "{etag}"
    );
    assert_eq!(event["creator"], json!({"email": ANN, "self": true}));
    assert_eq!(event["organizer"], json!({"email": ANN, "self": true}));
    assert_eq!(event["start"], json!({"dateTime": "2026-03-02T10:00:00Z"}));
    assert_eq!(
        (&event["created"], &event["updated"]),
        (
            &json!("2026-03-02T09:00:00Z"),
            &json!("2026-03-02T09:00:00.000Z")
        )
    );
    assert!(event["htmlLink"].is_string() && event["transparency"].is_null());
    assert_eq!(ann.event(id), event);
}

fn e02_an_insert_without_end_misses_its_end_time() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = json!({"start": {"dateTime": "2026-03-02T10:00:00Z"}});
    ann.post(MINE, body)
        .fails(400, "required", "Missing end time.");
    lab.switch("errorMessages", "generic");
    let body = json!({"start": {"dateTime": "2026-03-02T10:00:00Z"}});
    ann.post(MINE, body).fails(400, "required", "Bad Request");
}

fn times(start: Value, end: Value) -> Value {
    json!({"start": start, "end": end})
}

fn e03_date_and_date_time_do_not_mix() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = times(
        json!({"date": "2026-03-02"}),
        json!({"dateTime": "2026-03-02T10:00:00Z"}),
    );
    let text = "Start and end times must either both be date or both be dateTime.";
    ann.post(MINE, body).fails(400, "invalid", text);
    lab.switch("errorMessages", "generic");
    let body = times(
        json!({"date": "2026-03-02"}),
        json!({"dateTime": "2026-03-02T10:00:00Z"}),
    );
    ann.post(MINE, body).fails(400, "invalid", "Bad Request");
}

fn e04_a_time_without_offset_needs_a_zone() {
    let lab = Lab::new();
    let ann = lab.ann();
    let (from, to) = ("2026-03-02T10:00:00", "2026-03-02T11:00:00");
    let body = times(json!({"dateTime": from}), json!({"dateTime": to}));
    let text = "Missing time zone definition for start time.";
    ann.post(MINE, body).fails(400, "invalid", text);
    let zone = "Europe/Copenhagen";
    let body = times(
        json!({"dateTime": from, "timeZone": zone}),
        json!({"dateTime": to, "timeZone": zone}),
    );
    let event = ann.insert(body);
    assert_eq!(
        event["start"],
        json!({"dateTime": "2026-03-02T09:00:00Z", "timeZone": zone})
    );
    lab.switch("errorMessages", "generic");
    let body = times(json!({"dateTime": from}), json!({"dateTime": to}));
    ann.post(MINE, body).fails(400, "invalid", "Bad Request");
}

fn e05_an_end_before_the_start_is_an_empty_range() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = times(
        json!({"dateTime": "2026-03-02T10:00:00Z"}),
        json!({"dateTime": "2026-03-02T09:59:59Z"}),
    );
    let error = ann.post(MINE, body).fails(400, "timeRangeEmpty", "");
    assert_eq!(error["domain"], "calendar");
    lab.switch("errorMessages", "generic");
    let times = times(json!({"date": "2026-03-02"}), json!({"date": "2026-03-01"}));
    ann.post(MINE, times)
        .fails(400, "timeRangeEmpty", "Bad Request");
}

fn e06_letters_outside_base32hex_are_refused_in_ids() {
    let ann = Lab::new().ann();
    for id in ["abc-1", "wxyz12", "ABCDEF", "abc_de", "abcdé"] {
        ann.post(MINE, timed(id))
            .fails(400, "invalid", "Invalid resource id value.");
    }
}

fn e07_an_id_of_four_characters_is_refused() {
    let ann = Lab::new().ann();
    ann.post(MINE, timed("abcd"))
        .fails(400, "invalid", "Invalid resource id value.");
    ann.insert(timed("abcde"));
}

fn e08_an_id_of_1024_characters_is_taken() {
    let ann = Lab::new().ann();
    let id = "a1".repeat(512);
    assert_eq!(ann.insert(timed(&id))["id"], id);
    ann.post(MINE, timed(&"a".repeat(1025)))
        .fails(400, "invalid", "");
}

const TAKEN: &str = "The requested identifier already exists.";

fn e09_an_id_in_use_is_a_duplicate() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    ann.post(MINE, timed("event1"))
        .fails(409, "duplicate", TAKEN);
}

fn e10_the_id_of_a_deleted_event_is_a_duplicate() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    assert_eq!(ann.delete(&at("event1")).status, 204);
    ann.post(MINE, timed("event1"))
        .fails(409, "duplicate", TAKEN);
}

fn e11_the_same_id_is_free_in_another_calendar() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let other = ann
        .post("/calendar/v3/calendars", json!({"summary": "Other"}))
        .ok();
    let other = other["id"].as_str().unwrap_or_default().to_owned();
    ann.post(
        &format!("/calendar/v3/calendars/{other}/events"),
        timed("event1"),
    )
    .ok();
    lab.bob().insert(timed("event1"));
}

fn e12_of_two_parallel_inserts_one_is_a_duplicate() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    ann.post(MINE, timed("event1")).fails(409, "duplicate", "");
    lab.switch("duplicateRace", "missed");
    ann.insert(timed("event1"));
    lab.advance(1);
    ann.post(MINE, timed("event1")).fails(409, "duplicate", "");
}

fn e13_a_client_uid_is_kept() {
    let ann = Lab::new().ann();
    let mut body = with(timed("unused"), json!({"iCalUID": "row-1@crm.example"}));
    body.as_object_mut().map(|body| body.remove("id"));
    assert_eq!(ann.insert(body)["iCalUID"], "row-1@crm.example");
}

fn e14_another_organizer_is_replaced_by_the_calendar() {
    let ann = Lab::new().ann();
    let body = with(
        timed("event1"),
        json!({"organizer": {"email": BOB}, "creator": {"email": BOB}}),
    );
    let event = ann.insert(body);
    assert_eq!(event["organizer"], json!({"email": ANN, "self": true}));
    assert_eq!(event["creator"], json!({"email": ANN, "self": true}));
}

fn meeting(id: &str, request: &str) -> Value {
    let request = json!({
        "requestId": request,
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
    });
    with(
        timed(id),
        json!({"conferenceData": {"createRequest": request}}),
    )
}

fn e15_conference_data_without_the_version_is_dropped() {
    let ann = Lab::new().ann();
    let event = ann.insert(meeting("event1", "r1"));
    assert!(event["conferenceData"].is_null() && event["hangoutLink"].is_null());
}

fn e16_a_conference_request_with_the_version_makes_a_meeting() {
    let lab = Lab::new();
    let ann = lab.ann();
    let versioned = format!("{MINE}?conferenceDataVersion=1");
    let event = ann.post(&versioned, meeting("event1", "r1")).ok();
    let data = &event["conferenceData"];
    assert_eq!(data["createRequest"]["status"]["statusCode"], "success");
    assert_eq!(data["entryPoints"][0]["uri"], event["hangoutLink"]);
    let path = format!("{}?conferenceDataVersion=1", at("event1"));
    let again = ann.patch(&path, meeting("event1", "r1")).ok();
    assert_eq!(
        again["conferenceData"], *data,
        "a repeated request is ignored"
    );
    let kept = ann.put(&at("event1"), timed("event1")).ok();
    assert_eq!(
        kept["conferenceData"], *data,
        "without the version the stored one stays"
    );
    let gone = ann.patch(&path, json!({"conferenceData": null})).ok();
    assert!(gone["conferenceData"].is_null() && gone["hangoutLink"].is_null());
    lab.switch("conference", "pending");
    let event = ann.post(&versioned, meeting("event2", "r2")).ok();
    assert_eq!(
        event["conferenceData"]["createRequest"]["status"]["statusCode"],
        "pending"
    );
    assert!(event["hangoutLink"].is_null());
    lab.advance(5);
    let event = ann.event("event2");
    assert_eq!(
        event["conferenceData"]["createRequest"]["status"]["statusCode"],
        "success"
    );
    assert!(event["hangoutLink"].is_string());
}

fn reminding(count: usize, minutes: u32) -> Value {
    let one = json!({"method": "popup", "minutes": minutes});
    let reminders = json!({"useDefault": false, "overrides": vec![one; count]});
    with(timed("event1"), json!({ "reminders": reminders }))
}

fn e19_six_reminders_or_a_too_early_one_are_refused() {
    let ann = Lab::new().ann();
    assert_eq!(ann.post(MINE, reminding(6, 10)).status, 400);
    assert_eq!(ann.post(MINE, reminding(1, 40_321)).status, 400);
    let event = ann.insert(reminding(5, 40_320));
    assert_eq!(
        event["reminders"]["overrides"].as_array().map(Vec::len),
        Some(5)
    );
}

fn e40_a_lower_sequence_is_refused() {
    let ann = Lab::new().ann();
    ann.insert(with(timed("event1"), json!({"sequence": 3})));
    let lower = with(timed("event1"), json!({"sequence": 2}));
    let error = ann.put(&at("event1"), lower).fails(400, "invalid", "");
    let text = error["message"].as_str().unwrap_or_default();
    assert!(text.starts_with("Invalid sequence value. The specified sequence number is below"));
    let same = with(timed("event1"), json!({"sequence": 3, "location": "Room"}));
    assert_eq!(ann.put(&at("event1"), same).ok()["sequence"], 4);
}

fn e41_an_instance_cannot_become_a_series() {
    let ann = Lab::new().ann();
    ann.insert(super::lab::weekly("series1"));
    let patch = json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]});
    let text = "Cannot turn an instance of a recurring event into a recurring event itself.";
    ann.patch(&at("series1_20260302T090000Z"), patch)
        .fails(400, "invalid", text);
}

fn e42_a_reminder_leaves_updated_alone() {
    let lab = Lab::new();
    let ann = lab.ann();
    let before = ann.insert(timed("event1"));
    for (position, shown) in [("shown", 1), ("hidden", 0)] {
        lab.switch("reminderInDelta", position);
        let token = ann.sync_token();
        lab.advance(60);
        let minutes = 10 + shown;
        let reminders =
            json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": minutes}]});
        let after = ann
            .patch(&at("event1"), json!({ "reminders": reminders }))
            .ok();
        assert_eq!(after["updated"], before["updated"]);
        assert_ne!(after["etag"], before["etag"]);
        assert_eq!(after["reminders"], reminders);
        assert_eq!(ann.list(&[("syncToken", &token)]).ids().len(), shown);
    }
    // An occurrence that differs by it for the first time is a new event in either position.
    ann.insert(super::lab::weekly("series1"));
    let (token, occurrence) = (ann.sync_token(), "series1_20260302T090000Z");
    let reminders = json!({"useDefault": false});
    ann.patch(&at(occurrence), json!({ "reminders": reminders }))
        .ok();
    assert_eq!(ann.list(&[("syncToken", &token)]).ids(), [occurrence]);
    ann.patch(&at(occurrence), json!({"summary": "Other"})).ok();
    let all = ann.list(&[]).ids();
    assert!(all.iter().any(|id| id == "series1"), "{all:?}");
}
