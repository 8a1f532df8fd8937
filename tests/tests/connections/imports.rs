//! Imports that begin at a date: what was over by then stays where it is, at first and later.

use super::lab::{call, count, is_at_rest, rest, rows, system};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

const FROM: &str = "2031-06-01T00:00:00Z";

/// A second calendar of Ann's, with whatever Google has in it.
async fn calendar(system: &System) -> Result<String> {
    let wish = json!({"summary": "Projects", "owner": EMAIL});
    let made = system.control("POST", "calendars", &wish)?;
    Ok(made["id"].as_str().context("id")?.to_owned())
}

fn google(
    system: &System,
    calendar: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value> {
    let path = format!("calendars/{calendar}/events{path}");
    system.google_as(EMAIL, method, &path, body)
}

/// Times of an event on a day, from 9 to 10.
fn on(day: &str) -> Value {
    let time = |hour: &str| json!({"dateTime": format!("{day}T{hour}:00:00Z"), "timeZone": "UTC"});
    json!({"start": time("09"), "end": time("10")})
}

fn add(
    system: &System,
    calendar: &str,
    title: &str,
    day: &str,
    rule: Option<&str>,
) -> Result<Value> {
    let mut event = on(day);
    event["summary"] = json!(title);
    if let Some(rule) = rule {
        event["recurrence"] = json!([rule]);
    }
    google(system, calendar, Method::POST, "", &event)
}

async fn connect(system: &System, calendar: &str, from: &str) -> Result<Value> {
    let wish = json!({"google_id": calendar, "import_from": from});
    let chosen = call(system, ANN, "calendars", &wish, 200).await?;
    Ok(chosen["connection_id"].clone())
}

async fn shown(system: &System, connection: &Value) -> Result<Value> {
    let status = call(system, ANN, "status", &Value::Null, 200).await?;
    let connections = status["accounts"][0]["connections"].as_array();
    let mut connections = connections.into_iter().flatten();
    let found = connections.find(|one| one["connection_id"] == *connection);
    found.cloned().context("not shown")
}

async fn has(system: &System, titles: &[&str]) -> Result<()> {
    let expected: Value = titles
        .iter()
        .map(|title| ((*title).to_owned(), json!("synced")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let found = rows(system).await?;
    ensure!(found == expected, "{found} is not {expected}");
    is_at_rest(system).await
}

/// A calendar with something on each side of the window, connected from [`FROM`] on.
async fn lab(seed: u64) -> Result<(System, String, Value)> {
    let system = system(seed).await?;
    let calendar = calendar(&system).await?;
    add(&system, &calendar, "Over", "2031-05-01", None)?;
    add(&system, &calendar, "To come", "2031-07-01", None)?;
    let until = Some("RRULE:FREQ=DAILY;UNTIL=20310510T090000Z");
    add(&system, &calendar, "Series over", "2031-05-01", until)?;
    let weekly = Some("RRULE:FREQ=WEEKLY");
    add(&system, &calendar, "Series", "2031-01-01", weekly)?;
    let connection = connect(&system, &calendar, FROM).await?;
    rest(&system).await?;
    Ok((system, calendar, connection))
}

#[tokio::test]
async fn what_was_over_is_not_taken_at_first_nor_when_google_lists_it_later() -> Result<()> {
    let (system, calendar, _) = lab(1).await?;
    has(&system, &["To come", "Series"]).await?;
    for round in 0..2 {
        let list = google(&system, &calendar, Method::GET, "", &Value::Null)?;
        for event in list["items"].as_array().into_iter().flatten() {
            if event["summary"]
                .as_str()
                .is_some_and(|title| title.contains("ver"))
            {
                let path = format!("/{}", event["id"].as_str().unwrap_or_default());
                let edit = json!({"description": format!("edited {round}")});
                google(&system, &calendar, Method::PATCH, &path, &edit)?;
            }
        }
        add(&system, &calendar, "Over too", "2031-05-02", None)?;
        rest(&system).await?;
        has(&system, &["To come", "Series"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_has_a_row_stays_one_and_what_moves_into_the_window_becomes_one() -> Result<()> {
    let (system, calendar, _) = lab(2).await?;
    let list = google(&system, &calendar, Method::GET, "", &Value::Null)?;
    let id = |title: &str| -> Result<String> {
        let mut items = list["items"].as_array().into_iter().flatten();
        let found = items.find(|event| event["summary"] == title);
        let id = found.and_then(|event| event["id"].as_str());
        Ok(format!("/{}", id.context("no such event")?))
    };
    google(
        &system,
        &calendar,
        Method::PATCH,
        &id("To come")?,
        &on("2031-05-03"),
    )?;
    google(
        &system,
        &calendar,
        Method::PATCH,
        &id("Over")?,
        &on("2031-07-03"),
    )?;
    rest(&system).await?;
    has(&system, &["To come", "Series", "Over"]).await?;
    let days = "select jsonb_object_agg(title, starts_at::date order by title) from public.events where title <> 'Series'";
    let found = system.value(days).await?;
    ensure!(
        found == json!({"Over": "2031-07-03", "To come": "2031-05-03"}),
        "{found}"
    );
    Ok(())
}

#[tokio::test]
async fn occurrences_of_a_series_that_is_over_ask_for_nothing_again_and_again() -> Result<()> {
    let (system, calendar, _) = lab(3).await?;
    let list = google(&system, &calendar, Method::GET, "", &Value::Null)?;
    let mut items = list["items"].as_array().into_iter().flatten();
    let series = items.find(|event| event["summary"] == "Series over");
    let series = series
        .and_then(|event| event["id"].as_str())
        .context("id")?;
    let occurrence = |day: &str| format!("/{series}_{day}T090000Z");
    let edit = json!({"summary": "Over, and different"});
    google(
        &system,
        &calendar,
        Method::PATCH,
        &occurrence("20310503"),
        &edit,
    )?;
    google(
        &system,
        &calendar,
        Method::DELETE,
        &occurrence("20310504"),
        &Value::Null,
    )?;
    rest(&system).await?;
    has(&system, &["To come", "Series"]).await?;
    let before = count(&system, "events.get")?;
    for _ in 0..3 {
        system.advance(TimeDelta::minutes(2)).await?;
        rest(&system).await?;
    }
    ensure!(
        count(&system, "events.get")? == before,
        "it is read for ever"
    );
    // One occurrence of it is yet to come: then so is its series.
    google(
        &system,
        &calendar,
        Method::PATCH,
        &occurrence("20310505"),
        &on("2031-07-05"),
    )?;
    rest(&system).await?;
    let found = rows(&system).await?;
    ensure!(found["Series over"] == "synced", "{found}");
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_wider_window_lists_anew_and_shows_how_far_it_is() -> Result<()> {
    let (system, calendar, connection) = lab(4).await?;
    let links =
        "select jsonb_agg(jsonb_build_array(remote, event) order by remote) from tandem.links";
    let (before, listed) = (system.value(links).await?, count(&system, "events.list")?);
    // A narrower one leaves what is there.
    let narrower = json!({"connection_id": connection, "import_from": "2031-08-01T00:00:00Z"});
    call(&system, ANN, "calendars", &narrower, 200).await?;
    rest(&system).await?;
    ensure!(system.value(links).await? == before);
    ensure!(
        count(&system, "events.list")? == listed,
        "nothing was to be listed"
    );
    add(&system, &calendar, "July", "2031-07-02", None)?;
    rest(&system).await?;
    has(&system, &["To come", "Series"]).await?;
    let wider = json!({"connection_id": connection, "import_from": "2031-05-05T00:00:00Z"});
    call(&system, ANN, "calendars", &wider, 200).await?;
    let seen = shown(&system, &connection).await?;
    ensure!(
        seen["state"] == "importing"
            && seen["import"]["from"] == "2031-05-05T00:00:00.000000Z"
            && seen["import"]["finished_at"].is_null()
            && seen["import"]["events"] == 2,
        "{seen}"
    );
    rest(&system).await?;
    has(&system, &["To come", "Series", "July", "Series over"]).await?;
    let everything = json!({"connection_id": connection, "import_from": null});
    call(&system, ANN, "calendars", &everything, 200).await?;
    rest(&system).await?;
    has(
        &system,
        &["To come", "Series", "July", "Series over", "Over"],
    )
    .await?;
    let seen = shown(&system, &connection).await?;
    ensure!(
        seen["state"] == "active"
            && seen["import"]["from"].is_null()
            && seen["import"]["finished_at"].is_string(),
        "{seen}"
    );
    let odd = json!({"connection_id": connection, "import_from": "yesterday"});
    call(&system, ANN, "calendars", &odd, 400).await.map(drop)
}
