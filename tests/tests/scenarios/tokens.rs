//! Access: tokens that end, accounts that are withdrawn, and calls that Google refuses.

use crate::shapes::{google_hour, hour};
use crate::world::{World, world};
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};

async fn account(w: &World) -> Value {
    w.value("select to_jsonb(a) from tandem.accounts a").await
}

fn withdraw(w: &World) {
    w.control("POST", &format!("users/{EMAIL}/revoke"), &json!({}));
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_refreshed_and_the_call_repeated() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 401, "reason": "authError"}),
    );
    let id = w.insert(hour("Call")).await;
    assert_eq!(w.written().await, ["POST 401", "POST 200"]);
    w.equal(&id).await;
    assert_eq!(account(&w).await["state"], "active");
}

#[tokio::test]
async fn work_waits_while_the_account_is_withdrawn_and_goes_on_after_a_reconnect() {
    let w = world().await;
    let old = w.insert(hour("Old")).await;
    w.equal(&old).await;
    withdraw(&w);
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(w.insert(hour(&format!("Row {n}"))).await);
    }
    w.update(&old, json!({"title": "Changed"})).await;
    for _ in 0..12 {
        w.turn().await;
        w.pass(7_300).await;
    }
    assert_eq!(account(&w).await["state"], "reconnect_needed");
    let row = w.row(&ids[0]).await;
    assert_eq!(row["sync_state"], "pending", "{row}");
    assert!(row["sync_error"].is_string(), "{row}");
    let states = w.jobs().await;
    assert!(!states.to_string().contains("dead"), "{states}");
    assert_eq!(w.rows().await.len(), 6, "nothing is taken away");
    w.ann_connects().await.unwrap();
    w.settle().await;
    for id in &ids {
        w.equal(id).await;
    }
    w.equal(&old).await;
    assert_eq!(w.events().len(), 6);
}

#[tokio::test]
async fn a_reconnect_makes_no_second_copies() {
    let w = world().await;
    let here = w.insert(hour("Here")).await;
    let there = w.create(google_hour("There"));
    w.equal(&here).await;
    withdraw(&w);
    w.update(&here, json!({"title": "Here again"})).await;
    w.turn().await;
    w.edit(&there, json!({"summary": "There again"}));
    w.ann_connects().await.unwrap();
    w.equal(&here).await;
    w.poll().await;
    assert_eq!(w.titles().await, ["Here again", "There again"]);
    assert_eq!(w.events().len(), 2);
}

#[tokio::test]
async fn only_googles_word_that_access_is_gone_counts_as_such() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.equal(&id).await;
    for rule in [
        json!({"status": 500, "body": "oops"}),
        json!({"status": 429, "body": "{}"}),
        json!({"cut": true}),
        json!({"status": 400, "body": "{\"error\": \"temporarily_unavailable\"}"}),
    ] {
        w.sql("update tandem.accounts set access_expires_at = tandem.clock()")
            .await;
        w.fault("oauth.token", rule.clone());
        w.update(&id, json!({"title": rule.to_string()})).await;
        w.turn().await;
        assert_eq!(account(&w).await["state"], "active", "{rule}");
        w.equal(&id).await;
    }
}

#[tokio::test]
async fn two_that_need_a_new_token_ask_for_one() {
    let w = world().await;
    let (first, second) = (
        w.insert(hour("First")).await,
        w.insert(hour("Second")).await,
    );
    w.sql("update tandem.accounts set access_expires_at = tandem.clock()")
        .await;
    w.forget_asked();
    w.system.kill(1, Fate::HeldAfter);
    let Err(slow) = w.system.work(w.system.poking(&first)).await else {
        panic!("it did not stand still")
    };
    w.system.poke(&second).await;
    assert_eq!(w.asked("oauth.token").len(), 1);
    w.system.release();
    slow.await;
    w.settle().await;
    assert_eq!(w.asked("oauth.token").len(), 1);
    w.equal(&first).await;
    w.equal(&second).await;
}

#[tokio::test]
async fn a_refresh_that_dies_does_not_keep_others_waiting_for_ever() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.sql("update tandem.accounts set access_expires_at = tandem.clock()")
        .await;
    w.system.kill(1, Fate::KilledAfter);
    w.system.poke(&id).await;
    w.pass(120).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_does_not_end_a_new_connection() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    w.sql("update tandem.accounts set access_expires_at = tandem.clock()")
        .await;
    withdraw(&w);
    w.system.kill(1, Fate::HeldAfter);
    let Err(slow) = w.system.work(w.system.poking(&id)).await else {
        panic!("it did not stand still")
    };
    w.ann_connects().await.unwrap();
    w.system.release();
    slow.await;
    assert_eq!(account(&w).await["state"], "active");
    w.equal(&id).await;
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_is_nobodys_failure() {
    let w = world().await;
    for (status, reason) in [
        (403, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (429, "rateLimitExceeded"),
    ] {
        w.fault(
            "events.insert",
            json!({"status": status, "reason": reason, "count": 3}),
        );
        let id = w.insert(hour(reason)).await;
        w.system.poke(&id).await;
        let row = w.row(&id).await;
        assert_eq!(row["sync_state"], "pending", "{row}");
        let attempts = format!("select attempts from tandem.work where root = '{id}'");
        assert_eq!(w.value(&attempts).await, 0, "{status} {reason}");
        assert!(account(&w).await["paused_until"].is_string());
        w.equal(&id).await;
    }
}

#[tokio::test]
async fn while_an_account_is_paused_everything_is_kept_and_sent_afterwards() {
    let w = world().await;
    let (edited, deleted) = (
        w.insert(hour("Edited")).await,
        w.insert(hour("Deleted")).await,
    );
    w.settle().await;
    w.sql("update tandem.accounts set paused_until = tandem.clock() + interval '1 hour'")
        .await;
    let created = w.insert(hour("Created")).await;
    w.update(&edited, json!({"title": "Edited again"})).await;
    w.remove(&deleted).await;
    w.system.take_written();
    for id in [&created, &edited, &deleted] {
        w.system.poke(id).await;
    }
    w.turn().await;
    assert!(w.system.take_written().is_empty());
    w.pass(3_700).await;
    w.settle().await;
    w.equal(&created).await;
    w.equal(&edited).await;
    assert_eq!(w.events().len(), 2);
}

#[tokio::test]
async fn a_permission_that_is_missing_is_an_error_at_once() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 403, "reason": "forbidden"}),
    );
    let id = w.insert(hour("Call")).await;
    assert_eq!(w.written().await, ["POST 403"]);
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "error", "{row}");
    assert!(row["sync_error"].is_string());
}

#[tokio::test]
async fn an_api_that_is_not_switched_on_is_said_so() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 403, "reason": "accessNotConfigured"}),
    );
    let id = w.insert(hour("Call")).await;
    w.system.poke(&id).await;
    let row = w.row(&id).await;
    assert!(row["sync_error"].as_str().unwrap().contains("API"), "{row}");
}

#[tokio::test]
async fn while_google_is_out_of_order_everything_waits_and_is_sent_afterwards() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 500, "reason": "backendError", "count": 1000}),
    );
    let id = w.insert(hour("Call")).await;
    let other = w.create(google_hour("Lunch"));
    for _ in 0..30 {
        w.turn().await;
        w.pass(3_700).await;
    }
    assert!(w.asked("events.insert").len() >= 30);
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "pending", "{row}");
    assert!(row["sync_error"].is_string(), "{row}");
    assert_eq!(w.row_of(&other).await["title"], "Lunch");
    w.control("DELETE", "faults", &Value::Null);
    w.equal(&id).await;
}

#[tokio::test]
async fn failures_that_go_on_end_as_an_error_that_can_be_tried_again() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    let other = w.create(google_hour("Lunch"));
    for _ in 0..30 {
        // Whoever is about to send it dies of it.
        w.system.kill_at("POST /calendar", Fate::KilledBefore);
        w.turn().await;
        w.system.forgive();
        w.pass(3_700).await;
    }
    assert_eq!(w.system.killed(), 10);
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "error", "{row}");
    assert_eq!(w.jobs().await, json!(["dead"]));
    w.turn().await;
    assert_eq!(
        w.asked("events.insert"),
        Vec::<Value>::new(),
        "it is tried no more"
    );
    assert_eq!(w.row_of(&other).await["title"], "Lunch");
    w.update(&id, json!({"title": "Call again"})).await;
    w.equal(&id).await;
}

#[tokio::test]
async fn the_same_failure_is_tried_again_later_and_later() {
    let w = world().await;
    w.fault(
        "events.insert",
        json!({"status": 500, "reason": "backendError", "count": 6}),
    );
    let id = w.insert(hour("Call")).await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        w.system.poke(&id).await;
        let wait = "select extract(epoch from at - tandem.clock())::int from tandem.work";
        let wait = w.value(wait).await.as_i64().unwrap();
        waits.push(wait);
        w.pass(wait + 1).await;
    }
    assert!(waits[5] > 2 * waits[2] && waits[2] > waits[0], "{waits:?}");
    w.equal(&id).await;
}
