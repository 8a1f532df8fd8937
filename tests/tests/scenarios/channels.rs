//! Messages of push channels: which ones count, and what they set off.

use crate::shapes::google_hour;
use crate::world::{World, world};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

/// The message that waits, held back.
fn message(w: &World) -> Request<Bytes> {
    let due = w.system.simulator.due_notifications();
    let first = due.first().unwrap();
    w.system.simulator.delivered(first.id, Some(200));
    first.request.clone()
}

async fn status(w: &World, request: Request<Bytes>) -> (u16, Bytes) {
    let reply = w.system.notifying(request).await.unwrap();
    (reply.response.status().as_u16(), reply.response.into_body())
}

fn changed(request: &Request<Bytes>, header: &'static str, value: &str) -> Request<Bytes> {
    let mut request = request.clone();
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

#[tokio::test]
async fn who_is_not_google_gets_the_same_quiet_answer_and_costs_no_call() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    let calls = w.system.calls();
    let mut answers = Vec::new();
    for (header, value) in [
        ("x-goog-channel-token", "guessed"),
        ("x-goog-channel-id", "another"),
    ] {
        answers.push(status(&w, changed(&genuine, header, value)).await);
    }
    let mut bare = genuine.clone();
    bare.headers_mut().clear();
    answers.push(status(&w, bare).await);
    assert_eq!(w.system.calls(), calls);
    assert!(w.rows().await.is_empty());
    answers.push(status(&w, genuine).await);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0].0, 200);
    assert_eq!(w.titles().await, ["Lunch"]);
}

#[tokio::test]
async fn a_message_that_matches_only_by_its_resource_is_ignored() {
    let w = world().await;
    w.sql("update tandem.channels set id = 'another'").await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    assert_eq!(status(&w, genuine).await.0, 200);
    assert!(w.rows().await.is_empty());
}

#[tokio::test]
async fn a_message_for_another_resource_is_ignored() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    let other = changed(&genuine, "x-goog-resource-id", "another");
    assert_eq!(status(&w, other).await.0, 200);
    assert!(w.rows().await.is_empty());
}

#[tokio::test]
async fn the_first_message_of_a_channel_lists_nothing() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    w.forget_asked();
    let hello = changed(&genuine, "x-goog-resource-state", "sync");
    assert_eq!(status(&w, hello).await.0, 200);
    assert_eq!(w.asked("events.list"), Vec::<Value>::new());
}

#[tokio::test]
async fn messages_of_a_stopped_channel_are_answered_quietly() {
    let w = world().await;
    w.sql("update tandem.channels set state = 'stopped'").await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    w.forget_asked();
    assert_eq!(status(&w, genuine).await.0, 200);
    assert_eq!(w.asked("events.list"), Vec::<Value>::new());
}

#[tokio::test]
async fn messages_after_the_channels_end_are_answered_quietly() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    w.pass(9 * 24 * 3600).await;
    w.forget_asked();
    assert_eq!(status(&w, genuine).await.0, 200);
    assert_eq!(w.asked("events.list"), Vec::<Value>::new());
}

#[tokio::test]
async fn one_change_told_twice_is_listed_once() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    w.forget_asked();
    status(&w, genuine.clone()).await;
    status(&w, genuine).await;
    assert_eq!(w.asked("events.list").len(), 1);
}

#[tokio::test]
async fn a_message_without_a_body_is_all_that_is_needed() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    let genuine = message(&w);
    assert!(genuine.body().is_empty());
    assert_eq!(genuine.headers()["x-goog-resource-state"], "exists");
    status(&w, genuine).await;
    assert_eq!(w.titles().await, ["Lunch"]);
}

#[tokio::test]
async fn old_and_new_channel_that_tell_the_same_change_at_once_are_one_listing() {
    let w = world().await;
    // A second channel of the same calendar, as while one is replaced.
    w.sql("update tandem.connections set watch_at = tandem.clock()")
        .await;
    w.fault("channels.stop", json!({"status": 503, "count": 100}));
    w.system.tick().await;
    w.system.deliver(|| 1).await;
    w.settle().await;
    let channels = w.control("GET", "channels", &Value::Null);
    assert_eq!(channels.as_array().unwrap().len(), 2, "{channels}");
    w.forget_asked();
    w.create(google_hour("Lunch"));
    let due = w.system.simulator.due_notifications();
    assert_eq!(due.len(), 2, "both channels tell");
    for one in due {
        w.system.notifying(one.request.clone()).await;
        w.system.simulator.delivered(one.id, Some(200));
    }
    assert_eq!(w.asked("events.list").len(), 1);
    assert_eq!(w.titles().await, ["Lunch"]);
}

#[tokio::test]
async fn many_changes_while_a_listing_runs_are_one_more_listing() {
    let w = world().await;
    w.create(google_hour("First"));
    let genuine = message(&w);
    w.system.kill(1, tests::inprocess::Fate::HeldAfter);
    let Err(slow) = w.system.work(w.system.notifying(genuine)).await else {
        panic!("it did not stand still")
    };
    for n in 0..5 {
        w.create(google_hour(&format!("More {n}")));
    }
    w.forget_asked();
    w.system.deliver(|| 1).await;
    assert_eq!(w.asked("events.list").len(), 0, "somebody lists already");
    w.system.release();
    slow.await;
    assert_eq!(w.rows().await.len(), 6);
    assert_eq!(w.asked("events.list").len(), 1);
}

#[tokio::test]
async fn lost_messages_are_made_up_for_by_the_clock() {
    let w = world().await;
    w.lose_messages();
    w.create(google_hour("Lunch"));
    w.poll().await;
    assert_eq!(w.titles().await, ["Lunch"]);
}

#[tokio::test]
async fn lost_pokes_are_made_up_for_by_the_clock() {
    let w = world().await;
    for n in 0..60 {
        w.insert(crate::shapes::hour(&format!("Row {n}"))).await;
    }
    w.settle().await;
    assert_eq!(w.events().len(), 60);
    w.rests().await;
}
