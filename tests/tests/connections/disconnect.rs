//! Disconnecting: what stays, what goes, what Google is told.

use super::lab::{
    call, connection, count, google_insert, google_titles, insert, is_at_rest, rest, rows, system,
};
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, Fate, System};

/// One event of each side's, synced.
async fn both_sides(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    insert(&system, ANN, "CRM's").await?;
    google_insert(&system, "Google's")?;
    rest(&system).await?;
    ensure!(
        rows(&system).await? == json!({"CRM's": "synced", "Google's": "synced"}),
        "{}",
        rows(&system).await?
    );
    Ok(system)
}

async fn account(system: &System) -> Result<Value> {
    system.value("select id from tandem.accounts limit 1").await
}

/// Asks for it and lets it be done.
async fn leave(system: &System, choice: &str) -> Result<()> {
    let wish = json!({"account_id": account(system).await?, "choice": choice});
    call(system, ANN, "disconnect", &wish, 202).await?;
    rest(system).await?;
    rest(system).await
}

async fn is_over(system: &System) -> Result<()> {
    let account =
        "select jsonb_build_array(state, refresh_token, access_token) from tandem.accounts";
    ensure!(
        system.value(account).await? == json!(["disconnected", null, null]),
        "{}",
        system.value(account).await?
    );
    let open = "select coalesce(jsonb_agg(d), '[]') from tandem.disconnections d where phase <> 'done' or problem is not null";
    ensure!(
        system.value(open).await? == json!([]),
        "{}",
        system.value(open).await?
    );
    let channels = "select count(*) from tandem.channels where state <> 'stopped'";
    ensure!(system.value(channels).await? == 0);
    ensure!(
        count(system, "oauth.revoke")? == 1,
        "the grant was not given back"
    );
    ensure!(
        count(system, "channels.stop")? >= 1,
        "no channel was stopped"
    );
    is_at_rest(system).await
}

#[tokio::test]
async fn keep_leaves_both_sides_as_they_are_and_edits_stay_where_they_are_made() -> Result<()> {
    let system = both_sides(1).await?;
    leave(&system, "keep").await?;
    is_over(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    ensure!(rows(&system).await? == json!({"CRM's": "none", "Google's": "none"}));
    let before = count(&system, "events.patch")?;
    system
        .sql("update public.events set title = 'Mine alone' where title = 'CRM''s'")
        .await?;
    rest(&system).await?;
    ensure!(count(&system, "events.patch")? == before);
    ensure!(rows(&system).await? == json!({"Mine alone": "none", "Google's": "none"}));
    is_at_rest(&system).await
}

#[tokio::test]
async fn what_came_from_the_crm_can_be_removed_from_google() -> Result<()> {
    let system = both_sides(2).await?;
    leave(&system, "remove_from_google").await?;
    is_over(&system).await?;
    ensure!(google_titles(&system)? == ["Google's"]);
    ensure!(rows(&system).await? == json!({"CRM's": "none", "Google's": "none"}));
    Ok(())
}

#[tokio::test]
async fn what_came_from_google_can_be_removed_from_the_crm_and_stays_in_google() -> Result<()> {
    let system = both_sides(3).await?;
    leave(&system, "remove_from_crm").await?;
    is_over(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    ensure!(rows(&system).await? == json!({"CRM's": "none"}));
    // Connected again, nothing of it is replayed: the person's original is still theirs.
    system.connect_as(ANN, EMAIL).await?;
    rest(&system).await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["CRM's", "Google's"]);
    ensure!(rows(&system).await? == json!({"CRM's": "synced", "Google's": "synced"}));
    is_at_rest(&system).await
}

#[tokio::test]
async fn after_each_choice_a_new_connection_makes_no_duplicate() -> Result<()> {
    for (seed, choice) in ["keep", "remove_from_google", "remove_from_crm"]
        .into_iter()
        .enumerate()
    {
        let system = both_sides(seed as u64).await?;
        leave(&system, choice).await?;
        // Both sides go on alone.
        system
            .sql("update public.events set location = 'Here' where title = 'CRM''s'")
            .await?;
        google_insert(&system, "Meanwhile")?;
        system.connect_as(ANN, EMAIL).await?;
        rest(&system).await?;
        rest(&system).await?;
        let titles = ["CRM's", "Google's", "Meanwhile"];
        ensure!(
            google_titles(&system)? == titles,
            "{choice}: {:?}",
            google_titles(&system)?
        );
        let expected = json!({"CRM's": "synced", "Google's": "synced", "Meanwhile": "synced"});
        ensure!(
            rows(&system).await? == expected,
            "{choice}: {}",
            rows(&system).await?
        );
        let place = system.google(http::Method::GET, "", &Value::Null)?;
        let here = place["items"].as_array().into_iter().flatten();
        ensure!(
            here.filter(|event| event["location"] == "Here").count() == 1,
            "{choice}: {place}"
        );
        is_at_rest(&system).await?;
    }
    Ok(())
}

#[tokio::test]
async fn one_calendar_can_go_and_the_account_stays() -> Result<()> {
    let system = both_sides(4).await?;
    let wish = json!({"connection_id": connection(&system).await?, "choice": "keep"});
    call(&system, ANN, "disconnect", &wish, 202).await?;
    rest(&system).await?;
    rest(&system).await?;
    let account = system.value("select state from tandem.accounts").await?;
    ensure!(account == "active", "{account}");
    ensure!(count(&system, "oauth.revoke")? == 0);
    ensure!(count(&system, "channels.stop")? == 1);
    let chosen = json!({"google_id": EMAIL});
    let chosen = call(&system, ANN, "calendars", &chosen, 200).await?;
    ensure!(chosen["new"] == true, "{chosen}");
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"CRM's": "synced", "Google's": "synced"}));
    Ok(())
}

#[tokio::test]
async fn a_write_that_was_under_way_is_waited_out_and_found() -> Result<()> {
    let system = both_sides(5).await?;
    insert(&system, ANN, "Late").await?;
    // The instance ends with the event in Google and nothing recorded.
    system.kill_at("POST /calendar", Fate::KilledAfter);
    system.tick().await;
    system.forgive();
    ensure!(google_titles(&system)?.contains(&"Late".to_owned()));
    leave(&system, "remove_from_google").await?;
    is_over(&system).await?;
    ensure!(
        google_titles(&system)? == ["Google's"],
        "{:?}",
        google_titles(&system)?
    );
    Ok(())
}

#[tokio::test]
async fn without_access_it_ends_all_the_same_and_says_what_is_left() -> Result<()> {
    let system = both_sides(6).await?;
    system
        .simulator
        .control("POST", &format!("users/{EMAIL}/revoke"), &Value::Null)
        .map_err(anyhow::Error::msg)?;
    leave(&system, "remove_from_google").await?;
    let state = system.value("select state from tandem.accounts").await?;
    ensure!(state == "disconnected", "{state}");
    let problem = "select problem from tandem.disconnections where connection_id is not null";
    let problem = system.value(problem).await?;
    ensure!(
        problem
            .as_str()
            .is_some_and(|text| text.contains("1 events could not be removed")),
        "{problem}"
    );
    is_at_rest(&system).await
}

/// A disconnect makes fewer calls than this.
const CALLS: u32 = 14;

#[tokio::test]
async fn a_disconnect_survives_an_end_of_the_instance_at_any_call() -> Result<()> {
    for choice in ["remove_from_google", "remove_from_crm"] {
        for fate in [Fate::KilledBefore, Fate::KilledAfter] {
            let system = both_sides(7).await?;
            let wish = json!({"account_id": account(&system).await?, "choice": choice});
            call(&system, ANN, "disconnect", &wish, 202).await?;
            system.advance(TimeDelta::seconds(66)).await?;
            for call in 0..CALLS {
                system.kill(call, fate);
                system.tick().await;
                system.forgive();
                system.advance(TimeDelta::seconds(61)).await?;
            }
            rest(&system).await?;
            let state = system.value("select state from tandem.accounts").await?;
            ensure!(state == "disconnected", "{choice} {fate:?}: {state}");
            let expected = match choice {
                "remove_from_google" => (
                    vec!["Google's"],
                    json!({"CRM's": "none", "Google's": "none"}),
                ),
                _ => (vec!["CRM's", "Google's"], json!({"CRM's": "none"})),
            };
            ensure!(google_titles(&system)? == expected.0, "{choice} {fate:?}");
            ensure!(rows(&system).await? == expected.1, "{choice} {fate:?}");
            is_at_rest(&system).await?;
        }
    }
    Ok(())
}
