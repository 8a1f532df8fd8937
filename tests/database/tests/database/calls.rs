//! Short ways to call the surface on the default table.

use database_tests::commit_of;
use serde_json::{Value, json};
use tokio_postgres::{Client, Error};

pub(crate) const ANN: &str = "00000000-0000-4000-8000-00000000000a";
pub(crate) const BOB: &str = "00000000-0000-4000-8000-00000000000b";
pub(crate) const HOME: &str = "c0000000-0000-4000-8000-000000000001";

/// An event's key.
pub(crate) fn key(n: u32) -> String {
    format!("e0000000-0000-4000-8000-{n:012}")
}

pub(crate) async fn call(client: &Client, function: &str, p: &Value) -> Result<Value, Error> {
    let mut p = p.clone();
    p["instance"] = json!("test");
    let query = format!("select public.tandem_{function}($1)");
    Ok(client.query_one(&query, &[&p]).await?.get(0))
}

/// Ann with an account and a target.
pub(crate) async fn connect(client: &Client, user: &str) {
    let sql = format!(
        "insert into tandem.accounts (id, user_id, subject, email, refresh_token, access_token, access_expires_at)
           values ('a0000000-0000-4000-8000-000000000001', '{user}', 'sub', '', 'r', 'a', now() + interval '1 hour');
         insert into tandem.connections (id, user_id, account_id, calendar_id, is_target, imported_at)
           values ('{HOME}', '{user}', 'a0000000-0000-4000-8000-000000000001', 'cal', true, now())"
    );
    client.batch_execute(&sql).await.expect("it is connected");
}

pub(crate) async fn load(client: &Client, n: u32, purpose: &str) -> Value {
    let p = json!({ "which": { "events": [key(n)] }, "purpose": purpose, "lease_seconds": 60 });
    let mut loaded = call(client, "load", &p).await.expect("it is loaded");
    assert_eq!(loaded["skipped"], json!([]));
    loaded["families"][0].take()
}

pub(crate) fn part(root: &Value, fence: &Value, ops: Value) -> Value {
    json!({ "root": root, "fence": fence, "ops": ops, "work": null })
}

pub(crate) async fn commit(client: &Client, families: Vec<Value>) -> Value {
    let p = commit_of(&families, &Value::Null);
    call(client, "commit", &p).await.expect("it is committed")["families"].take()
}

/// Adds a row that a listing brought.
pub(crate) fn insert(n: u32, owner: &str, fields: Value) -> Value {
    let row = json!({ "owner": owner, "enabled": true, "series": null, "original_start": null, "fields": fields });
    let link = json!({ "connection": HOME, "remote": format!("remote{n}"), "event": key(n), "root": key(n),
        "origin": "remote", "ical_uid": null, "original_start": null, "state": "live",
        "standing": { "kind": "live" }, "synced_rev": 0 });
    json!([{ "op": "insert_row", "event": key(n), "row": row }, { "op": "put_link", "link": link }])
}

pub(crate) fn hour() -> Value {
    json!({ "title": "a", "all_day": false, "starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T10:00:00Z" })
}

pub(crate) async fn count(client: &Client, what: &str) -> i64 {
    let query = format!("select count(*) from {what}");
    client
        .query_one(&query, &[])
        .await
        .expect("it is counted")
        .get(0)
}
