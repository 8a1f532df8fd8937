use serde_json::{Value, json};

use crate::conformance::lab::{ANN, Answer, BOB, Lab, MINE, timed, weekly};

fn ui(lab: &Lab, action: &str, act: Value) -> Answer {
    lab.control("POST", &format!("ui/{action}"), act)
}

#[test]
fn a_person_creates_a_meeting_and_is_on_its_guest_list() {
    let lab = Lab::new();
    let changes = json!({
        "summary": "Lunch",
        "start": {"dateTime": "2026-03-02T12:00:00Z"},
        "end": {"dateTime": "2026-03-02T13:00:00Z"},
        "attendees": [{"email": BOB}],
    });
    let event = ui(&lab, "create", json!({"user": ANN, "changes": changes})).ok();
    assert_eq!(event["start"]["timeZone"], "UTC");
    let own = &event["attendees"][1];
    assert_eq!(
        (&own["organizer"], &own["responseStatus"]),
        (&json!(true), &json!("accepted"))
    );
    assert_eq!(lab.bob().list(&[]).ids().len(), 1);
}

#[test]
fn editing_all_occurrences_moves_the_master_by_as_much() {
    let lab = Lab::new();
    lab.ann().insert(weekly("series1"));
    let changes = json!({
        "start": {"dateTime": "2026-03-09T10:00:00Z", "timeZone": "Europe/Copenhagen"},
        "end": {"dateTime": "2026-03-09T11:30:00Z", "timeZone": "Europe/Copenhagen"},
    });
    let act =
        json!({"user": ANN, "id": "series1_20260309T090000Z", "scope": "all", "changes": changes});
    ui(&lab, "edit", act).ok();
    let master = lab.ann().event("series1");
    assert_eq!(master["start"]["dateTime"], "2026-03-02T10:00:00Z");
    assert_eq!(master["end"]["dateTime"], "2026-03-02T11:30:00Z");
}

#[test]
fn deleting_this_and_following_leaves_a_shorter_series() {
    let lab = Lab::new();
    lab.ann().insert(weekly("series1"));
    let act = json!({"user": ANN, "id": "series1_20260316T090000Z", "scope": "following"});
    ui(&lab, "delete", act).ok();
    let instances = lab.ann().get(&format!("{MINE}/series1/instances"));
    assert_eq!(instances.ids().len(), 2);
}

#[test]
fn a_deleted_event_is_restored_from_the_trash() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    ui(&lab, "delete", json!({"user": ANN, "id": "event1"})).ok();
    assert_eq!(lab.ann().event("event1")["status"], "cancelled");
    ui(&lab, "restore", json!({"user": ANN, "id": "event1"})).ok();
    assert_eq!(lab.ann().event("event1")["status"], "confirmed");
}

#[test]
fn a_copied_event_takes_its_private_properties_along() {
    let lab = Lab::new();
    let properties = json!({"extendedProperties": {"private": {"row": "7"}}});
    lab.ann()
        .insert(crate::conformance::lab::with(timed("event1"), properties));
    let copy = ui(&lab, "copy", json!({"user": ANN, "id": "event1"})).ok();
    assert_ne!(copy["id"], "event1");
    assert_eq!(copy["extendedProperties"]["private"]["row"], "7");
}

#[test]
fn what_the_interface_refuses_is_said() {
    let lab = Lab::new();
    for (action, act) in [
        ("edit", json!({"user": ANN, "id": "nothing"})),
        ("split", json!({"user": ANN, "id": "nothing"})),
        ("fly", json!({"user": ANN})),
        ("edit", json!({"user": "nobody@example.com"})),
        ("edit", json!({"user": ANN, "what": 1})),
    ] {
        let answer = ui(&lab, action, act);
        assert_eq!(answer.status, 400);
        assert!(answer.json["error"].is_string());
    }
}

#[test]
fn a_split_series_can_be_split_again_and_keeps_its_base() {
    let lab = Lab::new();
    lab.ann().insert(weekly("series1"));
    let split = |id: &str| ui(&lab, "split", json!({"user": ANN, "id": id})).ok()["id"].clone();
    let tail = split("series1_20260309T090000Z");
    assert_eq!(tail, "series1_R20260309T090000");
    let next = split("series1_R20260309T090000_20260323T090000Z");
    assert_eq!(next, "series1_R20260323T090000");
}

#[test]
fn occurrences_of_what_was_split_off_have_ids_of_the_old_series_or_of_the_new() {
    for (position, tail) in [("short", "series1"), ("long", "series1_R20260316T090000")] {
        let lab = Lab::new();
        let ann = lab.ann();
        lab.switch("rangeIds", position);
        ann.insert(weekly("series1"));
        // An exception after the split is reset; its id is free again.
        ann.patch("series1_20260323T090000Z", json!({"summary": "Before"}));
        let at = "series1_20260316T090000Z";
        ui(&lab, "split", json!({"user": ANN, "id": at})).ok();
        let named = "series1_R20260316T090000_20260323T090000Z";
        let act = json!({"user": ANN, "id": named, "changes": {"summary": "Other"}});
        let edited = ui(&lab, "edit", act).ok();
        assert_eq!(edited["id"], format!("{tail}_20260323T090000Z"));
        assert_eq!(edited["recurringEventId"], "series1_R20260316T090000");
        assert_eq!(
            ann.event(edited["id"].as_str().unwrap())["summary"],
            "Other"
        );
        let expanded = ann.list(&[("singleEvents", "true")]);
        // Summer time begins on the 29th.
        let of_tail = ["16T09", "23T09", "30T08"].map(|at| format!("{tail}_202603{at}0000Z"));
        let mut ids = expanded.ids();
        ids.sort();
        let expected: Vec<_> = ids.iter().filter(|id| of_tail.contains(id)).collect();
        assert_eq!(expected.len(), 3, "{ids:?}");
        assert_eq!(ids.len(), 5, "{ids:?}");
    }
}

#[test]
fn this_and_following_of_the_first_occurrence_is_the_whole_series() {
    let lab = Lab::new();
    lab.ann().insert(weekly("series1"));
    let first = "series1_20260302T090000Z";
    let act =
        json!({"user": ANN, "id": first, "scope": "following", "changes": {"summary": "New"}});
    assert_eq!(ui(&lab, "edit", act).ok()["id"], "series1");
    let act = json!({"user": ANN, "id": first, "scope": "following"});
    ui(&lab, "delete", act).ok();
    assert_eq!(lab.ann().event("series1")["status"], "cancelled");
}

#[test]
fn this_and_following_of_an_exception_that_the_series_no_longer_plans_is_the_whole_series() {
    let lab = Lab::new();
    lab.ann().insert(weekly("series1"));
    let third = "series1_20260316T090000Z";
    let edit = |id: &str, changes: Value| {
        let act = json!({"user": ANN, "id": id, "scope": "this", "changes": changes});
        ui(&lab, "edit", act).ok()
    };
    edit(third, json!({"summary": "Third"}));
    let day = |date: &str| json!({"date": date, "dateTime": null, "timeZone": null});
    let days = json!({"start": day("2026-03-02"), "end": day("2026-03-03")});
    edit("series1", days);
    let split = ui(&lab, "split", json!({"user": ANN, "id": third})).ok();
    assert_eq!(split["id"], "series1");
}

#[test]
fn a_split_counts_the_occurrences_that_were_taken_out() {
    let lab = Lab::new();
    let rules = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20260309T090000Z"]});
    lab.ann()
        .insert(crate::conformance::lab::with(weekly("series1"), rules));
    ui(
        &lab,
        "split",
        json!({"user": ANN, "id": "series1_20260316T090000Z"}),
    )
    .ok();
    let tail = lab.ann().event("series1_R20260316T090000");
    assert_eq!(tail["recurrence"][0], "RRULE:FREQ=WEEKLY;COUNT=3");
}
