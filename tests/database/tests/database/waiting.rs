//! The CRM's transactions neither wait for Tandem nor end for it.

use crate::calls::{ANN, call, commit, connect, count, hour, insert, key, load, part};
use database_tests::{again, fresh};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::Client;

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

async fn name(client: &Client) -> String {
    let row = client.query_one("select current_database()::text", &[]);
    row.await.expect("it has a name").get(0)
}

/// Ann's events from 1 on, as a listing brought them.
async fn listed(n: u32) -> Client {
    let client = fresh().await;
    connect(&client, ANN).await;
    let quota = "insert into tandem.settings values ('user_per_minute', '1000000'), ('project_per_minute', '1000000')";
    run(&client, quota).await;
    let new = |n: u32| part(&json!(key(n)), &Value::Null, insert(n, ANN, hour()));
    commit(&client, (1..=n).map(new).collect()).await;
    client
}

#[tokio::test]
async fn a_child_row_waits_for_no_commit_and_no_commit_for_it() {
    let client = listed(2).await;
    run(&client, "create table notes (event uuid references events)").await;
    let other = again(&name(&client).await).await;
    let family = load(&client, 1, "store").await;
    let write = json!([{ "op": "write_row", "event": key(1), "expected": { "title": "a" }, "fields": { "title": "b" } }]);
    let families = vec![part(&family["root"], &family["fence"], write)];
    run(&client, "begin").await;
    assert_eq!(
        commit(&client, families).await[0]["outcome"],
        json!({ "stored": { "again": false } })
    );
    let note = |n: u32| format!("insert into notes values ('{}')", key(n));
    run(&other, "set lock_timeout = '100ms'").await;
    run(&other, &note(1)).await;
    run(&client, "commit").await;
    run(&other, &format!("begin; {}", note(2))).await;
    let family = load(&client, 2, "store").await;
    let write = json!([{ "op": "write_row", "event": key(2), "expected": { "title": "a" }, "fields": { "title": "b" } }]);
    let done = commit(
        &client,
        vec![part(&family["root"], &family["fence"], write)],
    )
    .await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    run(&other, "commit").await;
}

#[tokio::test]
async fn a_change_is_noted_while_its_family_is_loaded_and_stored() {
    let client = listed(1).await;
    let other = again(&name(&client).await).await;
    run(&other, "set lock_timeout = '100ms'").await;
    run(&client, "begin").await;
    let family = load(&client, 1, "store").await;
    run(&other, "update events set title = 'b'").await;
    let ops = json!([{ "op": "acknowledge", "event": key(1), "rev": family["members"][0]["rev"] }]);
    commit(&client, vec![part(&family["root"], &family["fence"], ops)]).await;
    run(&other, "update events set title = 'c'").await;
    run(&client, "commit").await;
    assert_eq!(count(&client, "tandem.changes").await, 2);
}

/// Rows that both sides write.
const ROWS: u32 = 8;

/// Transactions that write two rows with a pause between them: the longest time that one statement took.
async fn edit(database: &str, first: u32) -> Duration {
    let other = again(database).await;
    let mut longest = Duration::ZERO;
    for n in 0..12 {
        // The same order as the other's, so that the two never wait for one another.
        for at in [first, first + 2] {
            let begins = if at == first { "begin;" } else { "" };
            let sql = format!(
                "{begins} update events set title = 'crm {n}' where id = '{}'",
                key(at)
            );
            let begun = Instant::now();
            run(&other, &sql).await;
            longest = longest.max(begun.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        run(&other, "commit").await;
    }
    longest
}

/// Commits that write all rows, in the other order: how many families were stored.
async fn write(database: &str, ended: &AtomicBool) -> usize {
    let other = again(database).await;
    let mut stored = 0;
    for n in 0.. {
        if ended.load(Ordering::Relaxed) {
            break;
        }
        let events: Vec<String> = (1..=ROWS).rev().map(key).collect();
        let p = json!({ "which": { "events": events }, "purpose": "store", "lease_seconds": 60 });
        let loaded = call(&other, "load", &p).await.expect("it is loaded");
        let families = loaded["families"].as_array().expect("families").iter();
        let families = families
            .map(|family| {
                let row = &family["members"][0]["row"]["fields"];
                let write = json!([{ "op": "write_row", "event": family["root"], "expected": row,
                    "fields": { "title": format!("google {n}") } }]);
                part(&family["root"], &family["fence"], write)
            })
            .collect();
        let done = commit(&other, families).await;
        let outcomes = done.as_array().expect("outcomes").iter();
        stored += outcomes
            .filter(|one| one["outcome"].get("stored").is_some())
            .count();
    }
    stored
}

#[tokio::test]
async fn no_transaction_of_the_crm_is_a_deadlocks_victim() {
    let client = listed(ROWS).await;
    let database = name(&client).await;
    let ended = AtomicBool::new(false);
    let edits = async {
        let waited = tokio::join!(edit(&database, 1), edit(&database, 2), edit(&database, 5));
        ended.store(true, Ordering::Relaxed);
        [waited.0, waited.1, waited.2]
    };
    let (waited, stored) = tokio::join!(edits, write(&database, &ended));
    assert!(stored > 0);
    // A commit that writes is over in less than this, however busy the machine is.
    for longest in waited {
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
    let kept = "events where title like 'crm 11' or title like 'google%'";
    assert_eq!(count(&client, kept).await, i64::from(ROWS));
}
