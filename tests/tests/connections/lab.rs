//! A system with a calendar of Ann's, and what the cases do to it.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, System};

/// Another user of the CRM.
pub const BOB: &str = "b0000000-0000-4000-8000-000000000002";

pub async fn system(seed: u64) -> Result<System> {
    let now = DateTime::from_timestamp(1_900_000_000, 0).context("a time")?;
    let system = System::start(seed, now).await?;
    rest(&system).await?;
    Ok(system)
}

/// Ticks and messages, a while apart, until nothing moves.
pub async fn rest(system: &System) -> Result<()> {
    for _ in 0..5 {
        system.deliver(|| 1).await;
        system.tick().await;
        system.advance(TimeDelta::seconds(35)).await?;
    }
    Ok(())
}

/// An event that a user makes in the CRM.
pub async fn insert(system: &System, owner: &str, title: &str) -> Result<()> {
    let title = title.replace('\'', "''");
    let insert = format!(
        "insert into public.events (owner_id, title, starts_at, ends_at, time_zone)
         values ('{owner}', '{title}', '2031-03-03T09:00Z', '2031-03-03T10:00Z', 'UTC')"
    );
    system.sql(&insert).await
}

/// An event that Ann makes in Google.
pub fn google_insert(system: &System, title: &str) -> Result<Value> {
    let time =
        |hour: u8| json!({"dateTime": format!("2031-04-04T{hour:02}:00:00Z"), "timeZone": "UTC"});
    let event = json!({"summary": title, "start": time(9), "end": time(10)});
    system.google(Method::POST, "", &event)
}

/// Titles of the live events of Ann's calendar in Google.
pub fn google_titles(system: &System) -> Result<Vec<String>> {
    let list = system.google(Method::GET, "", &Value::Null)?;
    let mut titles: Vec<String> = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|event| event["summary"].as_str().unwrap_or_default().to_owned())
        .collect();
    titles.sort();
    Ok(titles)
}

/// Titles of the rows, with their states.
pub async fn rows(system: &System) -> Result<Value> {
    system
        .value("select coalesce(jsonb_object_agg(title, sync_state), '{}') from public.events")
        .await
}

/// Calls `google-connect` and expects a status.
pub async fn call(
    system: &System,
    user: &str,
    path: &str,
    body: &Value,
    status: u16,
) -> Result<Value> {
    let method = if body.is_null() {
        Method::GET
    } else {
        Method::POST
    };
    let answer = system.manage(user, method, path, body).await?;
    let (found, answer) = answer.context("killed")?;
    ensure!(found == status, "{path}: {found} {answer}");
    Ok(answer)
}

/// Ann's first connection.
pub async fn connection(system: &System) -> Result<Value> {
    let of_ann = format!("select id from tandem.connections where user_id = '{ANN}' limit 1");
    system.value(&of_ann).await
}

/// How often Google was asked for this.
pub fn count(system: &System, method: &str) -> Result<u64> {
    let counters = system
        .simulator
        .control("GET", "counters", &Value::Null)
        .map_err(anyhow::Error::msg)?;
    Ok(counters[method].as_u64().unwrap_or_default())
}

/// Whether nothing is left to do.
pub async fn is_at_rest(system: &System) -> Result<()> {
    let tables = [
        "work",
        "changes",
        "open_changes",
        "attempts",
        "parked",
        "writing",
    ];
    for table in tables {
        let left = system
            .value(&format!(
                "select coalesce(jsonb_agg(x), '[]') from tandem.{table} x"
            ))
            .await?;
        ensure!(left == json!([]), "left in {table}: {left}");
    }
    Ok(())
}
