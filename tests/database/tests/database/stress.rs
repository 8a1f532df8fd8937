//! The clock's looks beside listings, pushes and the CRM: none fails for another. `TANDEM_STRESS` seconds, else few.

use crate::calls::{HOME, call, connect, count, hour, insert, key, part};
use database_tests::{again, commit_of, fresh};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Error};

const USER: &str = "00000000-0000-4000-8000-000000000007";
const ROWS: u32 = 60;

fn seconds() -> u64 {
    let given = std::env::var("TANDEM_STRESS").ok();
    given.map_or(3, |seconds| seconds.parse().expect("a number"))
}

fn code(error: &Error) -> &str {
    error.code().map_or("none", |code| code.code())
}

/// What was done and what failed.
#[derive(Default, Debug)]
struct Tally {
    done: u32,
    busy: u32,
    failed: Vec<String>,
}

impl Tally {
    fn add<T>(&mut self, answer: Result<T, Error>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.done += 1;
                return Some(answer);
            }
            // It gave way, and is called again.
            Err(error) if code(&error) == "55P03" => self.busy += 1,
            Err(error) => self.failed.push(format!("{error:?}")),
        }
        None
    }
}

async fn ticks(client: Client, until: Instant) -> Tally {
    let mut tally = Tally::default();
    while Instant::now() < until {
        tally.add(call(&client, "due", &json!({ "tick": key(1), "most": 50 })).await);
        tally.add(call(&client, "chores", &json!({ "most": 50 })).await);
        tally.add(call(&client, "upkeep", &json!({})).await);
    }
    tally
}

async fn pushes(client: Client, until: Instant) -> Tally {
    let mut tally = Tally::default();
    while Instant::now() < until {
        let Some(due) =
            tally.add(call(&client, "due", &json!({ "tick": key(1), "most": 10 })).await)
        else {
            continue;
        };
        let p = json!({ "which": { "events": due["events"] }, "purpose": "write", "lease_seconds": 60 });
        let Some(loaded) = tally.add(call(&client, "load", &p).await) else {
            continue;
        };
        let families = loaded["families"].as_array().expect("families").iter();
        let done: Vec<Value> = families
            .map(|family| {
                let rev = &family["members"][0]["rev"];
                let ops = json!([{ "op": "acknowledge", "event": family["root"], "rev": rev }]);
                part(&family["root"], &family["fence"], ops)
            })
            .collect();
        tally.add(call(&client, "commit", &commit_of(&done, &Value::Null)).await);
    }
    tally
}

async fn listings(client: Client, until: Instant) -> Tally {
    let mut tally = Tally::default();
    while Instant::now() < until {
        let claim = json!({ "digest": "d", "trigger": { "connection": HOME } });
        let Some(listing) = tally.add(call(&client, "claim", &claim).await) else {
            continue;
        };
        if listing["outcome"] != "claimed" {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let ids: Vec<String> = (1..=ROWS).map(|n| format!("remote{n}")).collect();
        let load = json!({ "which": { "remote": { "connection": HOME, "fence": listing["fence"], "ids": ids } },
            "purpose": "store", "lease_seconds": 60 });
        let families = match tally.add(call(&client, "load", &load).await) {
            Some(loaded) => loaded["families"].as_array().cloned().unwrap_or_default(),
            None => Vec::new(),
        };
        let written: Vec<Value> = families
            .iter()
            .map(|family| {
                let row = &family["members"][0]["row"]["fields"];
                let write = json!([{ "op": "write_row", "event": family["root"], "expected": row,
                    "fields": { "location": format!("{:?}", Instant::now()) } }]);
                part(&family["root"], &family["fence"], write)
            })
            .collect();
        let page = json!({ "connection": HOME, "fence": listing["fence"], "notices": listing["notices"], "as_of": 1,
            "digest": "d", "seen": ids, "park": [], "unpark": [], "cursor": { "end": { "sync_token": "t" } },
            "about": {}, "message": null });
        while tally
            .add(call(&client, "commit", &commit_of(&written, &page)).await)
            .is_none()
            && Instant::now() < until
        {}
    }
    tally
}

async fn edits(client: Client, until: Instant) -> Tally {
    let mut tally = Tally::default();
    let mut n = 0;
    while Instant::now() < until {
        n += 7;
        let edit = format!(
            "update events set title = 'edit {n}' where id = '{}'",
            key(1 + n % ROWS)
        );
        tally.add(client.batch_execute(&edit).await);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    tally
}

#[tokio::test]
async fn looks_listings_pushes_and_edits_do_not_fail_one_another() {
    let client = fresh().await;
    connect(&client, USER).await;
    let quota = "insert into tandem.settings values ('user_per_minute', '1000000'), ('project_per_minute', '1000000')";
    client.batch_execute(quota).await.expect("it is set");
    let new = |n: u32| part(&json!(key(n)), &Value::Null, insert(n, USER, hour()));
    let rows: Vec<Value> = (1..=ROWS).map(new).collect();
    let p = commit_of(&rows, &Value::Null);
    call(&client, "commit", &p).await.expect("there are rows");
    let name: String = client
        .query_one("select current_database()::text", &[])
        .await
        .expect("it has a name")
        .get(0);
    let until = Instant::now() + Duration::from_secs(seconds());
    let others = (
        again(&name).await,
        again(&name).await,
        again(&name).await,
        again(&name).await,
        again(&name).await,
    );
    let (one, two, three, four, five) = tokio::join!(
        ticks(others.0, until),
        pushes(others.1, until),
        pushes(others.2, until),
        listings(others.3, until),
        edits(others.4, until),
    );
    println!("ticks {one:?}\npushes {two:?} {three:?}\nlistings {four:?}\nedits {five:?}");
    for tally in [one, two, three, four] {
        assert_eq!(tally.failed, Vec::<String>::new());
        assert!(tally.done > 0);
    }
    assert_eq!((five.busy, five.failed), (0, Vec::new()));
    // What is left is done, and then nothing is open.
    client
        .batch_execute("update tandem.work set lease_until = null")
        .await
        .expect("leases end");
    let open = "(select from tandem.changes union all select from tandem.open_changes) x";
    for _ in 0..60 {
        let more = Instant::now() + Duration::from_millis(500);
        let rest = pushes(again(&name).await, more).await;
        assert_eq!(rest.failed, Vec::<String>::new());
        if count(&client, open).await == 0 {
            break;
        }
    }
    assert_eq!(count(&client, open).await, 0);
    assert_eq!(count(&client, "tandem.writing").await, 0);
}
