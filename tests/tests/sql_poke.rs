//! What triggers tell the functions, through something that stands in for pg_net.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{INSTANCE, Sql, item};
use uuid::Uuid;

#[tokio::test]
async fn each_kind_of_statement_pokes_its_own_function_with_the_id_alone() -> Result<()> {
    let sql = listening().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    sql.run("delete from public.events").await?;
    let body = |kind: &str, record: Value, old_record: Value| json!({"type": kind, "schema": "public", "table": "events", "record": record, "old_record": old_record});
    let id = json!({"id": event});
    let expected = json!([
        ["event-create", body("INSERT", id.clone(), Value::Null)],
        ["event-update", body("UPDATE", id.clone(), id.clone())],
        ["event-delete", body("DELETE", Value::Null, id)],
    ]);
    assert_eq!(pokes(&sql).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_poke_carries_the_secret_as_a_bearer_token() -> Result<()> {
    let sql = listening().await?;
    sql.event(Uuid::new_v4()).await?;
    let headers = json!({"Content-Type": "application/json", "Authorization": "Bearer hush"});
    assert_eq!(
        sql.list("select headers from net.posted").await?,
        json!([headers])
    );
    Ok(())
}

#[tokio::test]
async fn twenty_rows_are_twenty_pokes_and_more_are_one_to_the_scheduler() -> Result<()> {
    let sql = listening().await?;
    insert_many(&sql, 20).await?;
    assert_eq!(pokes(&sql).await?.as_array().map(Vec::len), Some(20));
    sql.run("delete from net.posted").await?;
    insert_many(&sql, 21).await?;
    assert_eq!(pokes(&sql).await?, json!([["scheduler/tick", {"due": 21}]]));
    Ok(())
}

#[tokio::test]
async fn a_statement_that_changes_no_mapped_field_pokes_nobody() -> Result<()> {
    let sql = listening().await?;
    sql.event(Uuid::new_v4()).await?;
    sql.run("delete from net.posted").await?;
    sql.run("update public.events set updated_at = clock_timestamp()")
        .await?;
    assert_eq!(pokes(&sql).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn what_tandem_writes_pokes_nobody() -> Result<()> {
    let sql = listening().await?;
    let person = sql.person("ann").await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    sql.pull(person.calendar, &[item("google1", "e2", "Dinner")])
        .await?;
    assert_eq!(
        sql.list("select title from public.events").await?,
        json!(["Dinner"])
    );
    assert_eq!(pokes(&sql).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn an_error_of_pg_net_costs_the_transaction_nothing() -> Result<()> {
    let sql = listening().await?;
    for body in [
        "raise exception 'out of order'",
        "perform 1 / 0",
        "insert into net.missing values (1)",
    ] {
        sql.run(&format!(
            "create or replace function net.http_post(url text, body jsonb default '{{}}', params jsonb default '{{}}',
               headers jsonb default '{{}}', timeout_milliseconds integer default 1) returns bigint language plpgsql as $$ begin {body}; end $$"
        ))
        .await?;
        sql.event(Uuid::new_v4()).await?;
    }
    assert_eq!(
        sql.list("select op from tandem.changes").await?,
        json!(["insert", "insert", "insert"])
    );
    Ok(())
}

#[tokio::test]
async fn nobody_is_poked_before_the_scheduler_said_where() -> Result<()> {
    let sql = listening().await?;
    sql.run("delete from tandem.settings").await?;
    sql.event(Uuid::new_v4()).await?;
    assert_eq!(pokes(&sql).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn without_pg_net_or_with_another_one_the_statement_succeeds() -> Result<()> {
    let sql = listening().await?;
    sql.run("drop function net.http_post; create function net.http_post(url text) returns bigint language sql as 'select 1'").await?;
    sql.event(Uuid::new_v4()).await?;
    sql.run("drop schema net cascade").await?;
    sql.event(Uuid::new_v4()).await?;
    assert_eq!(
        sql.list("select op from tandem.changes").await?,
        json!(["insert", "insert"])
    );
    Ok(())
}

/// A database that knows where to poke and records what would be posted.
async fn listening() -> Result<Sql> {
    let sql = Sql::new().await?;
    sql.run(
        "create schema net;
         create table net.posted (id bigint generated always as identity, url text, body jsonb, headers jsonb);
         create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
           timeout_milliseconds integer default 1) returns bigint language sql as
           'insert into net.posted (url, body, headers) values (url, body, headers) returning id'",
    )
    .await?;
    let url = format!("{INSTANCE}/functions/v1");
    sql.call(
        "tandem_due",
        json!({"function_url": url, "function_secret": "hush"}),
    )
    .await?;
    Ok(sql)
}

async fn insert_many(sql: &Sql, many: u32) -> Result<()> {
    Ok(sql
        .run(&format!(
            "insert into public.events (owner_id, starts_at, ends_at) select gen_random_uuid(), now(), now() from generate_series(1, {many})"
        ))
        .await?)
}

async fn pokes(sql: &Sql) -> Result<Value> {
    let posted = format!(
        "select jsonb_build_array(replace(url, '{INSTANCE}/functions/v1/', ''), body) from net.posted order by id"
    );
    Ok(sql.list(&posted).await?)
}
