//! What triggers tell the components, through something that stands in for pg_net.

use crate::calls::{ANN, commit, connect, count, hour, insert, key, load, part};
use database_tests::fresh;
use serde_json::{Value, json};
use tokio_postgres::Client;

const NET: &str = "create schema net;
    create table net.posted (id bigint generated always as identity, url text, body jsonb, headers jsonb);
    grant usage on schema net to public; grant insert on net.posted to public";
const SAYS_WHERE: &str = "insert into tandem.settings values ('function_url', 'https://app/v1'),
    ('poke_key', 'hush'), ('cluster', tandem.cluster()) on conflict (key) do update set value = excluded.value";

fn post(body: &str) -> String {
    format!(
        "create or replace function net.http_post(url text, body jsonb default '{{}}', params jsonb default '{{}}',
           headers jsonb default '{{}}', timeout_milliseconds integer default 1) returns bigint language plpgsql as
         $$ begin {body} return 1; end $$"
    )
}

/// A database with pg_net's function, which says where to poke.
pub async fn listening() -> Client {
    let client = fresh().await;
    let takes = post("insert into net.posted (url, body, headers) values (url, body, headers);");
    run(&client, &format!("{NET}; {takes}; {SAYS_WHERE}")).await;
    client
}

pub async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

pub async fn add(client: &Client, n: u32) {
    let sql = format!(
        "insert into events (owner_id, title, starts_at, ends_at)
         select '{ANN}', 'a' || i, now(), now() from generate_series(1, {n}) i"
    );
    run(client, &sql).await;
}

/// Where, and what.
async fn posted(client: &Client) -> Value {
    let all = "select coalesce(jsonb_agg(jsonb_build_array(replace(url, 'https://app/v1/', ''), body) order by id), '[]')
        from net.posted";
    client.query_one(all, &[]).await.expect("it is seen").get(0)
}

#[tokio::test]
async fn each_kind_of_statement_pokes_its_own_function_with_the_id_alone() {
    let client = listening().await;
    let sql = format!(
        "insert into events (id, owner_id, title, starts_at, ends_at) values ('{}', '{ANN}', 'Lunch', now(), now());
         update events set title = 'Dinner'; delete from events",
        key(1)
    );
    for statement in sql.split(';') {
        run(&client, statement).await;
    }
    let body = |kind: &str, record: Value, old: Value| json!({ "type": kind, "schema": "public", "table": "events", "record": record, "old_record": old });
    let id = json!({ "id": key(1) });
    let expected = json!([
        ["event-create", body("INSERT", id.clone(), Value::Null)],
        ["event-update", body("UPDATE", id.clone(), id.clone())],
        ["event-delete", body("DELETE", Value::Null, id)],
    ]);
    assert_eq!(posted(&client).await, expected);
    // As RFC 2104 says, over the time, the path below the URL, and the body as it is sent.
    let signed = "net.posted where headers ->> 'Tandem-Signature' = (select 't=' || t || ',v1=' || encode(
        hmac(t || chr(10) || replace(url, 'https://app/v1', '') || chr(10) || body, 'hush', 'sha256'), 'hex')
        from (select substring(headers ->> 'Tandem-Signature' from 't=([0-9]+),') as t) x)";
    run(&client, "create extension pgcrypto").await;
    assert_eq!(count(&client, signed).await, 3);
    let told = "net.posted where headers::text ~ 'hush|Authorization'";
    assert_eq!(count(&client, told).await, 0);
}

#[tokio::test]
async fn twenty_rows_are_twenty_pokes_and_more_are_one_to_the_scheduler() {
    let client = listening().await;
    add(&client, 20).await;
    assert_eq!(count(&client, "net.posted").await, 20);
    run(&client, "delete from net.posted").await;
    add(&client, 21).await;
    assert_eq!(
        posted(&client).await,
        json!([["scheduler/tick", { "due": 20 }]])
    );
}

#[tokio::test]
async fn what_changes_no_mapped_column_and_what_tandem_writes_poke_nobody() {
    let client = listening().await;
    connect(&client, ANN).await;
    let new = part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()));
    commit(&client, vec![new]).await;
    let family = load(&client, 1, "store").await;
    let write = json!([{ "op": "write_row", "event": key(1), "expected": { "title": "a" }, "fields": { "title": "b" } }]);
    commit(
        &client,
        vec![part(&family["root"], &family["fence"], write)],
    )
    .await;
    assert_eq!(count(&client, "events where title = 'b'").await, 1);
    run(&client, "update events set updated_at = clock_timestamp()").await;
    run(&client, "update events set title = 'c' where false").await;
    assert_eq!(posted(&client).await, json!([]));
}

#[tokio::test]
async fn a_statement_that_fails_or_is_rolled_back_leaves_no_poke_behind() {
    let client = listening().await;
    run(&client, "begin").await;
    add(&client, 2).await;
    run(&client, "rollback").await;
    assert_eq!(count(&client, "net.posted").await, 0);
    add(&client, 1).await;
    assert_eq!(count(&client, "net.posted").await, 1);
}

#[tokio::test]
async fn an_error_of_pg_net_costs_the_transaction_nothing() {
    let client = listening().await;
    for body in [
        "raise exception 'out of order';",
        "perform 1 / 0;",
        "insert into net.missing values (1);",
    ] {
        run(&client, &post(body)).await;
        add(&client, 1).await;
    }
    assert_eq!(count(&client, "events").await, 3);
    assert_eq!(count(&client, "tandem.changes").await, 3);
}

#[tokio::test]
async fn without_pg_net_or_with_another_one_the_statement_succeeds() {
    let client = fresh().await;
    run(&client, SAYS_WHERE).await;
    add(&client, 1).await;
    run(
        &client,
        "create schema net; create function net.http_post(url text) returns bigint language sql as 'select 1 / 0'",
    )
    .await;
    add(&client, 1).await;
    assert_eq!(count(&client, "tandem.changes").await, 2);
}

#[tokio::test]
async fn nobody_is_poked_before_the_scheduler_said_where_nor_by_a_copy() {
    let client = listening().await;
    run(
        &client,
        "update tandem.settings set value = 'another server' where key = 'cluster'",
    )
    .await;
    add(&client, 1).await;
    run(
        &client,
        &format!("{SAYS_WHERE}; delete from tandem.settings where key = 'function_url'"),
    )
    .await;
    add(&client, 1).await;
    assert_eq!(posted(&client).await, json!([]));
}

#[tokio::test]
async fn the_clock_in_the_database_ticks_without_a_secret() {
    let client = listening().await;
    run(&client, "select tandem.tick()").await;
    assert_eq!(posted(&client).await, json!([["scheduler/tick", {}]]));
    run(
        &client,
        "delete from tandem.settings where key = 'function_url'",
    )
    .await;
    let error = client
        .batch_execute("select tandem.tick()")
        .await
        .expect_err("it knows no URL");
    let hint = error
        .as_db_error()
        .and_then(|error| error.hint().map(str::to_owned));
    assert!(hint.is_some_and(|hint| hint.contains("scheduler/tick")));
}
