//! A calendar of 20,000 events, listed anew after its token ended, by instances that end on the way.

#![expect(clippy::unwrap_used, reason = "the helpers are test code too")]

use chrono::{DateTime, TimeDelta};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, Database, EMAIL, Fate, System};

const EVENTS: u64 = 20_000;
/// Deleted in Google while nobody listened.
const DELETED: usize = 30;

#[tokio::test]
async fn a_listing_of_20_000_events_survives_crashes_and_removes_what_is_gone() {
    let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
    let system = System::on(Database::new().await.unwrap(), 1, now);
    let system = system.await.unwrap();
    system.simulator.add_user(EMAIL, EMAIL, true);
    control(&system, "POST", &fill(), &json!({"count": EVENTS}));
    // The first listing is refused, so that the scheduler does all of the import.
    fault(&system, json!({"status": 503}));
    system.connect_as(ANN, EMAIL).await.unwrap();
    until_listed(&system, &[1, 15]).await;
    assert_eq!(count(&system, "public.events").await, EVENTS);

    control(&system, "POST", "notifications", &json!({"drop": 100_000}));
    let edited = outage(&system);
    fault(
        &system,
        json!({"status": 410, "reason": "fullSyncRequired"}),
    );
    control(&system, "DELETE", "log", &Value::Null);
    system.advance(TimeDelta::hours(2)).await.unwrap();
    until_listed(&system, &[2, 15, 10, 18]).await;

    assert_eq!(
        count(&system, "public.events").await,
        EVENTS - DELETED as u64
    );
    let title = format!("select title from public.events where google_event_id = '{edited}'");
    assert_eq!(system.value(&title).await.unwrap(), "Edited");
    let firsts = lists(&system)
        .into_iter()
        .filter(|query| !query.contains("pageToken") && !query.contains("syncToken"));
    assert_eq!(firsts.count(), 1, "a crash began the listing again");
    assert_eq!(
        count(&system, "tandem.links where state <> 'deleted'").await,
        EVENTS - DELETED as u64
    );
    for table in [
        "tandem.work",
        "tandem.parked",
        "tandem.missed",
        "tandem.seen",
    ] {
        assert_eq!(count(&system, table).await, 0, "{table}");
    }
}

fn fill() -> String {
    format!("calendars/{EMAIL}/fill")
}

/// Edits one event in Google and deletes some; the id of the edited one.
fn outage(system: &System) -> String {
    let page = system
        .google(
            Method::GET,
            &format!("?maxResults={}", DELETED + 1),
            &Value::Null,
        )
        .unwrap();
    let ids: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect();
    let (edited, deleted) = ids.split_first().unwrap();
    let title = json!({"summary": "Edited"});
    system
        .google(Method::PATCH, &format!("/{edited}"), &title)
        .unwrap();
    for id in deleted {
        system
            .google(Method::DELETE, &format!("/{id}"), &Value::Null)
            .unwrap();
    }
    (*edited).to_owned()
}

/// Ticks, a minute apart, until no listing is under way; the first ticks end after so many stored pages.
async fn until_listed(system: &System, deaths: &[u32]) {
    let open = "select count(*) from tandem.connections where imported_at is null or page_token is not null
        or full_listing is not null or sync_token is null or due_at <= tandem.clock()";
    let mut deaths = deaths.iter();
    for _ in 0..1_000 {
        system.advance(TimeDelta::seconds(121)).await.unwrap();
        let death = deaths.next();
        if let Some(pages) = death {
            system.kill_after(*pages, "tandem_commit", Fate::KilledAfter);
        }
        let ended = system.tick().await;
        let said = ended.as_ref().map(|reply| reply.response.body().clone());
        assert_eq!(ended.is_none(), death.is_some(), "{death:?}: {said:?}");
        if death.is_none() && system.value(open).await.unwrap() == 0 {
            return;
        }
    }
    let left = "select to_jsonb(c) from tandem.connections c";
    panic!("it lists for ever: {}", system.value(left).await.unwrap());
}

fn control(system: &System, method: &str, path: &str, body: &Value) -> Value {
    system.control(method, path, body).unwrap()
}

fn fault(system: &System, mut rule: Value) {
    rule["method"] = json!("events.list");
    control(system, "POST", "faults", &rule);
}

fn lists(system: &System) -> Vec<String> {
    let log = control(system, "GET", "log?name=events.list", &Value::Null);
    let queries = log.as_array().unwrap().iter().map(|one| &one["query"]);
    queries.map(Value::to_string).collect()
}

async fn count(system: &System, of: &str) -> u64 {
    let counted = system.value(&format!("select count(*) from {of}")).await;
    counted.unwrap().as_u64().unwrap()
}
