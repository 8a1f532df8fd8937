//! What a call reads is bounded by what it asks for, with any number of rows, fresh statistics or none.

use super::Db;
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Instant;

const USER: &str = "00000000-0000-0000-0000-000000000007";

/// 20 users with 2,000 linked rows each, all of which wait.
async fn many(db: &Db) -> Result<()> {
    db.run("alter table public.events disable trigger user")
        .await?;
    db.run(
        "insert into public.events (owner_id, title, starts_at, ends_at) \
           select ('00000000-0000-0000-0000-' || lpad((i % 20)::text, 12, '0'))::uuid, 'e' || i, \
           '2031-01-01T10:00Z'::timestamptz + (i % 9000) * interval '1 hour', \
           '2031-01-01T11:00Z'::timestamptz + (i % 9000) * interval '1 hour' from generate_series(1, 40000) i; \
         insert into tandem.accounts (id, user_id, subject, email, refresh_token) \
           select ('10000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, \
           '00000000-0000-0000-0000-' || lpad(i::text, 12, '0'), 's' || i, 'x', 'k1.R' from generate_series(0, 19) i; \
         insert into tandem.connections (id, user_id, account_id, calendar_id, is_target, imported_at, sync_token) \
           select ('20000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, \
           '00000000-0000-0000-0000-' || lpad(i::text, 12, '0'), \
           ('10000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'c' || i, true, now(), 't' from generate_series(0, 19) i; \
         insert into tandem.links (connection_id, remote, event, root, origin, ical_uid, state, standing, synced_rev) \
           select ('20000000' || substr(owner_id::text, 9))::uuid, 'r' || id, id, id, 'remote', title, 'live', '{\"kind\": \"live\"}', 0 \
           from public.events; \
         insert into tandem.work (root, owner, at) select id, owner_id::text, now() from public.events; \
         insert into tandem.history (event, owner, at, kind) select id, owner_id::text, now(), 'pushed' from public.events; \
         insert into tandem.changes (event, root, owner, rev, op, changed_at) select id, id, owner_id::text, 1, 'update', now() from public.events",
    )
    .await?;
    db.run("alter table public.events enable trigger user")
        .await
}

async fn blocks(db: &Db, function: &str, p: &Value) -> Result<u64> {
    let sql =
        format!("explain (analyze, buffers, format json) select public.tandem_{function}('{p}')");
    let plan: Value = db.0.query_one(&sql, &[]).await?.get(0);
    let number = |name: &str| plan[0]["Plan"][name].as_u64().unwrap_or_default();
    Ok(number("Shared Hit Blocks") + number("Shared Read Blocks"))
}

async fn check(db: &Db) -> Result<()> {
    let own = json!({"instance": "test", "user_id": USER});
    let most = [
        ("status", own.clone(), 25_000),
        ("history", own.clone(), 20_000),
        ("quarantine", own, 500),
        (
            "chores",
            json!({"instance": "test", "most": 50, "seal_key": "k2"}),
            3_000,
        ),
        ("health", json!({"instance": "test"}), 20_000),
        ("metrics", json!({"instance": "test"}), 60_000),
    ];
    for (function, p, limit) in most {
        blocks(db, function, &p).await?;
        let read = blocks(db, function, &p).await?;
        assert!(read < limit, "{function} reads {read} blocks");
    }
    Ok(())
}

#[tokio::test]
async fn calls_are_bounded_without_statistics() -> Result<()> {
    let db = Db::new().await;
    many(&db).await?;
    check(&db).await
}

#[tokio::test]
async fn calls_are_bounded_with_statistics() -> Result<()> {
    let db = Db::new().await;
    many(&db).await?;
    db.run("analyze").await?;
    check(&db).await
}

#[tokio::test]
async fn people_with_very_many_events_connect_and_disconnect() -> Result<()> {
    let db = Db::new().await;
    many(&db).await?;
    db.run("delete from tandem.work").await?;
    let account = db.account(USER, "new").await?["account_id"].clone();
    let begun = Instant::now();
    db.calendar(&account, "new").await?;
    let p = json!({"user_id": USER, "connection_id": "20000000-0000-0000-0000-000000000007", "choice": "remove_from_crm"});
    let id = db.call("disconnect_begin", p).await?["disconnections"][0].clone();
    assert!(begun.elapsed().as_secs() < 5);
    db.later(70).await?;
    assert_eq!(db.step(&id).await?["outcome"], "done");
    let left = format!("select count(*) from public.events where owner_id = '{USER}'");
    assert_eq!(db.get(&left).await?, 0);
    assert_eq!(db.get("select count(*) from public.events").await?, 38_000);
    Ok(())
}
