//! R1 to R16: series, exceptions, splits.

use serde_json::{Value, json};

use super::lab::{ANN, Answer, BOB, Lab, MINE, Session, timed, weekly, with};
use super::rows;

rows! {
    "R1" "L" Pass r01_a_series_needs_a_zone;
    "R2" "D" Pass r02_instances_have_ids_with_their_utc_start;
    "R3" "L" Pass r03_all_day_instances_have_ids_with_their_date;
    "R4" "D" Switch r04_a_patched_instance_becomes_an_exception;
    "R5" "D" Pass r05_a_deleted_instance_is_cancelled_and_the_series_stays;
    "R6" "D" Pass r06_an_instance_can_be_cancelled_by_patch;
    "R7" "C" Pass r07_deleting_the_series_takes_its_exceptions_along;
    "R8" "L" Pass r08_the_local_time_stays_over_a_change_of_the_clocks;
    "R9" "D" Pass r09_trimming_and_inserting_the_tail_resets_later_exceptions;
    "R10" "I" Switch r10_a_split_in_the_web_interface_makes_an_r_id;
    "R11" "I" Switch r11_moving_the_master_moves_what_was_not_changed;
    "R12" "L" Pass r12_instances_of_a_cancelled_occurrence_are_none;
    "R13" "S" Pass r13_the_lower_bound_of_instances_is_inclusive;
    "R14" "S" Switch r14_exdate_rdate_and_until_shape_the_expansion;
    "R15" "I" Switch r15_a_master_without_later_occurrences_is_returned_or_hidden;
    "R16" "S" Pass r16_stricter_visibility_of_one_instance_covers_the_series;
}

const FIRST: &str = "series1_20260302T090000Z";
const SECOND: &str = "series1_20260309T090000Z";

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

fn instances(session: &Session, id: &str, query: &str) -> Answer {
    session.get(&format!("{MINE}/{id}/instances?{query}"))
}

/// Starts of all instances, as shown.
pub(super) fn starts(session: &Session, id: &str) -> Vec<String> {
    let body = instances(session, id, "").ok();
    let items = body["items"].as_array().cloned().unwrap_or_default();
    let text = |item: &Value| {
        let start = &item["start"];
        start["dateTime"]
            .as_str()
            .or(start["date"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    items.iter().map(text).collect()
}

fn r01_a_series_needs_a_zone() {
    let ann = Lab::new().ann();
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY"]});
    let text = "Missing time zone definition for start time.";
    ann.post(MINE, with(timed("series1"), rule))
        .fails(400, "invalid", text);
}

fn r02_instances_have_ids_with_their_utc_start() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    let list = instances(&ann, "series1", "");
    assert_eq!(list.ids()[..2], [FIRST, SECOND]);
    assert_eq!(list.ids().len(), 5);
    let item = list.item(SECOND);
    assert_eq!(item["recurringEventId"], "series1");
    assert_eq!(item["originalStartTime"], item["start"]);
    assert!(item["recurrence"].is_null());
    assert_eq!(item["iCalUID"], "series1@google.com");
    assert_eq!(ann.event(SECOND)["start"], item["start"]);
    ann.get(&at("series1_20260310T090000Z"))
        .fails(404, "notFound", "");
    let page = instances(&ann, "series1", "maxResults=2").ok();
    let token = page["nextPageToken"].as_str().unwrap_or_default();
    let rest = super::lab::encode(&[("maxResults", "2"), ("pageToken", token)]);
    assert_eq!(instances(&ann, "series1", &rest).ids().len(), 2);
}

pub(super) fn all_day(rule: &str) -> Value {
    json!({
        "id": "series1",
        "start": {"date": "2026-03-02"},
        "end": {"date": "2026-03-03"},
        "recurrence": [rule],
    })
}

fn r03_all_day_instances_have_ids_with_their_date() {
    let ann = Lab::new().ann();
    ann.insert(all_day("RRULE:FREQ=DAILY;COUNT=2"));
    let list = instances(&ann, "series1", "");
    assert_eq!(list.ids(), ["series1_20260302", "series1_20260303"]);
    assert_eq!(
        list.item("series1_20260303")["end"],
        json!({"date": "2026-03-04"})
    );
}

fn move_second(ann: &Session) -> Value {
    let patch = json!({
        "start": {"dateTime": "2026-03-10T12:00:00Z", "timeZone": "Europe/Copenhagen"},
        "end": {"dateTime": "2026-03-10T13:00:00Z", "timeZone": "Europe/Copenhagen"},
    });
    ann.patch(&at(SECOND), patch).ok()
}

fn r04_a_patched_instance_becomes_an_exception() {
    let lab = Lab::new();
    let ann = lab.ann();
    let properties = json!({"extendedProperties": {"private": {"row": "7"}}});
    ann.insert(with(weekly("series1"), properties.clone()));
    let token = ann.sync_token();
    let exception = move_second(&ann);
    assert_eq!(
        exception["originalStartTime"]["dateTime"],
        "2026-03-09T09:00:00Z"
    );
    assert_eq!(exception["start"]["dateTime"], "2026-03-10T12:00:00Z");
    assert_eq!(
        exception["extendedProperties"],
        properties["extendedProperties"]
    );
    let moved = "2026-03-10T12:00:00Z";
    assert_eq!(
        starts(&ann, "series1")[..3],
        ["2026-03-02T09:00:00Z", moved, "2026-03-16T09:00:00Z"]
    );
    assert_eq!(ann.list(&[("syncToken", &token)]).ids(), [SECOND]);
    assert_eq!(ann.list(&[]).ids(), ["series1", SECOND]);
    lab.switch("exceptionProperties", "dropped");
    let first = ann.patch(&at(FIRST), json!({"summary": "Mine"})).ok();
    assert!(first["extendedProperties"].is_null());
}

fn r05_a_deleted_instance_is_cancelled_and_the_series_stays() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    assert_eq!(ann.delete(&at(SECOND)).status, 204);
    assert_eq!(ann.event(SECOND)["status"], "cancelled");
    assert_eq!(ann.event("series1")["status"], "confirmed");
    assert_eq!(starts(&ann, "series1").len(), 4);
    assert_eq!(
        instances(&ann, "series1", "showDeleted=true").ids().len(),
        5
    );
    ann.delete(&at(SECOND)).fails(410, "deleted", "");
}

fn r06_an_instance_can_be_cancelled_by_patch() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    let instance = ann.patch(&at(SECOND), json!({"status": "cancelled"})).ok();
    assert_eq!(
        (&instance["id"], &instance["status"]),
        (&json!(SECOND), &json!("cancelled"))
    );
    assert_eq!(starts(&ann, "series1").len(), 4);
}

fn r07_deleting_the_series_takes_its_exceptions_along() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    move_second(&ann);
    let token = ann.sync_token();
    assert_eq!(ann.delete(&at("series1")).status, 204);
    let delta = ann.list(&[("syncToken", &token)]);
    for id in ["series1", SECOND] {
        assert_eq!(delta.item(id)["status"], "cancelled", "{id}");
    }
    assert!(ann.list(&[]).ids().is_empty());
    ann.patch(&at("series1"), json!({"status": "confirmed"}))
        .ok();
    assert_eq!(starts(&ann, "series1").len(), 5);
    assert_eq!(
        ann.event(SECOND)["status"],
        "confirmed",
        "it comes back with its series"
    );
}

fn r08_the_local_time_stays_over_a_change_of_the_clocks() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    let utc = starts(&ann, "series1");
    assert_eq!(utc[3..], ["2026-03-23T09:00:00Z", "2026-03-30T08:00:00Z"]);
    let shown = instances(&ann, "series1", "timeZone=Europe/Copenhagen").ok();
    assert_eq!(
        shown["items"][4]["start"]["dateTime"],
        "2026-03-30T10:00:00+02:00"
    );
    assert_eq!(
        shown["items"][4]["end"]["dateTime"],
        "2026-03-30T11:00:00+02:00"
    );
}

fn r09_trimming_and_inserting_the_tail_resets_later_exceptions() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    move_second(&ann);
    let token = ann.sync_token();
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260309T085959Z"]});
    ann.patch(&at("series1"), rule).ok();
    let tail = json!({
        "id": "tail1",
        "start": {"dateTime": "2026-03-09T10:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "end": {"dateTime": "2026-03-09T11:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
    });
    ann.insert(tail);
    assert_eq!(starts(&ann, "series1"), ["2026-03-02T09:00:00Z"]);
    assert_eq!(
        starts(&ann, "tail1")[0],
        "2026-03-09T09:00:00Z",
        "back at its planned time"
    );
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.item(SECOND)["status"], "cancelled");
    assert_eq!(delta.item("tail1")["status"], "confirmed");
}

fn r10_a_split_in_the_web_interface_makes_an_r_id() {
    let lab = Lab::new();
    let ann = lab.ann();
    let properties = json!({"extendedProperties": {"private": {"row": "7"}}});
    ann.insert(with(weekly("series1"), properties.clone()));
    let token = ann.sync_token();
    let split = json!({"user": ANN, "id": SECOND, "changes": {"summary": "Later"}});
    lab.control("POST", "ui/split", split).ok();
    let tail = "series1_R20260309T090000";
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.ids(), ["series1", tail]);
    assert_eq!(
        (
            &delta.item(tail)["summary"],
            &delta.item("series1")["summary"]
        ),
        (&json!("Later"), &json!("Weekly"))
    );
    assert_eq!(
        delta.item(tail)["extendedProperties"],
        properties["extendedProperties"]
    );
    assert_eq!(starts(&ann, "series1").len(), 1);
    assert_eq!(starts(&ann, tail).len(), 4);
    let until = delta.item("series1")["recurrence"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert_eq!(until, "RRULE:FREQ=WEEKLY;UNTIL=20260309T085959Z");
    lab.switch("splitProperties", "dropped");
    let again = format!("{tail}_20260316T090000Z");
    lab.control("POST", "ui/split", json!({"user": ANN, "id": again}))
        .ok();
    assert!(ann.event("series1_R20260316T090000")["extendedProperties"].is_null());
}

fn r11_moving_the_master_moves_what_was_not_changed() {
    let lab = Lab::new();
    let ann = lab.ann();
    for (id, position) in [("series1", "cancelled"), ("series2", "kept")] {
        lab.switch("orphanedExceptions", position);
        ann.insert(weekly(id));
        let instance = format!("{id}_20260309T090000Z");
        ann.patch(&at(&instance), json!({"summary": "Own"})).ok();
        let times = json!({
            "start": {"dateTime": "2026-03-02T11:00:00+01:00", "timeZone": "Europe/Copenhagen"},
            "end": {"dateTime": "2026-03-02T12:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        });
        ann.patch(&at(id), times).ok();
        let list = instances(&ann, id, "");
        assert_eq!(list.ids()[0], format!("{id}_20260302T100000Z"));
        let kept = position == "kept";
        assert_eq!(list.ids().contains(&instance), kept);
        let status = if kept { "confirmed" } else { "cancelled" };
        assert_eq!(ann.event(&instance)["status"], status);
    }
}

fn r12_instances_of_a_cancelled_occurrence_are_none() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    assert_eq!(instances(&ann, SECOND, "").ids(), [SECOND]);
    ann.delete(&at(SECOND));
    assert!(instances(&ann, SECOND, "").ids().is_empty());
}

fn r13_the_lower_bound_of_instances_is_inclusive() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    let count = |at: &str| {
        instances(&ann, "series1", &format!("timeMin={at}"))
            .ids()
            .len()
    };
    assert_eq!(count("2026-03-02T10:00:00Z"), 5);
    assert_eq!(count("2026-03-02T10:00:01Z"), 4);
}

fn expanded(lines: &[&str]) -> Vec<String> {
    let ann = Lab::new().ann();
    ann.insert(with(weekly("series1"), json!({ "recurrence": lines })));
    starts(&ann, "series1")
        .iter()
        .map(|start| start[..10].to_owned())
        .collect()
}

fn r14_exdate_rdate_and_until_shape_the_expansion() {
    let rule = "RRULE:FREQ=WEEKLY;COUNT=3";
    let days = ["2026-03-02", "2026-03-09", "2026-03-16"];
    for line in [
        "EXDATE;TZID=Europe/Copenhagen:20260309T100000",
        "EXDATE:20260309T090000Z",
        "EXDATE:20260309T100000",
    ] {
        assert_eq!(expanded(&[rule, line]), [days[0], days[2]], "{line}");
    }
    let added = expanded(&[rule, "RDATE;TZID=Europe/Copenhagen:20260304T100000"]);
    assert_eq!(added, [days[0], "2026-03-04", days[1], days[2]]);
    for until in ["20260309T090000Z", "20260309T100000", "20260309"] {
        let rule = format!("RRULE:FREQ=WEEKLY;UNTIL={until}");
        assert_eq!(expanded(&[&rule]), days[..2], "{until}");
    }
    let lab = Lab::new();
    lab.switch("dateUntil", "midnight");
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20260309"]});
    lab.ann().insert(with(weekly("series1"), rule));
    assert_eq!(starts(&lab.ann(), "series1").len(), 1);
    lab.ann().insert(with(
        all_day("RRULE:FREQ=DAILY;UNTIL=20260304"),
        json!({"id": "dates1"}),
    ));
    assert_eq!(
        starts(&lab.ann(), "dates1"),
        ["2026-03-02", "2026-03-03", "2026-03-04"]
    );
    let wrong = json!({"recurrence": ["DTSTART:20260302T100000Z"]});
    lab.ann()
        .post(MINE, with(weekly("series2"), wrong))
        .fails(400, "invalid", "");
}

fn r15_a_master_without_later_occurrences_is_returned_or_hidden() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let window = [("timeMin", "2026-06-01T00:00:00Z")];
    assert_eq!(ann.list(&window).ids(), ["series1"]);
    lab.switch("pastMaster", "hidden");
    assert!(ann.list(&window).ids().is_empty());
    assert_eq!(
        ann.list(&[("timeMin", "2026-03-20T00:00:00Z")]).ids(),
        ["series1"]
    );
}

fn r16_stricter_visibility_of_one_instance_covers_the_series() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    ann.patch(&at(SECOND), json!({"visibility": "private"}))
        .ok();
    assert_eq!(ann.event("series1")["visibility"], "private");
    assert_eq!(ann.event(FIRST)["visibility"], "private");
    ann.patch(&at(SECOND), json!({"visibility": "public"})).ok();
    assert_eq!(
        ann.event("series1")["visibility"],
        "private",
        "looser is ignored"
    );
    assert_eq!(ann.event(SECOND)["visibility"], "private");
    let share = json!({"user": BOB, "role": "reader"});
    lab.control("POST", &format!("calendars/{ANN}/share"), share)
        .ok();
    let seen = lab
        .bob()
        .get(&format!("/calendar/v3/calendars/{ANN}/events/{FIRST}"))
        .ok();
    assert!(seen["summary"].is_null());
}
