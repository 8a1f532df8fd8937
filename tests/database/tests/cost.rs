//! What a page and a push cost the database, in a program of its own: CPU time of its process, which the machine's load
//! does not stretch, and statements, those inside of functions counted.

use database_tests::{commit_of, fresh};
use serde_json::{Value, json};
use tokio_postgres::Client;

const USER: &str = "00000000-0000-4000-8000-000000000007";
const HOME: &str = "c0000000-0000-4000-8000-000000000001";
const ITEMS: u32 = 250;
/// CPU milliseconds that a page may cost, in a build machine's slow hours too.
const PAGE: f64 = 800.0;
/// Statements inside of the two calls of a push of one family.
const PUSH: i64 = 20;

fn key(n: u32) -> String {
    format!("e0000000-0000-4000-8000-{n:012}")
}

async fn start() -> Client {
    let client = fresh().await;
    let sql = format!(
        "insert into tandem.accounts (id, user_id, subject, email, refresh_token, access_token, access_expires_at)
           values ('a0000000-0000-4000-8000-000000000001', '{USER}', 'sub', '', 'r', 'a', now() + interval '10 hours');
         insert into tandem.connections (id, user_id, account_id, calendar_id, is_target, imported_at)
           values ('{HOME}', '{USER}', 'a0000000-0000-4000-8000-000000000001', 'cal', true, now());
         insert into tandem.settings values ('user_burst', '1000000'), ('project_burst', '1000000')"
    );
    client.batch_execute(&sql).await.expect("Ann is connected");
    client
}

async fn call(client: &Client, function: &str, mut p: Value) -> Value {
    p["instance"] = json!("test");
    let query = format!("select public.tandem_{function}($1)");
    let row = client.query_one(&query, &[&p]).await.expect("it answers");
    row.get(0)
}

/// Milliseconds that the session's process has computed so far; none where the system does not say.
async fn computed(client: &Client) -> Option<f64> {
    let sql = "select split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::float8 / 1000000";
    Some(client.query_one(sql, &[]).await.ok()?.get(0))
}

fn fields(n: u32, version: u32) -> Value {
    json!({ "title": format!("Meeting {n} {version}"), "description": "Some words about it. ".repeat(20), "location": "Room",
        "all_day": false, "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
        "time_zone": "Europe/Berlin", "status": "confirmed", "attendees": [{ "email": "guest@example.com" }] })
}

fn family(n: u32, version: u32, loaded: Option<&Value>) -> Value {
    let both = fields(n, version);
    let link = json!({ "connection": HOME, "remote": format!("remote{n}"), "event": key(n), "root": key(n),
        "origin": "remote", "ical_uid": format!("uid{n}"), "original_start": null, "state": "live", "synced_rev": 0,
        "standing": { "kind": "live", "etag": version, "crm": both, "remote": both } });
    let row = json!({ "owner": USER, "enabled": true, "series": null, "original_start": null, "fields": both });
    let write = match loaded {
        None => json!({ "op": "insert_row", "event": key(n), "row": row }),
        Some(loaded) => json!({ "op": "write_row", "event": key(n),
            "expected": loaded["members"][0]["row"]["fields"], "fields": { "title": format!("other {version}") } }),
    };
    let shown = json!({ "state": "synced", "error": null, "remote": format!("remote{n}"), "calendar": "cal", "access": "full" });
    json!({ "root": key(n), "fence": loaded.map(|loaded| loaded["fence"].clone()), "work": null,
        "ops": [write, { "op": "note", "event": key(n), "owner": USER, "kind": "pulled", "detail": {} },
            { "op": "put_link", "link": link }, { "op": "show", "event": key(n), "shown": shown }],
        "instead": [{ "connection": HOME, "remote": format!("remote{n}"), "event": key(n), "series": null,
            "state": "waiting", "etag": "e", "raw": "x".repeat(2000), "item": {}, "reason": null, "as_of": 1 }] })
}

/// Loads and commits a page of new or changed items: milliseconds of both.
#[expect(clippy::print_stdout, reason = "figures are for people")]
async fn page(client: &Client, version: u32) -> Option<f64> {
    let claim = json!({ "digest": "d", "trigger": { "connection": HOME } });
    let listing = call(client, "claim", claim).await;
    let ids: Vec<String> = (1..=ITEMS).map(|n| format!("remote{n}")).collect();
    let remote = json!({ "connection": HOME, "fence": listing["fence"], "ids": ids });
    let load = json!({ "which": { "remote": remote }, "purpose": "store", "lease_seconds": 60 });
    let before = computed(client).await;
    let loaded = call(client, "load", load).await;
    let between = computed(client).await;
    let found = loaded["families"].as_array().expect("families");
    let families: Vec<Value> = (1..=ITEMS)
        .map(|n| {
            let loaded = found.iter().find(|family| family["root"] == key(n));
            family(n, version, loaded)
        })
        .collect();
    let listing = json!({ "connection": HOME, "fence": listing["fence"], "notices": listing["notices"],
        "as_of": listing["as_of"], "digest": "d", "seen": ids, "park": [], "unpark": ids,
        "cursor": { "end": { "sync_token": "t" } }, "about": {}, "message": null });
    let commit = commit_of(&families, &listing);
    let begun = computed(client).await;
    let done = call(client, "commit", commit).await;
    let ended = computed(client).await;
    let stored = done["families"].as_array().expect("families").iter();
    assert!(
        stored
            .clone()
            .all(|one| one["outcome"]["stored"]["again"] == false)
    );
    let (load, commit) = (between? - before?, ended? - begun?);
    println!("page {version}: load {load:.0} ms, commit {commit:.0} ms");
    Some(load + commit)
}

#[tokio::test]
async fn a_page_costs_less_than_a_second_of_computing() {
    let client = start().await;
    let mut costs = Vec::new();
    for version in 0..4 {
        costs.extend(page(&client, version).await);
    }
    // The first call of a session reads its functions.
    if let Some(most) = costs.iter().skip(1).copied().reduce(f64::max) {
        assert!(most < PAGE, "{costs:?}");
    }
}

#[tokio::test]
async fn a_push_is_few_statements() {
    let client = start().await;
    if client
        .batch_execute("create extension pg_stat_statements")
        .await
        .is_err()
    {
        return;
    }
    let sql = format!(
        "insert into events (id, owner_id, title, starts_at, ends_at) values ('{}', '{USER}', 'a', now(), now())",
        key(1)
    );
    client.batch_execute(&sql).await.expect("there is an event");
    for version in 0..3 {
        let edit = format!("update events set title = 'b{version}'");
        client.batch_execute(&edit).await.expect("it is edited");
        let reset = "select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()";
        client.batch_execute(reset).await.expect("it is reset");
        let load =
            json!({ "which": { "events": [key(1)] }, "purpose": "write", "lease_seconds": 60 });
        let loaded = call(&client, "load", load).await;
        let family = &loaded["families"][0];
        let member = &family["members"][0];
        let mut link = member["links"][0].clone();
        link["state"] = json!("live");
        link["standing"] = json!({ "kind": "live" });
        let shown = json!({ "state": "synced", "error": null, "remote": link["remote"], "calendar": "cal", "access": "full" });
        let ops = json!([{ "op": "put_link", "link": link }, { "op": "acknowledge", "event": key(1), "rev": member["rev"] },
            { "op": "note", "event": key(1), "owner": USER, "kind": "pushed", "detail": {} },
            { "op": "show", "event": key(1), "shown": shown }]);
        let part = json!({ "root": key(1), "fence": family["fence"], "ops": ops, "work": null });
        let commit = commit_of(&[part], &Value::Null);
        call(&client, "commit", commit).await;
        let counted = "select coalesce(sum(s.calls), 0)::bigint, string_agg(left(s.query, 60) || ' ' || s.calls, chr(10))
            from pg_stat_statements s join pg_database d on d.oid = s.dbid
            where d.datname = current_database() and not s.toplevel";
        let row = client
            .query_one(counted, &[])
            .await
            .expect("they are counted");
        let (statements, all): (i64, Option<String>) = (row.get(0), row.get(1));
        println!("push {version}: {statements} statements");
        assert!(version == 0 || statements <= PUSH, "{statements}: {all:?}");
    }
}
