//! Both sides at once: what wins, what is merged, and what is kept of the loser.

use crate::shapes::{google_hour, hour};
use crate::world::{World, world};
use serde_json::{Value, json};
use tests::inprocess::Fate;

async fn call(w: &World) -> (String, String) {
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    let event = w.google_id(&id).await;
    w.system.take_written();
    (id, event)
}

/// Google says one title, then the CRM another.
async fn both_change_the_title(w: &World) -> (String, String) {
    let (id, event) = call(w).await;
    w.control("POST", "notifications", &json!({"hold": true}));
    w.edit(&event, json!({"summary": "From Google"}));
    w.pass(60).await;
    w.update(&id, json!({"title": "From the CRM"})).await;
    w.system.poke(&id).await;
    w.control("POST", "notifications", &json!({}));
    w.settle().await;
    (id, event)
}

#[tokio::test]
async fn another_version_in_google_is_read_and_merged_not_overwritten() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.edit(&event, json!({"location": "There"}));
    w.update(&id, json!({"title": "Here"})).await;
    assert_eq!(w.written().await, ["PATCH 412", "PATCH 200"]);
    w.equal(&id).await;
    let shown = w.google(&event);
    assert_eq!(
        (&shown["summary"], &shown["location"]),
        (&json!("Here"), &json!("There"))
    );
    assert_eq!(w.notes(&id, "conflict").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_later_change_wins_and_the_other_value_is_kept_in_the_history() {
    let w = world().await;
    let (id, event) = both_change_the_title(&w).await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["summary"], "From the CRM");
    let notes = w.notes(&id, "conflict").await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].to_string().contains("From Google"), "{notes:?}");
    assert!(notes[0].to_string().contains("From the CRM"), "{notes:?}");
}

#[tokio::test]
async fn the_later_change_wins_when_it_is_googles() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.control("POST", "notifications", &json!({"hold": true}));
    w.update(&id, json!({"title": "From the CRM"})).await;
    w.pass(60).await;
    w.edit(&event, json!({"summary": "From Google"}));
    w.system.poke(&id).await;
    w.control("POST", "notifications", &json!({}));
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["title"], "From Google");
}

#[tokio::test]
async fn a_connection_may_say_that_google_wins() {
    let w = world().await;
    w.choose("policy", "google").await;
    let (id, _) = both_change_the_title(&w).await;
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["title"], "From Google");
}

#[tokio::test]
async fn a_connection_may_say_that_the_crm_wins() {
    let w = world().await;
    w.choose("policy", "crm").await;
    let (id, event) = call(&w).await;
    w.control("POST", "notifications", &json!({"hold": true}));
    w.update(&id, json!({"title": "From the CRM"})).await;
    w.pass(60).await;
    w.edit(&event, json!({"summary": "From Google"}));
    w.system.poke(&id).await;
    w.control("POST", "notifications", &json!({}));
    w.equal(&id).await;
    assert_eq!(w.google(&event)["summary"], "From the CRM");
}

#[tokio::test]
async fn a_policy_that_does_not_exist_is_refused() {
    let w = world().await;
    let refused = w.chosen("policy", "nobody").await.unwrap_err();
    assert!(refused.to_string().contains("policy"), "{refused}");
    assert_eq!(w.calendar().await["choices"], json!({}));
}

#[tokio::test]
async fn the_same_change_on_both_sides_writes_nothing_more() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.edit(&event, json!({"summary": "Same"}));
    w.update(&id, json!({"title": "Same"})).await;
    let written = w.written().await;
    assert!(written.iter().all(|one| one == "PATCH 412"), "{written:?}");
    w.equal(&id).await;
    assert_eq!(w.notes(&id, "conflict").await, Vec::<Value>::new());
}

#[tokio::test]
async fn start_and_end_are_one_thing() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.edit(
        &event,
        json!({"end": {"dateTime": "2031-01-07T11:00:00Z", "timeZone": "UTC"}}),
    );
    w.pass(60).await;
    w.update(
        &id,
        json!({"starts_at": "2031-01-07T14:00:00Z", "ends_at": "2031-01-07T15:00:00Z"}),
    )
    .await;
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert_eq!(row["starts_at"], "2031-01-07T14:00:00+00:00");
    assert_eq!(row["ends_at"], "2031-01-07T15:00:00+00:00");
}

#[tokio::test]
async fn two_edits_of_one_row_arrive_in_order_and_cost_one_write() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.update(&id, json!({"title": "First"})).await;
    w.update(&id, json!({"title": "Second"})).await;
    assert_eq!(w.written().await, ["PATCH 200"]);
    assert_eq!(w.google(&event)["summary"], "Second");
    w.equal(&id).await;
}

#[tokio::test]
async fn an_edit_while_another_is_on_its_way_is_not_lost() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.update(&id, json!({"title": "First"})).await;
    w.system.kill(1, Fate::HeldAfter);
    let instance = w.system.work(w.system.poking(&id)).await;
    let Err(instance) = instance else {
        panic!("it did not stand still")
    };
    w.update(&id, json!({"title": "Second"})).await;
    w.system.release();
    instance.await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["summary"], "Second");
}

#[tokio::test]
async fn a_message_that_arrives_while_a_write_is_on_its_way_undoes_nothing() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.update(&id, json!({"title": "First"})).await;
    w.system.kill(1, Fate::HeldAfter);
    let instance = w.system.work(w.system.poking(&id)).await;
    let Err(instance) = instance else {
        panic!("it did not stand still")
    };
    w.edit(&event, json!({"location": "There"}));
    w.system.deliver(|| 1).await;
    w.system.release();
    instance.await;
    w.equal(&id).await;
    let row = w.row(&id).await;
    assert_eq!(
        (&row["title"], &row["location"]),
        (&json!("First"), &json!("There"))
    );
}

#[tokio::test]
async fn two_instances_do_not_create_one_event_twice() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.system.kill(1, Fate::HeldBefore);
    let instance = w.system.work(w.system.poking(&id)).await;
    let Err(instance) = instance else {
        panic!("it did not stand still")
    };
    w.system.poke(&id).await;
    w.system.tick().await;
    w.system.release();
    instance.await;
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
    assert_eq!(w.asked("events.insert").len(), 1);
}

#[tokio::test]
async fn a_crash_after_google_made_the_event_makes_no_second_one() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.system.kill(1, Fate::KilledAfter);
    w.system.poke(&id).await;
    w.pass(120).await;
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
    assert_eq!(w.rows().await.len(), 1);
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_makes_no_second_event() {
    let w = world().await;
    w.fault("events.insert", json!({"when": "after", "cut": true}));
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    assert_eq!(w.events().len(), 1);
}

#[tokio::test]
async fn a_write_that_landed_counts_although_its_answer_is_lost() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.fault(
        "events.patch",
        json!({"when": "after", "status": 503, "reason": "backendError"}),
    );
    w.update(&id, json!({"title": "Landed"})).await;
    w.settle().await;
    w.equal(&id).await;
    assert_eq!(w.google(&event)["summary"], "Landed");
    assert_eq!(w.notes(&id, "conflict").await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_upload_that_fails_holds_up_no_other() {
    let w = world().await;
    let first = w.insert(hour("First")).await;
    w.fault("events.insert", json!({"status": 503, "count": 1}));
    w.system.poke(&first).await;
    let second = w.insert(hour("Second")).await;
    w.system.poke(&second).await;
    assert_eq!(w.row(&first).await["sync_state"], "pending");
    assert_eq!(w.row(&second).await["sync_state"], "synced");
    w.equal(&first).await;
    w.equal(&second).await;
}

#[tokio::test]
async fn an_authored_change_here_outlives_a_deletion_in_google() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.delete(&event);
    w.update(&id, json!({"title": "Still wanted"})).await;
    w.equal(&id).await;
    assert_eq!(w.google_of(&id).await["summary"], "Still wanted");
    assert_eq!(w.events().len(), 1);
}

#[tokio::test]
async fn an_authored_change_in_google_outlives_a_deletion_here() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.edit(&event, json!({"summary": "Still wanted"}));
    w.remove(&id).await;
    w.equal(&id).await;
    assert_eq!(w.row(&id).await["title"], "Still wanted");
    assert_eq!(w.google(&event)["status"], "confirmed");
}

#[tokio::test]
async fn a_reminder_in_google_does_not_outlive_a_deletion_here() {
    let w = world().await;
    let (id, event) = call(&w).await;
    w.lose_messages();
    w.edit(
        &event,
        json!({"reminders": {"useDefault": false, "overrides": []}}),
    );
    w.remove(&id).await;
    w.settle().await;
    assert!(w.events().is_empty());
    assert!(w.rows().await.is_empty());
}

#[tokio::test]
async fn meetings_of_the_same_name_and_time_are_not_taken_for_one() {
    let w = world().await;
    let first = w.insert(hour("Call")).await;
    let second = w.insert(hour("Call")).await;
    let third = w.create(google_hour("Call"));
    w.settle().await;
    assert_eq!(w.rows().await.len(), 3);
    assert_eq!(w.events().len(), 3);
    assert_ne!(w.google_id(&first).await, w.google_id(&second).await);
    assert_ne!(w.google_id(&first).await, third);
    w.rests().await;
}

#[tokio::test]
async fn an_event_that_two_programs_fight_over_is_left_alone_for_a_while_and_says_so() {
    let w = world().await;
    let (id, event) = call(&w).await;
    for round in 0..40 {
        w.edit(&event, json!({"summary": format!("Theirs {round}")}));
        w.system.deliver(|| 1).await;
        w.update(&id, json!({"title": "Ours"})).await;
        w.system.poke(&id).await;
        w.pass(1).await;
    }
    let writes = w.system.take_written().len();
    assert!(writes <= 20, "{writes}");
    let row = w.row(&id).await;
    assert!(
        row["sync_error"]
            .as_str()
            .unwrap()
            .contains("another program"),
        "{row}"
    );
    w.equal(&id).await;
}
