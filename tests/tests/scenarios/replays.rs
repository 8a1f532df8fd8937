//! What calendars were seen to hold, as Google listed it: every item becomes a row or is kept aside with a sentence
//! that somebody can do something about, nothing is written back, and a next version heals it.

use crate::shapes::{google_hour, with};
use crate::world::{World, id_of, world};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::inprocess::EMAIL;

/// Written anew after public reports; `cargo tandem google --replay` takes the file, too.
const CASES: &str = include_str!("replays.json");

fn cases() -> Vec<Value> {
    serde_json::from_str(CASES).unwrap()
}

async fn replay(w: &World, cases: &[Value]) {
    w.control("POST", "replay", &json!({EMAIL: cases}));
    w.settle().await;
}

/// Why items are kept aside, by id.
async fn aside(w: &World) -> BTreeMap<String, String> {
    let sql = "select coalesce(jsonb_object_agg(remote, reason), '{}') from tandem.parked where state = 'quarantined'";
    serde_json::from_value(w.value(sql).await).unwrap()
}

#[tokio::test]
async fn whatever_a_calendar_holds_is_a_row_or_kept_aside_with_a_reason_and_heals() {
    let w = world().await;
    let cases = cases();
    replay(&w, &cases).await;
    let reasons = aside(&w).await;
    let mut lost = Vec::new();
    for case in cases.iter().filter(|case| case["status"] != "cancelled") {
        let id = id_of(case);
        let row = w.row_of(&id).await;
        match reasons.get(&id) {
            Some(reason) if reason.trim().is_empty() => lost.push(format!("{id}: no reason")),
            None if row["sync_state"] != "synced" => lost.push(format!("{id}: {row}")),
            None | Some(_) => {}
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    w.rests().await;
    let plain = |case: &Value| {
        with(
            google_hour("Healed"),
            json!({"id": case["id"], "status": "confirmed", "iCalUID": case["iCalUID"], "organizer": {"email": EMAIL, "self": true}}),
        )
    };
    let healed: Vec<Value> = cases.iter().map(plain).collect();
    replay(&w, &healed).await;
    assert_eq!(aside(&w).await, BTreeMap::new());
    for case in &healed {
        let row = w.row_of(&id_of(case)).await;
        assert_eq!(
            (&row["title"], &row["sync_state"]),
            (&json!("Healed"), &json!("synced")),
            "{row}"
        );
    }
    w.rests().await;
}
