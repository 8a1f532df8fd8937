//! What Google refuses an account as a whole, or one event for what is in it: everything else goes on, and
//! all of it when that ends.

use crate::shapes::{GUEST, ann, google_hour, hour, with};
use crate::world::{World, world};
use serde_json::{Value, json};

/// Looks of the clock at a day.
const TICKS: u32 = 288;

/// Of events and of the calendar.
const CALLS: [&str; 7] = [
    "events.list",
    "events.get",
    "events.insert",
    "events.patch",
    "events.delete",
    "events.watch",
    "calendars.get",
];

async fn day(w: &World) {
    for _ in 0..TICKS {
        w.pass(86_400 / i64::from(TICKS)).await;
        w.turn().await;
    }
}

/// Three edits, one of each kind; what is to be there afterwards.
async fn edits(w: &World) -> [String; 2] {
    let (edited, deleted) = (w.insert(hour("Old")).await, w.insert(hour("Out")).await);
    w.settle().await;
    w.update(&edited, json!({"title": "Edited"})).await;
    w.remove(&deleted).await;
    let inserted = w.insert(hour("New")).await;
    w.forget_asked();
    [edited, inserted]
}

async fn health(w: &World) -> Value {
    let asked = "jsonb_build_object('instance', tandem.setting('instance'))";
    w.value(&format!("select public.tandem_health({asked})"))
        .await
}

async fn status(w: &World) -> Value {
    let user = ann().id;
    let asked =
        format!("jsonb_build_object('instance', tandem.setting('instance'), 'user_id', '{user}')");
    w.value(&format!(
        "select public.tandem_status({asked}) -> 'accounts' -> 0"
    ))
    .await
}

/// A day in which nobody helps, then it ends.
async fn waits_and_goes_on(w: &World, rows: &[String], methods: &[&str], word: &str) {
    day(w).await;
    let asked: usize = methods.iter().map(|name| w.asked(name).len()).sum();
    assert!((10..=60).contains(&asked), "{asked} calls in a day");
    let health = health(w).await;
    assert_eq!(health["outcome"], "healthy", "{health}");
    let status = status(w).await;
    assert!(
        status["reason"].as_str().unwrap_or_default().contains(word),
        "{status}"
    );
    assert_eq!(status["connections"][0]["state"], "error", "{status}");
    for id in rows {
        let row = w.row(id).await;
        assert_eq!(row["sync_state"], "pending", "{row}");
        assert!(
            row["sync_error"]
                .as_str()
                .is_some_and(|why| why.contains(word)),
            "{row}"
        );
    }
    let attempts = "select coalesce(max(attempts), 0) from tandem.work";
    assert_eq!(w.value(attempts).await, 0);
    w.control("DELETE", "faults", &Value::Null);
    for _ in 0..3 {
        w.pass(3_700).await;
        w.turn().await;
    }
    for id in rows {
        w.equal(id).await;
    }
    assert_eq!(w.titles().await, ["Edited", "New"]);
    assert_eq!(w.events().len(), 2);
    assert_eq!(w.value("select troubles from tandem.accounts").await, 0);
}

#[tokio::test]
async fn a_calendar_that_is_switched_off_for_a_day_costs_few_calls_and_no_event() {
    let w = world().await;
    let rows = edits(&w).await;
    for method in ["events.*", "calendars.*"] {
        let rule = json!({"status": 403, "reason": "notACalendarUser", "count": 100_000});
        w.fault(method, rule);
    }
    waits_and_goes_on(&w, &rows, &CALLS, "no Google Calendar").await;
}

#[tokio::test]
async fn what_an_administrator_forbids_waits_for_a_day_and_goes_on() {
    for word in ["admin_policy_enforced", "policy_enforced"] {
        let w = world().await;
        let rows = edits(&w).await;
        w.sql("update tandem.accounts set access_expires_at = tandem.clock()")
            .await;
        let rule = json!({"status": 400, "reason": word, "count": 100_000});
        w.fault("oauth.token", rule);
        waits_and_goes_on(&w, &rows, &["oauth.token"], "administrator").await;
    }
}

#[tokio::test]
async fn a_refusal_that_nobody_knows_is_not_the_events_while_its_calendar_refuses_too() {
    let w = world().await;
    let id = w.insert(hour("Call")).await;
    for _ in 0..2 {
        let rule = json!({"status": 403, "reason": "domainPolicy"});
        w.fault("events.*", rule);
    }
    w.system.poke(&id).await;
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "pending", "{row}");
    w.pass(3_700).await;
    w.equal(&id).await;
    w.fault("events.patch", json!({"status": 403, "reason": "brandNew"}));
    w.update(&id, json!({"title": "Again"})).await;
    w.system.poke(&id).await;
    let row = w.row(&id).await;
    assert_eq!(row["sync_state"], "error", "its calendar answers: {row}");
}

#[tokio::test]
async fn an_event_that_always_meets_a_quota_waits_by_itself() {
    let w = world().await;
    let rule = json!({"status": 403, "reason": "quotaExceeded", "sent": GUEST, "count": 100_000});
    w.fault("events.*", rule);
    let guests = || json!({"attendees": [{"email": GUEST}]});
    let limited = w.insert(with(hour("Party"), guests())).await;
    w.system.poke(&limited).await;
    let other = w.insert(hour("Call")).await;
    let there = w.create(google_hour("Lunch"));
    w.turn().await;
    assert_eq!(w.row(&other).await["sync_state"], "synced");
    assert_eq!(w.row_of(&there).await["title"], "Lunch");
    assert_eq!(
        w.value("select paused_until from tandem.accounts").await,
        Value::Null
    );
    w.forget_asked();
    day(&w).await;
    let asked = w.asked("events.insert").len();
    assert!((4..=16).contains(&asked), "{asked} times in a day");
    let row = w.row(&limited).await;
    assert_eq!(row["sync_state"], "pending", "{row}");
    let attempts = "select max(attempts) from tandem.work";
    assert_eq!(w.value(attempts).await, 0);
    w.control("DELETE", "faults", &Value::Null);
    w.pass(4 * 3_600).await;
    w.turn().await;
    w.equal(&limited).await;
}

#[tokio::test]
async fn a_quota_that_two_events_meet_pauses_the_accounts_writes_and_not_its_listings() {
    let w = world().await;
    let rule = json!({"status": 403, "reason": "quotaExceeded", "count": 2});
    w.fault("events.insert", rule);
    let mut rows = Vec::new();
    for title in ["First", "Second", "Third"] {
        let id = w.insert(hour(title)).await;
        w.system.poke(&id).await;
        rows.push(id);
    }
    assert!(
        w.value("select paused_until from tandem.accounts")
            .await
            .is_string()
    );
    assert_eq!(w.row(&rows[2]).await["sync_state"], "pending");
    let there = w.create(google_hour("Lunch"));
    w.turn().await;
    assert_eq!(w.row_of(&there).await["title"], "Lunch");
    w.pass(2 * 3_600 + 60).await;
    w.turn().await;
    for id in &rows {
        w.equal(id).await;
    }
}
