//! Listing Google: pages, cursors that end, and everything listed anew.

use crate::shapes::{google_hour, hour};
use crate::world::{World, id_of, unconnected, world};
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};

const ENDED: (u16, &str) = (410, "fullSyncRequired");

/// Google refuses the next token.
fn token_ends(w: &World) {
    w.fault("events.list", json!({"status": ENDED.0, "reason": ENDED.1}));
}

#[tokio::test]
async fn three_pages_of_days_and_hours_all_land_and_the_last_token_is_kept() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 600}),
    );
    for day in ["2031-02-03", "2031-02-04"] {
        w.create(json!({"summary": day, "start": {"date": day}, "end": {"date": day.replace("-0", "-1")}}));
    }
    w.ann_connects().await.unwrap();
    w.settle().await;
    assert_eq!(w.rows().await.len(), 602);
    let lists = w.asked("events.list");
    assert_eq!(lists.len(), 3, "{}", lists.len());
    let calendar = w.calendar().await;
    assert!(
        calendar["sync_token"].is_string() && calendar["page_token"].is_null(),
        "{calendar}"
    );
    w.rests().await;
}

#[tokio::test]
async fn an_import_that_is_interrupted_goes_on_at_its_page() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 600}),
    );
    // The first listing is refused, so that the scheduler does all of the import.
    w.fault("events.list", json!({"status": 503}));
    w.ann_connects().await.unwrap();
    w.forget_asked();
    w.pass(120).await;
    // Killed when the third page is there, which is asked for while the second one is stored.
    w.system.kill_after(2, "/events", Fate::KilledAfter);
    w.system.tick().await;
    w.system.forgive();
    assert_eq!(w.rows().await.len(), 250);
    w.pass(120).await;
    w.settle().await;
    assert_eq!(w.rows().await.len(), 600);
    let pages = w.asked("events.list");
    let firsts = pages
        .iter()
        .filter(|page| !page["query"].to_string().contains("pageToken"));
    assert_eq!(firsts.count(), 1, "{pages:?}");
    w.rests().await;
}

#[tokio::test]
async fn a_finished_import_does_not_start_again() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    w.settle().await;
    w.forget_asked();
    for _ in 0..3 {
        w.poll().await;
    }
    let lists = w.asked("events.list");
    assert!(!lists.is_empty());
    assert!(
        lists
            .iter()
            .all(|list| list["query"].to_string().contains("syncToken")),
        "{lists:?}"
    );
}

#[tokio::test]
async fn a_token_goes_alone_without_search_or_time_bounds() {
    let w = world().await;
    w.forget_asked();
    w.create(google_hour("Lunch"));
    w.settle().await;
    let list = w.asked("events.list");
    assert!(!list.is_empty());
    for name in ["timeMin", "timeMax", "updatedMin", "\"q\"", "orderBy"] {
        assert!(!list[0]["query"].to_string().contains(name), "{name}");
    }
}

#[tokio::test]
async fn an_ended_token_is_followed_by_a_full_listing_and_what_is_gone_goes() {
    let w = world().await;
    let (stays, goes) = (
        w.create(google_hour("Stays")),
        w.create(google_hour("Goes")),
    );
    let edited = w.insert(hour("Here")).await;
    w.settle().await;
    w.lose_messages();
    w.delete(&goes);
    w.control("POST", &format!("users/{EMAIL}/empty-trash"), &json!({}));
    w.edit(&stays, json!({"location": "There"}));
    w.update(&edited, json!({"title": "Edited here"})).await;
    token_ends(&w);
    w.poll().await;
    assert_eq!(w.titles().await, ["Edited here", "Stays"]);
    assert_eq!(w.row_of(&stays).await["location"], "There");
    w.equal(&edited).await;
    assert!(w.calendar().await["sync_token"].is_string());
}

#[tokio::test]
async fn a_token_that_ends_between_pages_starts_the_listing_again_and_loses_no_edit() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 300}),
    );
    w.ann_connects().await.unwrap();
    w.settle().await;
    let id = w.rows().await[0]["id"].as_str().unwrap().to_owned();
    w.lose_messages();
    token_ends(&w);
    w.fault(
        "events.list",
        json!({"skip": 1, "status": ENDED.0, "reason": ENDED.1}),
    );
    w.update(&id, json!({"title": "Edited here"})).await;
    w.poll().await;
    assert_eq!(w.rows().await.len(), 300);
    w.equal(&id).await;
    assert_eq!(w.google_of(&id).await["summary"], "Edited here");
}

#[tokio::test]
async fn many_that_a_full_listing_misses_wait_for_a_person() {
    let w = unconnected().await;
    w.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 15}),
    );
    w.ann_connects().await.unwrap();
    w.settle().await;
    w.lose_messages();
    for event in w.events() {
        w.delete(&id_of(&event));
    }
    w.control("POST", &format!("users/{EMAIL}/empty-trash"), &json!({}));
    token_ends(&w);
    w.poll().await;
    assert_eq!(w.rows().await.len(), 15);
    let held = w
        .value("select count(*) from tandem.work where state = 'held'")
        .await;
    assert_eq!(held, 15);
}

#[tokio::test]
async fn an_empty_listing_deletes_nothing_and_makes_nothing_anew() {
    let w = world().await;
    for n in 0..3 {
        w.insert(hour(&format!("Call {n}"))).await;
    }
    w.settle().await;
    let rows = w.rows().await;
    token_ends(&w);
    let empty = json!({"kind": "calendar#events", "items": [], "nextSyncToken": "made up", "accessRole": "owner"});
    w.fault("events.list", json!({"body": empty.to_string()}));
    w.pass(3_700).await;
    w.turn().await;
    w.system.take_written();
    w.settle().await;
    assert_eq!(w.rows().await.len(), 3);
    assert_eq!(w.events().len(), 3);
    assert!(w.system.take_written().is_empty());
    assert_eq!(w.titles().await.len(), rows.len());
}

#[tokio::test]
async fn an_answer_without_a_token_or_another_page_is_an_error() {
    let w = world().await;
    let before = w.calendar().await["sync_token"].clone();
    let cut = json!({"kind": "calendar#events", "items": []});
    w.fault("events.list", json!({"body": cut.to_string()}));
    w.create(google_hour("Lunch"));
    w.system.deliver(|| 1).await;
    let calendar = w.calendar().await;
    assert_eq!(calendar["sync_token"], before);
    assert!(calendar["last_error"].is_string(), "{calendar}");
    w.poll().await;
    assert_eq!(w.titles().await, ["Lunch"]);
    assert_eq!(w.calendar().await["last_error"], Value::Null);
}

#[tokio::test]
async fn a_token_of_other_listing_parameters_is_not_used() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    w.settle().await;
    w.sql("update tandem.connections set digest = 'of an earlier version'")
        .await;
    w.forget_asked();
    w.poll().await;
    let lists = w.asked("events.list");
    assert!(
        !lists[0]["query"].to_string().contains("syncToken"),
        "{lists:?}"
    );
    assert_eq!(w.titles().await, ["Lunch"]);
    w.rests().await;
}

#[tokio::test]
async fn a_missing_token_is_repaired_once_and_a_stale_message_repairs_nothing() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    w.settle().await;
    w.sql("update tandem.connections set sync_token = null")
        .await;
    w.forget_asked();
    w.control("POST", "notifications", &json!({"double": 100}));
    w.create(google_hour("Dinner"));
    w.system.deliver(|| 2).await;
    w.settle().await;
    let lists = w.asked("events.list");
    let full = lists
        .iter()
        .filter(|list| !list["query"].to_string().contains("syncToken"));
    assert_eq!(full.count(), 1, "{lists:?}");
    assert_eq!(w.titles().await, ["Dinner", "Lunch"]);
}

#[tokio::test]
async fn a_crash_while_deletions_are_stored_leaves_the_cursor_before_them() {
    let w = world().await;
    let event = w.create(google_hour("Lunch"));
    w.settle().await;
    let before = w.calendar().await["sync_token"].clone();
    w.lose_messages();
    w.delete(&event);
    w.pass(3_700).await;
    w.system.kill_at("tandem_commit", Fate::KilledBefore);
    w.system.tick().await;
    w.system.forgive();
    assert_eq!(w.system.killed(), 1);
    assert_eq!(w.calendar().await["sync_token"], before);
    assert_eq!(w.titles().await, ["Lunch"]);
    w.pass(120).await;
    w.settle().await;
    assert!(w.rows().await.is_empty());
}

#[tokio::test]
async fn a_listing_that_another_one_overtook_stores_nothing() {
    let w = world().await;
    w.lose_messages();
    let event = w.create(google_hour("First"));
    w.pass(3_700).await;
    w.system.kill_at("/events", Fate::HeldAfter);
    let Err(slow) = w.system.work(w.system.ticking()).await else {
        panic!("it did not stand still")
    };
    w.pass(120).await;
    w.edit(&event, json!({"summary": "Second"}));
    w.settle().await;
    let token = w.calendar().await["sync_token"].clone();
    assert_eq!(w.titles().await, ["Second"]);
    w.system.release();
    slow.await;
    assert_eq!(w.titles().await, ["Second"]);
    assert_eq!(w.calendar().await["sync_token"], token);
    w.rests().await;
}

#[tokio::test]
async fn a_calendar_is_listed_by_one_instance_at_a_time() {
    let w = world().await;
    w.create(google_hour("Lunch"));
    w.forget_asked();
    w.pass(3_700).await;
    w.system.kill_at("/events", Fate::HeldBefore);
    let Err(first) = w.system.work(w.system.ticking()).await else {
        panic!("it did not stand still")
    };
    w.system.tick().await;
    assert_eq!(w.asked("events.list").len(), 0);
    w.system.release();
    first.await;
    w.settle().await;
    assert_eq!(w.titles().await, ["Lunch"]);
}
