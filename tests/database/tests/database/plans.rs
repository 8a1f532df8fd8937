//! What the hot calls read is bounded by what they are about, whatever there is: with statistics that are fresh or of
//! empty tables, and in a session whose plans were made for a few rows.

use crate::calls::{HOME, call, connect, hour, insert, key, part};
use database_tests::{commit_of, fresh};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// Whose rows are looked at; 20 others have as many.
const USER: &str = "00000000-0000-4000-8000-000000000007";
const MANY: u32 = 40_000;
/// Families of one call.
const FAMILIES: u32 = 50;

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

/// 40,000 linked rows of 20 users, with a history, work of long ago and some changes each.
async fn fill(client: &Client) {
    let owner = "('00000000-0000-4000-8000-' || lpad((1000 + i % 20)::text, 12, '0'))";
    let sql = format!(
        "alter table events disable trigger user;
         insert into events (id, owner_id, title, starts_at, ends_at)
           select ('f0000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, {owner}::uuid, 'e', now(), now()
           from generate_series(1, {MANY}) i;
         alter table events enable trigger user;
         insert into tandem.accounts (user_id, subject, email, refresh_token, access_token, access_expires_at)
           select {owner}, 's' || i, '', 'r', 'a', now() + interval '1 hour' from generate_series(0, 19) i;
         insert into tandem.connections (user_id, account_id, calendar_id, is_target, imported_at)
           select user_id, id, 'cal', true, now() from tandem.accounts where subject like 's_%' and subject <> 'sub';
         insert into tandem.links (connection_id, remote, event, root, origin, ical_uid, state, standing, synced_rev)
           select c.id, 'r' || e.id, e.id, e.id, 'remote', e.id, 'live', '{{}}', 0
           from events e join tandem.connections c on c.user_id = e.owner_id::text where e.title = 'e';
         insert into tandem.work (root, owner, at) select id, owner_id::text, now() + interval '1 hour' from events where title = 'e';
         insert into tandem.changes (event, root, owner, rev, op, changed_at)
           select id, id, owner_id::text, 1, 'update', now() from events where title = 'e';
         insert into tandem.open_changes (event, root, owner, rev, changed, txids)
           select id, id, owner_id::text, 1, '{{}}', '{{}}' from events where title = 'e';
         insert into tandem.attempts (event, rev, at) select id, 1, now() from events where title = 'e';
         insert into tandem.parked (connection_id, remote, event, state, raw, as_of)
           select connection_id, remote, event, 'quarantined', '{{}}', 1 from tandem.links where remote like 'rf%';
         insert into tandem.history (event, owner, at, kind) select id, owner_id::text, now(), 'pushed' from events where title = 'e'"
    );
    run(client, &sql).await;
}

/// Calls a function and says of which table its statements read most rows, and how many.
async fn read(client: &Client, function: &str, p: &Value) -> (Value, (String, i64)) {
    // What a session has read and not told the server yet is counted there too.
    let rows = "select relname::text, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
        from pg_stat_xact_all_tables where schemaname in ('tandem', 'public')";
    let counts = async || {
        let all = client.query(rows, &[]).await.expect("they are counted");
        all.iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect::<BTreeMap<String, i64>>()
    };
    run(client, "begin").await;
    let before = counts().await;
    let answer = call(client, function, p).await.expect("it answers");
    let read = counts().await.into_iter();
    run(client, "commit").await;
    let read = read.map(|(table, rows)| {
        let more = rows - before.get(&table).copied().unwrap_or_default();
        (table, more)
    });
    let most = read.max_by_key(|(_, rows)| *rows);
    (answer, most.expect("there are tables"))
}

/// A round of `count` new families from `first`: taken from a listing, changed in the CRM, pushed. What each call read.
async fn round(client: &Client, first: u32, count: u32) -> Vec<(&'static str, (String, i64))> {
    let numbers = first..first + count;
    let mut found = Vec::new();
    let claim = json!({ "digest": "d", "trigger": { "connection": HOME } });
    run(client, "update tandem.connections set lease_until = null").await;
    let (listing, rows) = read(client, "claim", &claim).await;
    found.push(("claim", rows));
    let new = |n: u32| part(&json!(key(n)), &Value::Null, insert(n, USER, hour()));
    let ids: Vec<String> = numbers.clone().map(|n| format!("remote{n}")).collect();
    let page = json!({ "connection": HOME, "fence": listing["fence"], "notices": 9, "as_of": 1, "digest": "d",
        "seen": ids, "park": [], "unpark": ids, "cursor": { "end": { "sync_token": "t" } }, "about": {}, "message": null });
    let store = json!({ "which": { "remote": { "connection": HOME, "fence": listing["fence"], "ids": ids } },
        "purpose": "store", "lease_seconds": 60 });
    found.push(("load of a page", read(client, "load", &store).await.1));
    let families: Vec<Value> = numbers.clone().map(new).collect();
    found.push((
        "commit of a page",
        read(client, "commit", &commit_of(&families, &page)).await.1,
    ));
    let edit = format!("update events set title = 'b' where owner_id = '{USER}'");
    run(client, &edit).await;
    let events: Vec<String> = numbers.map(key).collect();
    let write = json!({ "which": { "events": events }, "purpose": "write", "lease_seconds": 60 });
    let (loaded, rows) = read(client, "load", &write).await;
    found.push(("load of a push", rows));
    let families = loaded["families"].as_array().expect("families");
    assert_eq!(families.len(), count as usize, "{}", loaded["skipped"]);
    let done: Vec<Value> = families
        .iter()
        .map(|family| {
            let rev = &family["members"][0]["rev"];
            let ops = json!([{ "op": "acknowledge", "event": family["root"], "rev": rev }]);
            part(&family["root"], &family["fence"], ops)
        })
        .collect();
    found.push((
        "commit of a push",
        read(client, "commit", &commit_of(&done, &Value::Null))
            .await
            .1,
    ));
    found.push((
        "due",
        read(client, "due", &json!({ "tick": key(1), "most": 50 }))
            .await
            .1,
    ));
    found
}

async fn start() -> Client {
    let client = fresh().await;
    connect(&client, USER).await;
    run(
        &client,
        "insert into tandem.settings values ('user_per_minute', '1000000'), ('project_per_minute', '1000000')",
    )
    .await;
    client
}

fn check(found: &[(&str, (String, i64))]) {
    for (what, (table, rows)) in found {
        // A look at the clock reads the heads of twenty users; a table read through is all of its rows.
        assert!(
            *rows < i64::from(MANY / 3),
            "{what} reads {rows} rows of {table}: {found:?}"
        );
    }
}

#[tokio::test]
async fn with_fresh_statistics() {
    let client = start().await;
    fill(&client).await;
    run(&client, "analyze").await;
    check(&round(&client, 1, FAMILIES).await);
}

#[tokio::test]
async fn with_statistics_of_empty_tables() {
    let client = start().await;
    run(&client, "analyze").await;
    fill(&client).await;
    check(&round(&client, 1, FAMILIES).await);
}

#[tokio::test]
async fn in_a_session_whose_plans_were_made_for_few_rows() {
    let client = start().await;
    for n in 0..7 {
        round(&client, 1000 + n, 1).await;
    }
    fill(&client).await;
    let few = round(&client, 1, FAMILIES).await;
    run(&client, "analyze").await;
    check(&few);
    check(&round(&client, 101, FAMILIES).await);
}

/// A forbidden sequential scan of a small table costs so much on paper that Postgres would compile it: tens of
/// milliseconds, with its defaults.
#[tokio::test]
async fn what_forbids_sequential_scans_forbids_compilation() {
    let client = fresh().await;
    let compiled = "select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
        where p.pronamespace in ('tandem'::regnamespace, 'public'::regnamespace)
        and 'enable_seqscan=off' = any (p.proconfig) and 'jit=off' <> all (p.proconfig)";
    let compiled: Option<String> = client
        .query_one(compiled, &[])
        .await
        .expect("it is asked")
        .get(0);
    assert_eq!(compiled, None);
}
