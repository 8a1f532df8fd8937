//! What a user chooses for a calendar: direction, pause, what becomes of events that are kept out.

use super::lab::{
    call, connection, count, google_insert, google_titles, insert, is_at_rest, rest, rows, system,
};
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, System};

async fn choose(system: &System, choices: Value) -> Result<()> {
    let mut choices = choices;
    choices["connection_id"] = connection(system).await?;
    call(system, ANN, "calendars", &choices, 200).await?;
    Ok(())
}

/// One event of each side's, synced.
async fn both_sides(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    insert(&system, ANN, "CRM's").await?;
    google_insert(&system, "Google's")?;
    rest(&system).await?;
    Ok(system)
}

fn event(system: &System, title: &str) -> Result<Value> {
    let list = system.google(Method::GET, "", &Value::Null)?;
    let mut items = list["items"].as_array().into_iter().flatten();
    let found = items.find(|event| event["summary"] == title);
    found.cloned().with_context(|| format!("{title}: {list}"))
}

fn patch(system: &System, event: &Value, changes: &Value) -> Result<()> {
    let id = event["id"].as_str().unwrap_or_default();
    system.google(Method::PATCH, &format!("/{id}"), changes)?;
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_is_only_read_sends_nothing_until_it_is_written_to_again() -> Result<()> {
    let system = both_sides(1).await?;
    choose(&system, json!({"direction": "in", "is_target": false})).await?;
    let writes = || {
        Ok::<_, anyhow::Error>(count(&system, "events.patch")? + count(&system, "events.insert")?)
    };
    let before = writes()?;
    system
        .sql("update public.events set location = 'Here' where title = 'Google''s'")
        .await?;
    insert(&system, ANN, "Not for Google").await?;
    rest(&system).await?;
    ensure!(writes()? == before, "something was sent");
    patch(
        &system,
        &event(&system, "Google's")?,
        &json!({"description": "Bring a pen"}),
    )?;
    rest(&system).await?;
    let row = "select jsonb_build_array(location, description) from public.events where title = 'Google''s'";
    ensure!(system.value(row).await? == json!(["Here", "Bring a pen"]));
    ensure!(rows(&system).await?["Not for Google"] == "none");
    choose(&system, json!({"direction": "both", "is_target": true})).await?;
    rest(&system).await?;
    rest(&system).await?;
    ensure!(event(&system, "Google's")?["location"] == "Here");
    ensure!(google_titles(&system)? == ["CRM's", "Google's", "Not for Google"]);
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_calendar_that_is_only_written_to_takes_nothing_until_it_is_read_again() -> Result<()> {
    let system = both_sides(2).await?;
    choose(&system, json!({"direction": "out"})).await?;
    patch(
        &system,
        &event(&system, "CRM's")?,
        &json!({"location": "There"}),
    )?;
    google_insert(&system, "Private")?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"CRM's": "synced", "Google's": "synced"}));
    let place = "select location from public.events where title = 'CRM''s'";
    ensure!(system.value(place).await?.is_null());
    system
        .sql("update public.events set description = 'New' where title = 'CRM''s'")
        .await?;
    rest(&system).await?;
    let sent = event(&system, "CRM's")?;
    ensure!(
        sent["description"] == "New" && sent["location"] == "There",
        "{sent}"
    );
    choose(&system, json!({"direction": "both"})).await?;
    rest(&system).await?;
    rest(&system).await?;
    ensure!(
        system.value(place).await? == "There",
        "{}",
        system
            .value("select jsonb_agg(standing) from tandem.links")
            .await?
    );
    ensure!(
        rows(&system).await?
            == json!({"CRM's": "synced", "Google's": "synced", "Private": "synced"})
    );
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_paused_calendar_rests_on_both_sides_and_catches_up() -> Result<()> {
    let system = both_sides(3).await?;
    let which = json!({"connection_id": connection(&system).await?});
    call(&system, ANN, "pause", &which, 200).await?;
    let before = count(&system, "events.list")?;
    insert(&system, ANN, "Later").await?;
    google_insert(&system, "Later too")?;
    rest(&system).await?;
    let states = rows(&system).await?;
    ensure!(
        states["Later"] == "pending" && states.get("Later too").is_none(),
        "{states}"
    );
    ensure!(count(&system, "events.list")? == before, "it was listed");
    call(&system, ANN, "resume", &which, 200).await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's", "Google's", "Later", "Later too"]);
    ensure!(rows(&system).await?["Later too"] == "synced");
    is_at_rest(&system).await
}

#[tokio::test]
async fn an_event_that_is_kept_out_of_google_is_removed_or_kept_there_as_chosen() -> Result<()> {
    let system = both_sides(4).await?;
    choose(&system, json!({"opt_out": "keep"})).await?;
    let enable = |title: &str, on: bool| {
        format!("update public.events set google_sync_enabled = {on} where title = '{title}'")
    };
    system.sql(&enable("Google''s", false)).await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    ensure!(rows(&system).await?["Google's"] == "none");
    patch(
        &system,
        &event(&system, "Google's")?,
        &json!({"location": "There"}),
    )?;
    rest(&system).await?;
    let place = "select location from public.events where title = 'Google''s'";
    ensure!(system.value(place).await?.is_null(), "the row was written");
    system.sql(&enable("Google''s", true)).await?;
    rest(&system).await?;
    ensure!(system.value(place).await? == "There");
    choose(&system, json!({"opt_out": "remove"})).await?;
    system.sql(&enable("Google''s", false)).await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's"]);
    is_at_rest(&system).await
}

#[tokio::test]
async fn choices_that_are_none_are_refused_with_what_can_be_chosen() -> Result<()> {
    let system = both_sides(5).await?;
    let connection = connection(&system).await?;
    for (choices, said) in [
        (json!({"direction": "sideways"}), "both, in, out"),
        (json!({"policy": "mine"}), "latest, crm, google"),
        (json!({"send_updates": "some"}), "none, all, externalOnly"),
        (json!({"opt_out": "maybe"}), "keep, remove"),
        (json!({"direction": "in"}), "cannot take new CRM events"),
    ] {
        let mut wish = choices.clone();
        wish["connection_id"] = connection.clone();
        let answer = call(&system, ANN, "calendars", &wish, 400).await?;
        let text = answer["error"].as_str().unwrap_or_default();
        ensure!(text.contains(said), "{choices}: {answer}");
    }
    let wish = json!({"connection_id": connection, "choice": "everything"});
    call(&system, ANN, "disconnect", &wish, 400).await?;
    call(&system, ANN, "disconnect", &json!({"choice": "keep"}), 400).await?;
    call(
        &system,
        ANN,
        "calendars",
        &json!({"google_id": "unknown@example.com"}),
        404,
    )
    .await?;
    Ok(())
}
