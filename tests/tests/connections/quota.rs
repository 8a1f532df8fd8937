//! Google's quota is charged for what is really asked, foreseen or not.

use super::lab::{google_insert, insert, is_at_rest, rest, system};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

/// What is charged is noted, since a minute later nobody knows it any more.
async fn lab(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    system
        .sql(
            "insert into tandem.settings values ('user_per_minute', '1000000'), ('project_per_minute', '1000000');
             drop table if exists public.charged;
             create table public.charged (key text, n integer);
             create or replace function public.note_charge() returns trigger
             language plpgsql security definer set search_path = '' as $$
             begin
               insert into public.charged values (new.key, new.spent[1] - case tg_op when 'INSERT' then 0
                 else (tandem.spent(old.slot, old.spent, to_timestamp(new.slot * 2)))[1] end);
               return null;
             end $$;
             create or replace trigger note_charge after insert or update on tandem.quotas
               for each row execute function public.note_charge()",
        )
        .await?;
    Ok(system)
}

/// What Ann and the project were charged.
async fn charged(system: &System) -> Result<(i64, i64)> {
    let charged =
        "select jsonb_build_object('user', coalesce(sum(n) filter (where key <> 'project'), 0),
        'project', coalesce(sum(n) filter (where key = 'project'), 0)) from public.charged";
    let charged = system.value(charged).await?;
    let of = |key: &str| charged[key].as_i64();
    Ok((
        of("user").context("user")?,
        of("project").context("project")?,
    ))
}

/// What Google counted for everybody's calls until now.
fn counted(system: &System) -> Result<i64> {
    let counters = system.control("GET", "counters", &Value::Null)?;
    let counters = counters.as_object().context("counters")?;
    let calls = counters
        .iter()
        .filter(|(method, _)| !method.starts_with("oauth"));
    Ok(calls
        .map(|(method, count)| {
            let weight = if method == "events.patch" { 3 } else { 1 };
            weight * count.as_i64().unwrap_or_default()
        })
        .sum())
}

/// Lets the system work, and compares what it was charged with what Google counted.
async fn works(system: &System, what: &str) -> Result<i64> {
    let (before, begun) = (charged(system).await?, counted(system)?);
    // Before Google's messages are here.
    system.tick().await.context("killed")?;
    rest(system).await?;
    rest(system).await?;
    is_at_rest(system).await.context(what.to_owned())?;
    let (after, real) = (charged(system).await?, counted(system)? - begun);
    let taken = (after.0 - before.0, after.1 - before.1);
    ensure!(taken == (real, real), "{what}: {taken:?} for {real}");
    Ok(real)
}

fn events(system: &System, title: &str) -> Result<String> {
    let list = system.google(Method::GET, "", &Value::Null)?;
    let mut items = list["items"].as_array().into_iter().flatten();
    let found = items.find(|event| event["summary"] == title);
    let id = found.and_then(|event| event["id"].as_str());
    Ok(format!("/{}", id.context("no such event")?))
}

#[tokio::test]
async fn inserts_edits_and_deletions_cost_what_google_counts() -> Result<()> {
    let system = lab(1).await?;
    insert(&system, ANN, "One").await?;
    insert(&system, ANN, "Two").await?;
    works(&system, "inserts").await?;
    system
        .sql("update public.events set title = title || '!'")
        .await?;
    ensure!(works(&system, "patches").await? >= 6);
    system.sql("delete from public.events").await?;
    works(&system, "deletions").await?;
    google_insert(&system, "Three")?;
    works(&system, "an import").await.map(drop)
}

#[tokio::test]
async fn a_conflict_costs_its_reads_and_its_second_write() -> Result<()> {
    let system = lab(2).await?;
    insert(&system, ANN, "Lunch").await?;
    works(&system, "an insert").await?;
    let path = events(&system, "Lunch")?;
    system.google(Method::PATCH, &path, &json!({"location": "Garden"}))?;
    system
        .sql("update public.events set title = 'Dinner'")
        .await?;
    // Refused, read, written again, and a listing.
    ensure!(works(&system, "a conflict").await? >= 3 + 1 + 3 + 1);
    let fault = json!({"method": "events.patch", "status": 503, "count": 2});
    system.control("POST", "faults", &fault)?;
    system
        .sql("update public.events set title = 'Supper'")
        .await?;
    for _ in 0..4 {
        system.advance(TimeDelta::minutes(5)).await?;
        let what = "a refusal, and what follows";
        let (before, begun) = (charged(&system).await?, counted(&system)?);
        rest(&system).await?;
        let (after, real) = (charged(&system).await?, counted(&system)? - begun);
        ensure!(
            after.0 - before.0 == real,
            "{what}: {before:?} {after:?} {real}"
        );
    }
    is_at_rest(&system).await
}

#[tokio::test]
async fn each_page_occurrence_and_channel_is_charged() -> Result<()> {
    let system = lab(3).await?;
    for n in 0..30 {
        google_insert(&system, &format!("Event {n}"))?;
    }
    system.control("POST", "switches", &json!({"pageFill": "short"}))?;
    works(&system, "a listing").await?;
    system
        .sql("update tandem.connections set sync_token = null, due_at = tandem.clock()")
        .await?;
    works(&system, "a full listing").await?;
    let weekly = "update public.events set recurrence = array['RRULE:FREQ=DAILY;COUNT=5'] where title = 'Event 1'";
    system.sql(weekly).await?;
    works(&system, "a series").await?;
    system
        .sql(
            "insert into public.events (owner_id, title, starts_at, ends_at, time_zone, recurring_event_id, original_start)
             select owner_id, 'Moved', '2031-04-05T12:00Z', '2031-04-05T13:00Z', 'UTC', id, '2031-04-05T09:00:00Z' from public.events where title = 'Event 1'",
        )
        .await?;
    works(&system, "an occurrence").await?;
    system
        .sql("update tandem.connections set watch_at = tandem.clock()")
        .await?;
    ensure!(works(&system, "a channel").await? >= 2);
    // A page that is refused is charged too.
    let fault = json!({"method": "events.list", "status": 503, "count": 1});
    system.control("POST", "faults", &fault)?;
    google_insert(&system, "Late")?;
    works(&system, "a refused page").await.map(drop)
}

#[tokio::test]
async fn a_long_listing_is_charged_for_every_page() -> Result<()> {
    let system = lab(4).await?;
    let events: Vec<Value> = (0..600)
        .map(|n| {
            let time = |hour: &str| json!({"dateTime": format!("2031-04-04T{hour}:00:00Z")});
            let title = format!("Event {n}");
            json!({"calendar": EMAIL, "summary": title, "start": time("09"), "end": time("10")})
        })
        .collect();
    let seed = json!({"events": events});
    system.control("POST", "seed", &seed)?;
    ensure!(works(&system, "three pages").await? >= 3);
    Ok(())
}
