//! Series that both sides change, and exceptions that come in the wrong order.

use crate::shapes::{GUEST, hour, listed, listing, with};
use crate::world::{World, id_of, world};
use serde_json::{Value, json};

/// Four Tuesdays at nine; the row's id and Google's.
async fn tuesdays(w: &World, more: Value) -> (String, String) {
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]});
    let id = w.insert(with(with(hour("Round"), rule), more)).await;
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
const FOURTH: &str = "2031-01-28T09:00:00Z";

async fn exceptions(w: &World) -> Vec<Value> {
    let mut rows = w.rows().await;
    rows.retain(|row| !row["original_start"].is_null());
    rows
}

#[tokio::test]
async fn an_occurrence_edited_on_both_sides_is_one_row() {
    let w = world().await;
    let (id, google) = tuesdays(&w, json!({})).await;
    w.lose_messages();
    w.edit(
        &format!("{google}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    let exception = w
        .insert(occurrence(
            &id,
            SECOND,
            json!({"description": "Bring a pen"}),
        ))
        .await;
    w.equal(&exception).await;
    let rows = exceptions(&w).await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["location"], "Room 2");
    assert_eq!(rows[0]["description"], "Bring a pen");
    w.poll().await;
    assert_eq!(exceptions(&w).await.len(), 1);
}

#[tokio::test]
async fn an_occurrence_listed_before_its_row_is_sent_is_one_row() {
    let w = world().await;
    let (id, google) = tuesdays(&w, json!({})).await;
    w.edit(
        &format!("{google}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    let exception = w
        .insert(occurrence(
            &id,
            SECOND,
            json!({"description": "Bring a pen"}),
        ))
        .await;
    w.system.deliver(|| 1).await;
    w.equal(&exception).await;
    assert_eq!(exceptions(&w).await.len(), 1);
}

#[tokio::test]
async fn a_rename_of_the_series_here_leaves_an_occurrence_that_was_moved_there() {
    let w = world().await;
    let (id, google) = tuesdays(&w, json!({})).await;
    let moved = json!({"start": {"dateTime": "2031-01-15T12:00:00Z", "timeZone": "UTC"}, "end": {"dateTime": "2031-01-15T13:00:00Z", "timeZone": "UTC"}});
    w.edit(&format!("{google}_20310114T090000Z"), moved);
    w.settle().await;
    w.update(&id, json!({"title": "Circle"})).await;
    w.equal(&id).await;
    let rows = exceptions(&w).await;
    assert_eq!(rows[0]["starts_at"], "2031-01-15T12:00:00+00:00");
    w.equal(rows[0]["id"].as_str().unwrap()).await;
}

#[tokio::test]
async fn another_time_of_the_series_here_and_an_edited_occurrence_there_come_to_rest() {
    for (position, count) in [("cancelled", 4), ("kept", 5)] {
        let w = world().await;
        w.switch("orphanedExceptions", json!(position));
        let (id, google) = tuesdays(&w, json!({})).await;
        let second = format!("{google}_20310114T090000Z");
        w.edit(&second, json!({"location": "Room 2"}));
        w.settle().await;
        let later = json!({"starts_at": "2031-01-07T11:00:00Z", "ends_at": "2031-01-07T12:00:00Z"});
        w.update(&id, later).await;
        w.equal(&id).await;
        assert_eq!(w.occurrences(&google).len(), count);
        let exception = exceptions(&w).await;
        assert_eq!(
            exception[0]["status"] == "cancelled",
            position == "cancelled"
        );
        w.rests().await;
    }
}

#[tokio::test]
async fn a_guest_dropped_from_the_series_goes_from_its_exceptions_as_google_says() {
    let w = world().await;
    let guests = json!({"attendees": [{"email": GUEST}, {"email": "more@elsewhere.example"}]});
    let (id, google) = tuesdays(&w, guests).await;
    w.edit(
        &format!("{google}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.settle().await;
    let scope = json!({"id": google, "scope": "all", "changes": {"attendees": [{"email": "more@elsewhere.example"}]}});
    w.ui("edit", scope);
    assert!(w.writes().await.is_empty());
    w.equal(&id).await;
    for row in exceptions(&w).await {
        w.equal(row["id"].as_str().unwrap()).await;
    }
}

#[tokio::test]
async fn exceptions_after_a_split_here_go_with_the_rest() {
    let w = world().await;
    let (id, google) = tuesdays(&w, json!({})).await;
    let early = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    let late = w
        .insert(occurrence(&id, FOURTH, json!({"location": "Room 4"})))
        .await;
    w.equal(&early).await;
    w.equal(&late).await;
    w.sql("begin").await;
    w.update(
        &id,
        json!({"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20310120T235959Z"]}),
    )
    .await;
    let tail = json!({"title": "Late round", "time_zone": "UTC", "starts_at": "2031-01-21T09:00:00Z", "ends_at": "2031-01-21T10:00:00Z",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]});
    let tail = w.insert(tail).await;
    w.sql("commit").await;
    w.settle().await;
    w.equal(&id).await;
    w.equal(&tail).await;
    w.equal(&early).await;
    assert_eq!(w.occurrences(&google).len(), 2);
    assert_eq!(w.occurrences(&w.google_id(&tail).await).len(), 2);
}

#[tokio::test]
async fn an_exception_on_an_earlier_page_than_its_series_finds_it() {
    let w = world().await;
    w.lose_messages();
    let google = id_of(&w.ui(
        "create",
        json!({"changes": {"summary": "Round", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
            "start": {"dateTime": "2031-01-07T09:00:00Z", "timeZone": "UTC"},
            "end": {"dateTime": "2031-01-07T10:00:00Z", "timeZone": "UTC"}}}),
    ));
    let occurrence = format!("{google}_20310114T090000Z");
    w.edit(&occurrence, json!({"location": "Room 2"}));
    let first = listing(json!([w.google(&occurrence)]), None);
    let second = listing(json!([w.google(&google)]), Some("unknown"));
    w.fault("events.list", first);
    w.fault("events.list", second);
    w.pass(3_700).await;
    w.system.tick().await;
    let series = w.row_of(&google).await;
    let rows = exceptions(&w).await;
    assert_eq!(rows.len(), 1, "{:#?}", w.rows().await);
    assert_eq!(rows[0]["recurring_event_id"], series["id"]);
    assert_eq!(rows[0]["original_start"], SECOND);
}

#[tokio::test]
async fn who_is_invited_to_one_occurrence_only_has_an_event_of_its_own() {
    let w = world().await;
    let planned = json!({"recurringEventId": "unseen", "originalStartTime": {"dateTime": SECOND, "timeZone": "UTC"}, "iCalUID": "unseen@google.com",
        "organizer": {"email": "boss@elsewhere.example"}});
    let occurrence = listed("unseen_20310114T090000Z", planned);
    w.fault("events.list", listing(json!([occurrence]), Some("unknown")));
    // Its series is not there for Ann; the occurrence is.
    w.fault(
        "events.get",
        json!({"skip": 1, "body": occurrence.to_string()}),
    );
    w.pass(3_700).await;
    w.system.tick().await;
    let rows = w.rows().await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0]["recurring_event_id"], Value::Null);
}

#[tokio::test]
async fn an_occurrence_of_a_deleted_series_comes_too_late() {
    let w = world().await;
    let (id, google) = tuesdays(&w, json!({})).await;
    w.control("POST", "notifications", &json!({"hold": true}));
    w.edit(
        &format!("{google}_20310114T090000Z"),
        json!({"location": "Room 2"}),
    );
    w.remove(&id).await;
    w.system.poke(&id).await;
    w.control("POST", "notifications", &json!({}));
    w.settle().await;
    assert!(w.rows().await.is_empty(), "{:#?}", w.rows().await);
    assert!(w.events().is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_series_restored_in_google_comes_back_with_the_exceptions_that_google_has() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let (id, google) = tuesdays(&w, json!({})).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.equal(&exception).await;
    w.remove(&id).await;
    w.settle().await;
    w.ui("restore", json!({"id": google}));
    w.settle().await;
    w.equal(&id).await;
    // One call took them away together, and so they come back.
    assert_eq!(w.occurrences(&google).len(), 4);
    w.equal(&exception).await;
    assert_eq!(w.row(&exception).await["location"], "Room 2");
    w.rests().await;
}

#[tokio::test]
async fn an_opted_out_series_takes_its_exceptions_along_and_brings_them_back() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let (id, google) = tuesdays(&w, json!({})).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.equal(&exception).await;
    w.update(&id, json!({"google_sync_enabled": false})).await;
    w.settle().await;
    assert!(w.events().is_empty());
    assert_eq!(w.row(&exception).await["sync_state"], "none");
    w.update(&id, json!({"google_sync_enabled": true})).await;
    w.equal(&id).await;
    w.equal(&exception).await;
    assert_eq!(w.occurrences(&google).len(), 4);
    assert_eq!(w.google_of(&exception).await["location"], "Room 2");
}

#[tokio::test]
async fn an_exception_of_what_google_made_a_single_event_leaves_with_it_and_comes_back() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let (id, google) = tuesdays(&w, json!({})).await;
    let exception = w
        .insert(occurrence(&id, SECOND, json!({"location": "Room 2"})))
        .await;
    w.equal(&exception).await;
    w.edit(&google, json!({"recurrence": null}));
    w.settle().await;
    w.update(&id, json!({"google_sync_enabled": false})).await;
    w.settle().await;
    assert!(w.events().is_empty());
    assert_eq!(w.row(&exception).await["sync_state"], "none");
    w.update(&id, json!({"google_sync_enabled": true})).await;
    w.equal(&id).await;
    w.equal(&exception).await;
    assert_eq!(w.google_of(&exception).await["location"], "Room 2");
}
