//! Series that the CRM makes and changes.

use crate::shapes::{hour, with};
use crate::world::{World, world};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::Written;

/// Four Tuesdays at nine; the row's id and Google's.
async fn tuesdays(w: &World) -> (String, String) {
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let id = w.insert(with(hour("Round"), rule)).await;
    w.settle().await;
    let google = w.google_id(&id).await;
    w.system.take_written();
    (id, google)
}

fn occurrence(series: &str, start: &str, more: Value) -> Value {
    let base = json!({"title": "Round", "time_zone": "UTC", "recurring_event_id": series, "original_start": start,
        "starts_at": start, "ends_at": start.replace("T09", "T10")});
    with(base, more)
}

const SECOND: &str = "2031-01-14T09:00:00Z";

#[tokio::test]
async fn a_series_is_one_insert_and_no_occurrence_is_sent() {
    let w = world().await;
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let id = w.insert(with(hour("Round"), rule)).await;
    assert_eq!(w.written().await, ["POST 200"]);
    w.equal(&id).await;
    assert_eq!(w.rows().await.len(), 1);
    assert_eq!(w.occurrences(&w.google_id(&id).await).len(), 4);
}

#[tokio::test]
async fn a_single_event_becomes_a_series_and_one_again() {
    let w = world().await;
    let id = w.insert(hour("Round")).await;
    w.equal(&id).await;
    w.update(&id, json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}))
        .await;
    assert_eq!(w.written().await, ["PATCH 200"]);
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
    w.update(&id, json!({"recurrence": null})).await;
    w.equal(&id).await;
    assert_eq!(w.google_of(&id).await["recurrence"], Value::Null);
}

#[tokio::test]
async fn an_edit_of_all_occurrences_is_one_patch() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let later = json!({"starts_at": "2031-01-07T11:00:00Z", "ends_at": "2031-01-07T12:00:00Z", "title": "Circle"});
    w.update(&id, later).await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].method, Method::PATCH);
    assert_eq!(writes[0].body["start"]["timeZone"], "UTC");
    assert_eq!(w.occurrences(&google).len(), 4);
    w.equal(&id).await;
}

#[tokio::test]
async fn the_end_of_a_rule_is_sent_once_and_in_utc() {
    let w = world().await;
    let berlin = json!({"time_zone": "Europe/Berlin", "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20310128T090000Z"]});
    let id = w.insert(with(hour("Round"), berlin)).await;
    w.equal(&id).await;
    let lines = w.google_of(&id).await["recurrence"].clone();
    assert_eq!(lines, json!(["RRULE:FREQ=WEEKLY;UNTIL=20310128T090000Z"]));
}

#[tokio::test]
async fn an_occurrence_edited_here_is_a_patch_of_that_occurrence() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(
        writes[0]
            .path
            .ends_with(&format!("{google}_20310114T090000Z")),
        "{writes:?}"
    );
    w.equal(&exception).await;
    w.equal(&id).await;
    assert_eq!(w.occurrences(&google).len(), 4);
}

#[tokio::test]
async fn an_occurrence_moved_here_takes_place_elsewhere_and_nowhere_else() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let moved = json!({"starts_at": "2031-01-16T15:00:00Z", "ends_at": "2031-01-16T16:00:00Z"});
    let exception = w.insert(occurrence(&id, SECOND, moved)).await;
    w.equal(&exception).await;
    let starts = w.occurrences(&google);
    assert_eq!(starts.len(), 4);
    assert!(
        starts.iter().any(|start| start.starts_with("2031-01-16")),
        "{starts:?}"
    );
    assert!(
        !starts.iter().any(|start| start.starts_with("2031-01-14")),
        "{starts:?}"
    );
}

#[tokio::test]
async fn a_deleted_occurrence_is_cancelled_in_google() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"status": "cancelled"})))
        .await;
    let writes = w.writes().await;
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].body["status"], "cancelled");
    assert_eq!(w.occurrences(&google).len(), 3);
    assert_eq!(w.row(&exception).await["sync_state"], "synced");
    w.rests().await;
}

#[tokio::test]
async fn the_row_of_an_occurrence_that_is_deleted_comes_back_cancelled() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.equal(&exception).await;
    w.remove(&exception).await;
    w.settle().await;
    assert_eq!(w.row(&exception).await["status"], "cancelled");
    assert_eq!(w.occurrences(&google).len(), 3);
    w.rests().await;
}

#[tokio::test]
async fn a_cancelled_occurrence_can_take_place_again() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let (id, google) = tuesdays(&w).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"status": "cancelled"})))
        .await;
    w.settle().await;
    w.update(&exception, json!({"status": "confirmed"})).await;
    w.equal(&exception).await;
    assert_eq!(w.occurrences(&google).len(), 4);
}

#[tokio::test]
async fn a_deleted_series_is_one_deletion() {
    let w = world().await;
    let (id, _) = tuesdays(&w).await;
    w.insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.insert(occurrence(
        &id,
        "2031-01-21T09:00:00Z",
        json!({"status": "cancelled"}),
    ))
    .await;
    w.settle().await;
    w.sql("delete from public.events").await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert!(w.rows().await.is_empty());
    assert!(w.events().is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_cancelled_series_cancels_its_exceptions() {
    let w = world().await;
    let (id, _) = tuesdays(&w).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.equal(&exception).await;
    w.update(&id, json!({"status": "cancelled"})).await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert!(w.events().is_empty());
    assert_eq!(w.row(&exception).await["sync_state"], "none");
    w.rests().await;
}

async fn split(w: &World, id: &str) -> String {
    w.sql("begin").await;
    w.update(
        id,
        json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20310120T235959Z"]}),
    )
    .await;
    let tail = json!({"title": "Late round", "time_zone": "UTC", "starts_at": "2031-01-21T09:00:00Z", "ends_at": "2031-01-21T10:00:00Z",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]});
    let tail = w.insert(tail).await;
    w.sql("commit").await;
    tail
}

#[tokio::test]
async fn this_and_following_trims_the_old_series_before_it_adds_the_new_one() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let tail = split(&w, &id).await;
    // The tail is poked first.
    w.system.poke(&tail).await;
    assert_eq!(w.written().await, ["PATCH 200", "POST 200"]);
    w.equal(&id).await;
    w.equal(&tail).await;
    assert_eq!(w.occurrences(&google).len(), 2);
    assert_eq!(w.occurrences(&w.google_id(&tail).await).len(), 2);
}

#[tokio::test]
async fn while_the_old_series_cannot_be_trimmed_the_new_one_waits() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    w.fault("events.patch", json!({"status": 503, "count": 1000}));
    let tail = split(&w, &id).await;
    for _ in 0..3 {
        w.turn().await;
        w.pass(30).await;
    }
    assert_eq!(w.occurrences(&google).len(), 4);
    assert_eq!(w.events().len(), 1, "the tail would be there twice");
    assert_eq!(w.row(&tail).await["sync_state"], "pending");
    w.control("DELETE", "faults", &Value::Null);
    w.equal(&tail).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn a_series_and_its_exception_in_one_transaction_arrive_in_order() {
    let w = world().await;
    w.sql("begin").await;
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let id = w.insert(with(hour("Round"), rule)).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"title": "Special"})))
        .await;
    w.sql("commit").await;
    w.system.take_written();
    w.system.poke(&exception).await;
    let poked = w.system.take_written();
    let shown = |one: &Written| format!("{} {}", one.method, one.status);
    let poked: Vec<String> = poked.iter().map(shown).collect();
    assert_eq!(poked, ["POST 200", "PATCH 200"]);
    assert!(w.writes().await.is_empty());
    w.equal(&exception).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn an_exception_of_a_start_that_the_series_does_not_have_says_so() {
    let w = world().await;
    let (id, google) = tuesdays(&w).await;
    let nowhere = occurrence(&id, "2031-01-15T09:00:00Z", json!({"title": "Nowhere"}));
    let exception = w.insert(nowhere).await;
    w.pass(600).await;
    w.settle().await;
    let row = w.row(&exception).await;
    assert_eq!(row["sync_state"], "error", "{row}");
    assert!(
        row["sync_error"].as_str().unwrap().contains("2031-01-15"),
        "{row}"
    );
    assert_eq!(w.occurrences(&google).len(), 4);
}

#[tokio::test]
async fn a_series_of_the_crm_keeps_its_wall_time_when_the_clocks_change() {
    let w = world().await;
    let row = json!({"title": "Round", "time_zone": "Europe/Berlin", "starts_at": "2031-03-25T08:00:00Z",
        "ends_at": "2031-03-25T09:00:00Z", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]});
    let id = w.insert(row).await;
    w.equal(&id).await;
    let starts = w.occurrences(&w.google_id(&id).await);
    let instants: Vec<_> = starts
        .iter()
        .map(|start| {
            chrono::DateTime::parse_from_rfc3339(start)
                .unwrap()
                .to_utc()
        })
        .collect();
    assert_eq!(instants[0].to_rfc3339(), "2031-03-25T08:00:00+00:00");
    assert_eq!(instants[1].to_rfc3339(), "2031-04-01T07:00:00+00:00");
}
