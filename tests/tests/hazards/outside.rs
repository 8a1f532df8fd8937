//! What Google, the host or an operator does: 16, 17, 20.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::inprocess::{EMAIL, Fate};
use tests::play::{Play, ann, bob, empty, play, play_with_bob, text};

#[tokio::test]
async fn h16_a_restored_backup_replays_nothing_over_newer_state() -> Result<()> {
    let p = play().await?;
    let id = p.add("v1").await?;
    p.rest().await?;
    p.edit(&id, "title = 'v2'").await?;
    backup(&p).await?;
    p.rest().await?;
    p.pass(3_700).await?;
    p.edit(&id, "title = 'v3'").await?;
    p.rest().await?;
    restore(&p).await?;
    ensure!(p.row(&id).await?["title"] == "v2", "not restored");
    p.rest().await?;
    ensure!(
        p.event(&id).await?["summary"] == "v3",
        "an old edit was replayed"
    );
    Ok(())
}

#[tokio::test]
async fn h16_events_that_a_backup_does_not_know_come_back() -> Result<()> {
    let p = play().await?;
    p.add("Old").await?;
    p.rest().await?;
    backup(&p).await?;
    p.add("New").await?;
    p.rest().await?;
    restore(&p).await?;
    p.pass(3_700).await?;
    p.rest().await?;
    ensure!(p.rows().await?.len() == 2, "{:?}", p.rows().await?);
    Ok(())
}

#[tokio::test]
async fn h16_what_was_deleted_after_the_backup_stays_deleted() -> Result<()> {
    for in_google in [true, false] {
        let p = play().await?;
        let id = p.add("A").await?;
        p.add("B").await?;
        p.rest().await?;
        backup(&p).await?;
        p.pass(60).await?;
        if in_google {
            p.ui("delete", &id, json!({})).await?;
        } else {
            p.delete(&id).await?;
        }
        p.rest().await?;
        restore(&p).await?;
        p.pass(3_700).await?;
        p.rest().await?;
        ensure!(
            p.rows().await?.len() == 1,
            "{in_google} {:?}",
            p.rows().await?
        );
    }
    Ok(())
}

#[tokio::test]
async fn h16_a_backup_whose_sync_token_is_too_old_loses_nothing() -> Result<()> {
    let p = play().await?;
    let id = p.add("v1").await?;
    p.rest().await?;
    backup(&p).await?;
    p.pass(60).await?;
    p.edit(&id, "title = 'v2'").await?;
    p.google_add(EMAIL, json!({"summary": "New"}))?;
    p.rest().await?;
    restore(&p).await?;
    p.fault(json!({"method": "events.list", "status": 410, "reason": "fullSyncRequired"}))?;
    p.edit(&id, "location = 'There'").await?;
    p.pass(3_700).await?;
    p.rest().await?;
    let event = p.event(&id).await?;
    ensure!(
        event["summary"] == "v2" && event["location"] == "There",
        "{event}"
    );
    ensure!(p.rows().await?.len() == 2, "{:?}", p.rows().await?);
    Ok(())
}

#[tokio::test]
async fn h16_a_copied_database_writes_to_nobody() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.sql("update tandem.settings set value = 'https://production.example' where key = 'instance'")
        .await?;
    p.edit(&id, "title = 'Staging'").await?;
    let reply = p.poke(&id).await;
    ensure!(
        reply.is_some_and(|reply| reply.response.status() == 409),
        "it was answered"
    );
    p.tick().await;
    ensure!(
        p.take_written().is_empty() && p.event(&id).await?["summary"] == "A",
        "written"
    );
    p.sql(&format!(
        "update tandem.settings set value = '{}' where key = 'instance'",
        p.instance()
    ))
    .await?;
    p.database.take_refusals();
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h17_an_event_that_the_database_refuses_stops_no_other() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.sql("alter table public.events add constraint no_poison check (title <> 'Poison')")
        .await?;
    for title in ["Before", "Poison", "After"] {
        p.google_add(EMAIL, json!({"summary": title}))?;
    }
    p.quiet().await?;
    ensure!(p.rows().await?.len() == 2, "{:?}", p.rows().await?);
    let kept = p
        .value("select to_jsonb(x) from tandem.parked x where x.state = 'quarantined'")
        .await?;
    ensure!(
        text(&kept["raw"]).contains("Poison") && text(&kept["reason"]).contains("no_poison"),
        "{kept}"
    );
    p.sql("alter table public.events drop constraint no_poison")
        .await?;
    let retry = json!({"user_id": ann().id, "connection_id": kept["connection_id"], "google_id": kept["remote"]});
    p.call("tandem_retry", retry).await?;
    p.rest().await?;
    ensure!(p.rows().await?.len() == 3, "the retry did nothing");
    Ok(())
}

#[tokio::test]
async fn h17_text_that_postgres_cannot_hold_stops_nothing() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    let event = |id: &str, title: &str| {
        format!(
            r#"{{"id": "{id}", "etag": "\"1\"", "status": "confirmed", "summary": "{title}", "updated": "2030-03-17T17:46:40.000Z",
            "iCalUID": "{id}@google.com", "start": {{"dateTime": "2031-03-03T09:00:00Z"}}, "end": {{"dateTime": "2031-03-03T10:00:00Z"}}}}"#
        )
    };
    let items = [
        event("nul00", "a\\u0000b"),
        event("lone0", "a\\ud800b"),
        event("good0", "Good"),
    ]
    .join(", ");
    let body = format!(
        r#"{{"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": [{items}], "nextSyncToken": "s"}}"#
    );
    p.fault(json!({"method": "events.list", "body": body}))?;
    p.pass(3_700).await?;
    p.tick().await;
    ensure!(
        p.count("public.events where title = 'Good'").await? == 1,
        "the page was lost"
    );
    let known = p.count("public.events").await?
        + p.count("tandem.parked where state = 'quarantined'").await?;
    ensure!(known == 3, "{known} of 3 are anywhere");
    ensure!(
        p.count("tandem.connections where sync_token is not null")
            .await?
            == 1,
        "the cursor is stuck"
    );
    Ok(())
}

#[tokio::test]
async fn h17_h2_a_page_that_is_too_much_for_the_database_is_applied_in_parts() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.sql("create function slow() returns trigger language plpgsql as $$ begin
          if (select count(*) from public.events where xmin = pg_current_xact_id()::xid) >= 3 then
            raise exception 'canceling statement due to statement timeout' using errcode = '57014'; end if;
          return new; end $$;
        create trigger slow before insert on public.events for each row execute function slow()").await?;
    for n in 0..20 {
        p.google_add(EMAIL, json!({"summary": format!("Event {n}")}))?;
    }
    p.quiet().await?;
    p.database.take_refusals();
    p.rest().await?;
    ensure!(p.rows().await?.len() == 20, "{:?}", p.rows().await?);
    Ok(())
}

#[tokio::test]
async fn h17_h3_what_ends_every_instance_is_given_up_and_stops_no_other() -> Result<()> {
    let p = play().await?;
    let poison = p.add("Poison").await?;
    for _ in 0..11 {
        p.poke_with(&poison, "/calendar/v3", Fate::KilledBefore)
            .await;
        p.pass(61).await?;
    }
    let good = p.add("Good").await?;
    p.tick().await;
    ensure!(
        p.event(&good).await?["summary"] == "Good",
        "it stopped the other"
    );
    let row = p.row(&poison).await?;
    ensure!(
        row["sync_state"] == "error" && text(&row["sync_error"]).contains("10 attempts"),
        "{row}"
    );
    p.call(
        "tandem_retry",
        json!({"user_id": ann().id, "event_id": poison}),
    )
    .await?;
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h20_waiting_for_a_quota_is_no_attempt() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.sql(&many(&ann().id, 30)).await?;
    p.fault(json!({"method": "events.insert", "status": 403, "reason": "rateLimitExceeded", "count": 5}))?;
    for _ in 0..20 {
        p.tick().await;
        p.pass(61).await?;
        let most = p
            .value("select coalesce(max(attempts), 0) from tandem.work")
            .await?;
        ensure!(
            most.as_i64().is_some_and(|most| most <= 1),
            "{most} attempts"
        );
    }
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.len() == 30, "not all arrived");
    Ok(())
}

#[tokio::test]
async fn h20_an_import_of_many_rows_is_one_poke() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.sql("create schema net; create table net.posted (url text);
        create function net.http_post(url text, body jsonb, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 1) returns bigint
        language sql as 'insert into net.posted values (url) returning 1'").await?;
    p.sql(&many(&ann().id, 300)).await?;
    let posted = p.value("select jsonb_agg(url) from net.posted").await?;
    ensure!(
        posted == json!([format!("{}/functions/v1/scheduler/tick", p.instance())]),
        "{posted}"
    );
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.len() == 300, "not all arrived");
    Ok(())
}

#[tokio::test]
async fn h20_a_paused_account_keeps_nobody_waiting() -> Result<()> {
    let p = play_with_bob().await?;
    p.rest().await?;
    p.sql(&many(&ann().id, 200)).await?;
    p.sql(&many(&bob().id, 60)).await?;
    let paused = |email: &str| {
        format!(
            "update tandem.accounts set paused_until = tandem.clock() + interval '1 hour' where email = '{email}'"
        )
    };
    p.sql(&paused(EMAIL)).await?;
    p.tick().await;
    p.tick().await;
    ensure!(p.shown(&bob().email)?.len() == 60, "Bob waits for Ann");
    ensure!(p.shown(EMAIL)?.is_empty(), "the pause was passed over");
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h20_one_event_of_somebody_does_not_wait_for_many_of_another() -> Result<()> {
    let p = play_with_bob().await?;
    p.rest().await?;
    p.sql(&many(&ann().id, 200)).await?;
    p.sql(&many(&bob().id, 1)).await?;
    p.tick().await;
    ensure!(p.shown(&bob().email)?.len() == 1, "Bob waits for Ann");
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h20_a_live_change_does_not_wait_for_a_first_export() -> Result<()> {
    let p = empty().await?;
    p.sql(&many(&ann().id, 200)).await?;
    // A clock that runs has done with changes of whoever is not connected; they are no live ones.
    p.tick().await;
    p.connect(&ann()).await?;
    p.pass(60).await?;
    let live = p.add("Live").await?;
    p.tick().await;
    let row = p.row(&live).await?;
    let waits = "select jsonb_agg(to_jsonb(w)) from tandem.work w where not is_bulk";
    ensure!(
        row["sync_state"] == "synced",
        "{row} waits: {}",
        p.value(waits).await?
    );
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.len() == 201, "not all arrived");
    Ok(())
}

fn many(owner: &str, count: u32) -> String {
    format!(
        "insert into public.events (owner_id, title, starts_at, ends_at, time_zone)
         select '{owner}', 'Row ' || n, '2031-01-01T10:00Z'::timestamptz + n * interval '1 day',
           '2031-01-01T11:00Z'::timestamptz + n * interval '1 day', 'UTC' from generate_series(1, {count}) n"
    )
}

/// The tables that tell of events and of connections, in an order in which they can be filled.
const TABLES: [&str; 8] = [
    "public.events",
    "tandem.connections",
    "tandem.links",
    "tandem.changes",
    "tandem.open_changes",
    "tandem.work",
    "tandem.attempts",
    "tandem.parked",
];

async fn backup(p: &Play) -> Result<()> {
    p.sql("create schema backup").await?;
    for table in TABLES {
        let name = table.replace('.', "_");
        p.sql(&format!(
            "create table backup.{name} as select * from {table}"
        ))
        .await?;
    }
    Ok(())
}

async fn restore(p: &Play) -> Result<()> {
    p.sql("set session_replication_role = replica").await?;
    for table in TABLES {
        let name = table.replace('.', "_");
        let columns = format!(
            "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
             where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
        );
        let columns = text(&p.value(&columns).await?);
        p.sql(&format!(
            "delete from {table}; insert into {table} ({columns}) select {columns} from backup.{name}"
        ))
        .await?;
    }
    p.sql("set session_replication_role = origin").await
}
