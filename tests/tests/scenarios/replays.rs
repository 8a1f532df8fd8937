//! What calendars were seen to hold, as Google listed it: every item becomes a row or is kept aside with a sentence
//! that somebody can do something about, nothing is written back, and a next version heals it.

use crate::shapes::{BOB, google_hour, with};
use crate::world::{World, id_of, world};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::inprocess::EMAIL;

/// Written anew after public reports; `cargo tandem google --replay` takes the file, too.
const CASES: &str = include_str!("replays.json");

/// Those that are no row, by id: no row could say what they say.
const KEPT_ASIDE: [&str; 4] = [
    "controlcharacters",
    "startsasadayandendsasatime",
    "startthatisanumber",
    "withouttimes",
];

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
            // Where somebody works is no event.
            None if case["eventType"] == "workingLocation" => assert_eq!(row, Value::Null),
            Some(reason) if reason.trim().is_empty() => lost.push(format!("{id}: no reason")),
            None if row["sync_state"] != "synced" => lost.push(format!("{id}: {row}")),
            None | Some(_) => {}
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    let kept_aside: Vec<&str> = reasons.keys().map(String::as_str).collect();
    assert_eq!(kept_aside, KEPT_ASIDE, "{reasons:#?}");
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

#[tokio::test]
async fn an_edit_of_an_odd_event_goes_out_and_leaves_the_rest_as_it_was() {
    let w = world().await;
    let odd = [
        "zonebyoffset",
        "twozones",
        "alldaywithoutlength",
        "guestwithoutaddress",
        "rulethatnobodyreads",
        "htmlandemoji",
        "noreminder",
    ];
    let mut cases = cases();
    cases.retain(|case| odd.contains(&id_of(case).as_str()));
    replay(&w, &cases).await;
    for case in &cases {
        let id = id_of(case);
        let row = w.row_of(&id).await;
        w.update(row["id"].as_str().unwrap(), json!({"title": "Edited"}))
            .await;
        w.settle().await;
        let (row, event) = (w.row_of(&id).await, w.google(&id));
        assert_eq!(
            (&row["sync_state"], &event["summary"]),
            (&json!("synced"), &json!("Edited")),
            "{row} {event}"
        );
        for field in [
            "start",
            "end",
            "recurrence",
            "attendees",
            "description",
            "reminders",
        ] {
            assert_eq!(event[field], case[field], "{field} of {id}");
        }
    }
    w.rests().await;
}

#[tokio::test]
async fn one_file_imported_by_two_colleagues_is_a_row_of_each() {
    let w = world().await;
    w.bob_connects().await.unwrap();
    let fair = |id: &str, owner: &str| {
        with(
            google_hour("Fair"),
            json!({"id": id, "status": "confirmed", "iCalUID": "fair@trade.example", "organizer": {"email": owner, "self": true}}),
        )
    };
    w.control(
        "POST",
        "replay",
        &json!({EMAIL: [fair("fair1", EMAIL)], BOB: [fair("fair2", BOB)]}),
    );
    w.settle().await;
    let his = w.row_of("fair2").await["id"].as_str().unwrap().to_owned();
    w.update(&his, json!({"title": "Fair in May"})).await;
    w.settle().await;
    assert_eq!(w.row_of("fair1").await["title"], "Fair");
    assert_eq!(w.titles().await, ["Fair", "Fair in May"]);
    assert_eq!(w.google("fair1")["summary"], "Fair");
    w.rests().await;
}
