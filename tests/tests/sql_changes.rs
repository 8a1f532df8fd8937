//! What transactions of the CRM leave behind: changes and states, and never a wait.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Sql, item, refusal, synced};
use tokio::time::timeout;
use uuid::Uuid;

#[tokio::test]
async fn an_insert_is_a_change_of_every_mapped_field() -> Result<()> {
    let sql = Sql::new().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    let mapped = "select k from public.events e, jsonb_object_keys(tandem.crm_fields(e)) k order by k collate \"C\"";
    let change = last_change(&sql, event).await?;
    assert_eq!(
        (&change["op"], &change["old_row"]),
        (&json!("insert"), &Value::Null)
    );
    assert_eq!(change["fields"], sql.list(mapped).await?);
    Ok(())
}

#[tokio::test]
async fn an_update_is_a_change_of_the_fields_that_differ() -> Result<()> {
    let sql = Sql::new().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    sql.run(
        "update public.events set title = 'Dinner', location = 'Home', description = description",
    )
    .await?;
    let change = last_change(&sql, event).await?;
    assert_eq!(
        (&change["op"], &change["fields"]),
        (&json!("update"), &json!(["location", "title"]))
    );
    Ok(())
}

#[tokio::test]
async fn a_delete_keeps_the_row_as_it_was() -> Result<()> {
    let sql = Sql::new().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    sql.run("delete from public.events").await?;
    let change = last_change(&sql, event).await?;
    assert_eq!(change["op"], "delete");
    assert_eq!(change["old_row"]["title"], "Lunch");
    assert_eq!(
        change["old_row"]["starts_at"],
        "2026-01-05T12:00:00.000000Z"
    );
    Ok(())
}

#[tokio::test]
async fn a_statement_that_changes_no_mapped_field_is_no_change() -> Result<()> {
    let sql = Sql::new().await?;
    sql.event(Uuid::new_v4()).await?;
    sql.run("update public.events set title = title").await?;
    sql.run("update public.events set updated_at = clock_timestamp() + interval '1 day'")
        .await?;
    sql.run(
        "alter table public.events add column mood text; update public.events set mood = 'good'",
    )
    .await?;
    sql.run("update public.events set starts_at = '2026-01-05T13:00+01:00'")
        .await?;
    assert_eq!(count(&sql, "tandem.changes").await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_rev_of_an_event_grows_though_the_clock_jumps_back() -> Result<()> {
    let sql = Sql::new().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    sql.clock(-86_400).await?;
    for title in ["a", "b"] {
        sql.run(&format!("update public.events set title = '{title}'"))
            .await?;
    }
    let steps = "select rev - lag(rev) over (order by rev) from tandem.changes order by rev";
    assert_eq!(sql.list(steps).await?, json!([null, 1, 1]));
    assert_eq!(last_change(&sql, event).await?["fields"], json!(["title"]));
    Ok(())
}

#[tokio::test]
async fn a_statement_over_many_rows_is_a_change_of_each() -> Result<()> {
    let sql = Sql::new().await?;
    insert_many(&sql, 30).await?;
    sql.run("update public.events set title = 'x' where title in ('1', '2', '3')")
        .await?;
    let ops = "select jsonb_build_array(op, count(*)) from tandem.changes group by op order by op";
    assert_eq!(sql.list(ops).await?, json!([["insert", 30], ["update", 3]]));
    Ok(())
}

#[tokio::test]
async fn an_upsert_is_an_insert_of_one_row_and_an_update_of_the_other() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    let (known, new) = (sql.pushed(person.user).await?, Uuid::new_v4());
    sql.run("delete from tandem.changes").await?;
    sql.run(&format!(
        "insert into public.events (id, owner_id, title, starts_at, ends_at, google_event_id, sync_state)
         select id, '{}', 'Upsert', '2026-01-05T12:00Z', '2026-01-05T13:00Z', 'stale', 'synced' from unnest('{{{known},{new}}}'::uuid[]) id
         on conflict (id) do update set title = excluded.title, google_event_id = excluded.google_event_id, sync_state = excluded.sync_state",
        person.user
    ))
    .await?;
    assert_eq!(last_change(&sql, known).await?["op"], "update");
    assert_eq!(last_change(&sql, new).await?["op"], "insert");
    assert_eq!(
        sql.of_event(known, "google_event_id").await?,
        sql.of_link(known, "google_id").await?
    );
    assert_eq!(sql.of_event(new, "google_event_id").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn nobody_but_tandem_writes_the_sync_columns() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    let event = sql.pushed(person.user).await?;
    sql.run("update public.events set sync_state = 'error', sync_error = 'x', google_event_id = null, google_calendar_id = 'bob'").await?;
    assert_eq!(
        sync_columns(&sql, event).await?,
        json!([
            "synced",
            null,
            sql.of_link(event, "google_id").await?,
            "ann@calendar.example"
        ])
    );
    Ok(())
}

#[tokio::test]
async fn the_sync_columns_of_a_new_row_are_tandems_too() -> Result<()> {
    let sql = Sql::new().await?;
    let event = Uuid::new_v4();
    sql.run(&format!(
        "insert into public.events (id, owner_id, starts_at, ends_at, sync_state, sync_error, google_event_id, google_calendar_id)
         values ('{event}', gen_random_uuid(), now(), now(), 'synced', 'x', 'y', 'z')"
    ))
    .await?;
    assert_eq!(
        sync_columns(&sql, event).await?,
        json!(["none", null, null, null])
    );
    Ok(())
}

#[tokio::test]
async fn a_row_is_pending_where_it_is_for_google_and_none_where_it_is_not() -> Result<()> {
    let sql = Sql::new().await?;
    let (ann, stranger) = (sql.person("ann").await?, Uuid::new_v4());
    let (hers, strangers) = (sql.event(ann.user).await?, sql.event(stranger).await?);
    assert_eq!(sql.of_event(hers, "sync_state").await?, "pending");
    assert_eq!(sql.of_event(strangers, "sync_state").await?, "none");
    let kept_out = Uuid::new_v4();
    sql.run(&format!(
        "insert into public.events (id, owner_id, starts_at, ends_at, google_sync_enabled) values ('{kept_out}', '{}', now(), now(), false)",
        ann.user
    ))
    .await?;
    assert_eq!(sql.of_event(kept_out, "sync_state").await?, "none");
    sql.run("update tandem.connections set direction = 'in'")
        .await?;
    assert_eq!(
        sql.of_event(sql.event(ann.user).await?, "sync_state")
            .await?,
        "none"
    );
    Ok(())
}

#[tokio::test]
async fn a_synced_row_is_pending_from_its_next_change_on() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    let event = sql.pushed(person.user).await?;
    assert_eq!(sql.of_event(event, "sync_state").await?, "synced");
    sql.run("update public.events set google_sync_enabled = false")
        .await?;
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    Ok(())
}

#[tokio::test]
async fn the_id_of_an_event_stays() -> Result<()> {
    let sql = Sql::new().await?;
    sql.event(Uuid::new_v4()).await?;
    let (code, said) = refusal(
        sql.run("update public.events set id = gen_random_uuid()")
            .await,
    );
    assert_eq!(
        (code.as_str(), said.as_str()),
        ("P0001", "the id of an event cannot change")
    );
    Ok(())
}

#[tokio::test]
async fn truncate_is_refused_while_links_exist() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    sql.run("truncate public.events").await?;
    let event = sql.pushed(person.user).await?;
    let (_, said) = refusal(sql.run("truncate public.events").await);
    assert_eq!(
        said,
        "events that are linked to Google Calendar cannot be truncated"
    );
    sql.run("delete from public.events").await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "deleted", "by": "crm", "proof": "confirmed"}),
    )
    .await?;
    sql.run("truncate public.events").await?;
    Ok(())
}

/// Any wait at all is an error where the time to wait is this short.
const NO_WAIT: &str = "set lock_timeout = '1ms'";

#[tokio::test]
async fn a_transaction_of_the_crm_waits_for_no_claim_and_no_listing() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, crm) = (sql.pushed(person.user).await?, sql.another().await?);
    sql.run("update public.events set title = 'Dinner'").await?;
    sql.run("begin").await?;
    assert_eq!(sql.claim(event).await?["outcome"], "claimed");
    assert_eq!(
        sql.list_calendar(person.calendar).await?["outcome"],
        "claimed"
    );
    crm.run(NO_WAIT).await?;
    crm.run("update public.events set title = 'Supper'").await?;
    crm.run("delete from public.events").await?;
    sql.run("commit").await?;
    Ok(())
}

#[tokio::test]
async fn a_transaction_of_the_crm_waits_for_nothing_but_the_row_that_a_record_writes() -> Result<()>
{
    let (sql, person) = with_person().await?;
    let (event, crm) = (sql.event(person.user).await?, sql.another().await?);
    let other = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.run("begin").await?;
    sql.record(&claimed, synced(&claimed, "e1")).await?;
    crm.run(NO_WAIT).await?;
    crm.run(&format!(
        "update public.events set title = 'Supper' where id = '{other}'"
    ))
    .await?;
    crm.event(person.user).await?;
    let waiting = crm
        .run(&format!(
            "update public.events set title = 'Supper' where id = '{event}'"
        ))
        .await;
    assert_eq!(refusal(waiting).0, "55P03");
    sql.run("commit").await?;
    Ok(())
}

#[tokio::test]
async fn a_claim_waits_for_no_transaction_of_the_crm() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, crm) = (sql.event(person.user).await?, sql.another().await?);
    crm.run("begin; update public.events set title = 'Dinner'")
        .await?;
    sql.run(NO_WAIT).await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(claimed["row"]["title"], "Lunch");
    crm.run("commit").await?;
    assert_eq!(sql.of_job(event, "state").await?, "open");
    assert!(last_change(&sql, event).await?["rev"].as_i64() > claimed["rev"].as_i64());
    Ok(())
}

#[tokio::test]
async fn a_claim_that_has_to_show_a_state_waits_for_the_crm_only_so_long() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, crm) = (sql.event(person.user).await?, sql.another().await?);
    sql.run("update tandem.accounts set state = 'reconnect_needed'")
        .await?;
    crm.run("begin; update public.events set title = 'Dinner'")
        .await?;
    let claim = timeout(Duration::from_secs(30), sql.claim(event)).await?;
    assert_eq!(refusal(claim).0, "55P03");
    crm.run("commit").await?;
    assert_eq!(sql.claim(event).await?["outcome"], "waiting");
    Ok(())
}

#[tokio::test]
async fn what_a_trigger_of_the_crm_adds_to_a_write_of_tandems_is_a_change() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.run(
        "create function public.shout() returns trigger language plpgsql as $$ begin new.location := upper(new.title); return new; end $$;
         create trigger shout before insert or update on public.events for each row execute function public.shout()",
    )
    .await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    let change = sql.list("select to_jsonb(c) from tandem.changes c").await?;
    assert_eq!(
        (change.as_array().map(Vec::len), &change[0]["fields"]),
        (Some(1), &json!(["location"]))
    );
    assert_eq!(
        sql.list("select sync_state from public.events").await?,
        json!(["pending"])
    );
    Ok(())
}

#[tokio::test]
async fn what_a_trigger_of_the_crm_does_to_another_event_is_a_change_of_that_one() -> Result<()> {
    let (sql, person) = with_person().await?;
    let follow_up = sql.pushed(person.user).await?;
    sql.run(&format!(
        "create function public.follow() returns trigger language plpgsql as $$ begin
           update public.events set title = 'after ' || new.title where id = '{follow_up}' and new.id <> '{follow_up}'; return null; end $$;
         create trigger follow after insert or update on public.events for each row execute function public.follow();
         delete from tandem.changes"
    ))
    .await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    assert_eq!(
        sql.list("select event_id from tandem.changes").await?,
        json!([follow_up])
    );
    assert_eq!(sql.of_event(follow_up, "sync_state").await?, "pending");
    assert_eq!(count(&sql, "tandem.writing").await?, 0);
    Ok(())
}

async fn with_person() -> Result<(Sql, tests::sql::Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn insert_many(sql: &Sql, many: u32) -> Result<()> {
    Ok(sql
        .run(&format!(
            "insert into public.events (owner_id, title, starts_at, ends_at) select gen_random_uuid(), i::text, now(), now() from generate_series(1, {many}) i"
        ))
        .await?)
}

async fn last_change(sql: &Sql, event: Uuid) -> Result<Value> {
    let last = format!(
        "select to_jsonb(c) from tandem.changes c where event_id = '{event}' order by rev desc limit 1"
    );
    Ok(sql.value(&last).await?)
}

async fn sync_columns(sql: &Sql, event: Uuid) -> Result<Value> {
    let columns = "jsonb_build_array(sync_state, sync_error, google_event_id, google_calendar_id)";
    Ok(sql.of_event(event, columns).await?)
}

async fn count(sql: &Sql, table: &str) -> Result<i64> {
    Ok(sql
        .query_one(&format!("select count(*) from {table}"), &[])
        .await?
        .get(0))
}
