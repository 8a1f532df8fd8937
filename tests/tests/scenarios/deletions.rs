//! Deletions: what goes, what stays, and what a person is asked about.

use crate::shapes::{ann, google_hour, hour, with};
use crate::world::{World, id_of, world};
use serde_json::{Value, json};

#[tokio::test]
async fn an_event_deleted_in_google_goes_here() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    w.delete(&w.google_id(&id).await);
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(&id).await, Value::Null);
    w.rests().await;
}

#[tokio::test]
async fn a_row_deleted_here_goes_in_google() {
    let w = world().await;
    let event = w.create(google_hour("Lunch"));
    w.settle().await;
    let id = w.row_of(&event).await["id"].as_str().unwrap().to_owned();
    w.remove(&id).await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert!(w.events().is_empty());
    w.rests().await;
}

#[tokio::test]
async fn an_event_deleted_on_both_sides_is_forgotten() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    w.lose_messages();
    w.delete(&w.google_id(&id).await);
    w.remove(&id).await;
    w.settle().await;
    assert_eq!(w.jobs().await, json!([]));
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_deletion_that_google_already_knows_counts_as_done() {
    let w = world().await;
    for (status, reason) in [(404, "notFound"), (410, "deleted")] {
        let id = w.insert(hour("Call")).await;
        w.equal(&id).await;
        w.fault("events.delete", json!({"status": status, "reason": reason}));
        w.remove(&id).await;
        w.settle().await;
        assert_eq!(w.jobs().await, json!([]), "{status}");
        assert_eq!(w.row(&id).await, Value::Null, "{status}");
    }
}

#[tokio::test]
async fn a_look_before_a_deletion_that_fails_proves_nothing() {
    for (status, reason) in [
        (401, "authError"),
        (403, "forbidden"),
        (429, "rateLimitExceeded"),
        (503, "backendError"),
    ] {
        let w = world().await;
        let id = w.insert(hour("Call")).await;
        w.equal(&id).await;
        let event = w.google_id(&id).await;
        // Another version, so that the deletion has to look; its change is one that the deletion outlives.
        w.lose_messages();
        w.edit(
            &event,
            json!({"reminders": {"useDefault": false, "overrides": []}}),
        );
        w.fault("events.get", json!({"status": status, "reason": reason}));
        w.remove(&id).await;
        w.system.poke(&id).await;
        let link = "select state from tandem.links";
        if status != 401 {
            assert_eq!(w.value(link).await, "live", "{status}");
        }
        w.control("DELETE", "faults", &Value::Null);
        w.poll().await;
        w.poll().await;
        assert!(w.events().is_empty(), "{status}");
        assert!(w.rows().await.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn a_row_archived_before_it_was_ever_sent_makes_no_call() {
    let w = world().await;
    let id = w
        .insert(with(hour("Old"), json!({"google_sync_enabled": false})))
        .await;
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(&id).await["sync_state"], "none");
    w.remove(&id).await;
    assert!(w.writes().await.is_empty());
    let cancelled = w
        .insert(with(hour("Off"), json!({"status": "cancelled"})))
        .await;
    assert!(w.writes().await.is_empty());
    w.remove(&cancelled).await;
    assert!(w.writes().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_row_cancelled_after_it_was_sent_is_deleted_and_comes_back_when_it_takes_place() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.update(&id, json!({"status": "cancelled"})).await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    w.rests().await;
    w.update(&id, json!({"status": "confirmed"})).await;
    w.equal(&id).await;
    assert_eq!(w.google_id(&id).await, event);
    assert_eq!(w.events().len(), 1);
}

#[tokio::test]
async fn who_opts_out_loses_the_copy_and_who_opts_in_again_gets_the_same_one() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.update(&id, json!({"google_sync_enabled": false})).await;
    assert_eq!(w.written().await, ["DELETE 204"]);
    assert_eq!(w.row(&id).await["sync_state"], "none");
    w.update(&id, json!({"title": "Changed meanwhile"})).await;
    assert!(w.writes().await.is_empty());
    w.update(&id, json!({"google_sync_enabled": true})).await;
    w.equal(&id).await;
    assert_eq!(w.google_id(&id).await, event);
    assert_eq!(w.google(&event)["summary"], "Changed meanwhile");
    assert_eq!(w.events().len(), 1);
}

#[tokio::test]
async fn who_opts_out_and_keeps_the_copy_finds_it_again() {
    let w = world().await;
    w.choose("opt_out", "keep").await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.update(&id, json!({"google_sync_enabled": false})).await;
    assert!(w.writes().await.is_empty());
    w.edit(&event, json!({"location": "There"}));
    w.update(&id, json!({"title": "Here"})).await;
    assert!(w.writes().await.is_empty());
    assert_eq!(w.row(&id).await["location"], Value::Null);
    w.update(&id, json!({"google_sync_enabled": true})).await;
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
    assert_eq!(w.google(&event)["summary"], "Here");
    assert_eq!(w.row(&id).await["location"], "There");
}

#[tokio::test]
async fn a_late_echo_does_not_bring_a_deleted_row_back() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    w.control("POST", "notifications", &json!({"hold": true}));
    w.update(&id, json!({"title": "Call again"})).await;
    w.system.poke(&id).await;
    w.remove(&id).await;
    w.system.poke(&id).await;
    w.control("POST", "notifications", &json!({}));
    w.settle().await;
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn a_cancelled_event_that_was_never_here_is_not_brought_here() {
    let w = world().await;
    w.lose_messages();
    let event = w.create(google_hour("Short-lived"));
    w.delete(&event);
    w.pass(3_700).await;
    w.settle().await;
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn an_event_restored_in_google_comes_back_as_the_same_row() {
    let w = world().await;
    w.switch("restore", json!("allowed"));
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.delete(&event);
    w.settle().await;
    assert_eq!(w.row(&id).await, Value::Null);
    w.ui("restore", json!({"id": event}));
    w.settle().await;
    assert_eq!(w.row(&id).await["title"], "Call");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_row_deleted_and_inserted_again_is_one_event() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    w.remove(&id).await;
    w.insert(with(hour("Call again"), json!({"id": id}))).await;
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
    assert_eq!(w.events()[0]["summary"], "Call again");
}

async fn many(w: &World, count: usize) {
    let values: Vec<String> = (0..count)
        .map(|n| format!("('{}', 'Row {n:02}', '2031-02-01T09:00Z'::timestamptz + {n} * interval '1 day', '2031-02-01T10:00Z'::timestamptz + {n} * interval '1 day', 'UTC')", ann().id))
        .collect();
    let sql = format!(
        "insert into public.events (owner_id, title, starts_at, ends_at, time_zone) values {}",
        values.join(",")
    );
    w.sql(&sql).await;
    w.settle().await;
    assert_eq!(w.events().len(), count);
    w.system.take_written();
}

async fn confirm(w: &World, decision: &str) {
    let sql = format!(
        "select public.tandem_confirm(jsonb_build_object('instance', tandem.setting('instance'), 'user_id', '{}',
            'connection_id', (select id from tandem.connections), 'decision', '{decision}'))",
        ann().id
    );
    w.value(&sql).await;
    w.settle().await;
}

#[tokio::test]
async fn too_many_deletions_here_wait_for_a_person() {
    let w = world().await;
    many(&w, 15).await;
    w.sql("delete from public.events").await;
    assert!(w.writes().await.is_empty());
    assert_eq!(w.events().len(), 15);
    confirm(&w, "apply").await;
    assert!(w.events().is_empty());
    assert!(w.rows().await.is_empty());
    w.rests().await;
}

#[tokio::test]
async fn too_many_deletions_here_can_be_taken_back() {
    let w = world().await;
    many(&w, 15).await;
    w.sql("delete from public.events").await;
    w.settle().await;
    confirm(&w, "keep").await;
    assert_eq!(w.rows().await.len(), 15);
    assert_eq!(w.events().len(), 15);
    w.rests().await;
}

#[tokio::test]
async fn too_many_deletions_in_google_wait_for_a_person_and_everything_else_goes_on() {
    let w = world().await;
    many(&w, 15).await;
    w.lose_messages();
    for event in w.events() {
        w.delete(&id_of(&event));
    }
    w.create(google_hour("New"));
    w.control("POST", "notifications", &json!({}));
    w.pass(3_700).await;
    w.settle().await;
    assert_eq!(w.rows().await.len(), 16, "{:?}", w.titles().await);
    let id = w.insert(hour("Also new")).await;
    w.equal(&id).await;
    confirm(&w, "apply").await;
    assert_eq!(w.titles().await, ["Also new", "New"]);
    w.rests().await;
}

#[tokio::test]
async fn too_many_deletions_in_google_can_be_taken_back() {
    let w = world().await;
    many(&w, 15).await;
    w.lose_messages();
    for event in w.events() {
        w.delete(&id_of(&event));
    }
    w.pass(3_700).await;
    w.settle().await;
    confirm(&w, "keep").await;
    assert_eq!(w.rows().await.len(), 15);
    assert_eq!(w.events().len(), 15);
    w.rests().await;
}

#[tokio::test]
async fn a_few_deletions_ask_nobody() {
    let w = world().await;
    many(&w, 12).await;
    w.sql("delete from public.events where title < 'Row 09'")
        .await;
    assert_eq!(w.writes().await.len(), 9);
    assert_eq!(w.events().len(), 3);
}
