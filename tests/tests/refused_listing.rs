//! A calendar that Google lists in no way.

use chrono::DateTime;
use serde_json::{Value, json};
use std::time::Duration;
use tests::inprocess::System;

#[tokio::test]
async fn a_calendar_that_refuses_every_listing_does_not_hold_an_instance() {
    let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
    let system = System::start(1, now).await.unwrap();
    let gone = json!({"method": "events.list", "count": 1_000_000, "status": 410, "reason": "fullSyncRequired"});
    system.simulator.fault(gone).unwrap();
    system.advance(chrono::TimeDelta::hours(2)).await.unwrap();
    let before = listings(&system);
    // The listing since the token, then a full one at once; what refuses that too waits.
    for expected in [2, 2, 2] {
        let tick = tokio::time::timeout(Duration::from_secs(60), system.tick()).await;
        assert!(tick.is_ok(), "it lists for ever");
        assert_eq!(listings(&system) - before, expected);
    }
    let error = "select last_error from tandem.connections";
    assert!(system.value(error).await.unwrap().is_string());
}

fn listings(system: &System) -> u64 {
    let counters = system.simulator.control("GET", "counters", &Value::Null);
    let listings = counters.map(|counters| counters["events.list"].as_u64());
    listings.ok().flatten().unwrap_or_default()
}
