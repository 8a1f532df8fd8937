//! Access that ends, comes back, or is sealed with another key.

use super::lab::{count, google_titles, insert, is_at_rest, rest, rows, system};
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::secret::{Bound, Keys};
use tests::inprocess::{ANN, EMAIL, Fate, System};

fn fault(system: &System, status: u16, body: &str, times: u32) -> Result<()> {
    let rule = json!({"method": "oauth.token", "status": status, "body": body, "count": times});
    let done = system.simulator.control("POST", "faults", &rule);
    done.map(|_| ()).map_err(anyhow::Error::msg)
}

async fn account(system: &System) -> Result<Value> {
    system
        .value("select jsonb_build_array(state, reason) from tandem.accounts")
        .await
}

#[tokio::test]
async fn a_withdrawn_grant_pauses_the_account_until_its_user_connects_it_again() -> Result<()> {
    let system = system(1).await?;
    system
        .simulator
        .control("POST", &format!("users/{EMAIL}/revoke"), &Value::Null)
        .map_err(anyhow::Error::msg)?;
    system.advance(TimeDelta::hours(1)).await?;
    for n in 0..3 {
        insert(&system, ANN, &format!("Waits {n}")).await?;
    }
    rest(&system).await?;
    let state = account(&system).await?;
    ensure!(
        state[0] == "reconnect_needed"
            && state[1]
                .as_str()
                .is_some_and(|text| text.contains("connect the Google account again")),
        "{state}"
    );
    let shown = "select jsonb_agg(distinct jsonb_build_array(sync_state, sync_error like 'Google Calendar must be connected again%')) from public.events";
    ensure!(
        system.value(shown).await? == json!([["pending", true]]),
        "{}",
        system
            .value("select jsonb_agg(sync_error) from public.events")
            .await?
    );
    let attempts = "select coalesce(max(attempts), 0) from tandem.work where state = 'open'";
    ensure!(system.value(attempts).await?.as_i64() < Some(3));
    let asked = count(&system, "oauth.token")?;
    for _ in 0..5 {
        rest(&system).await?;
    }
    ensure!(
        count(&system, "oauth.token")? == asked,
        "a dead grant is asked for again"
    );
    system.connect_as(ANN, EMAIL).await?;
    rest(&system).await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["Waits 0", "Waits 1", "Waits 2"]);
    ensure!(account(&system).await? == json!(["active", null]));
    is_at_rest(&system).await
}

#[tokio::test]
async fn only_invalid_grant_asks_the_user_to_connect_again() -> Result<()> {
    for (status, body) in [
        (401, r#"{"error":"invalid_client"}"#),
        (503, ""),
        (500, r#"{"error":"internal_failure"}"#),
        (429, r#"{"error":"rate_limited"}"#),
        (400, r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let system = system(2).await?;
        system.advance(TimeDelta::hours(1)).await?;
        fault(&system, status, body, 3)?;
        insert(&system, ANN, "Later").await?;
        rest(&system).await?;
        ensure!(account(&system).await?[0] == "active", "{status} {body}");
        for _ in 0..6 {
            system.advance(TimeDelta::minutes(2)).await?;
            rest(&system).await?;
        }
        ensure!(google_titles(&system)? == ["Later"], "{status} {body}");
        is_at_rest(&system).await?;
    }
    Ok(())
}

#[tokio::test]
async fn tokens_of_an_old_key_open_and_are_sealed_anew_without_asking_google() -> Result<()> {
    let mut system = system(3).await?;
    let sealed = "select jsonb_build_array(split_part(refresh_token, '.', 1), split_part(access_token, '.', 1)) from tandem.accounts";
    ensure!(system.value(sealed).await? == json!(["k1", "k1"]));
    let asked = count(&system, "oauth.token")?;
    let (old, new) = (
        "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "k2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    );
    system.set("token_keys", &format!("{new},{old}"))?;
    insert(&system, ANN, "With the old one").await?;
    rest(&system).await?;
    ensure!(system.value(sealed).await? == json!(["k2", "k2"]));
    ensure!(count(&system, "oauth.token")? == asked);
    // The old key is not needed any more.
    system.set("token_keys", new)?;
    system.advance(TimeDelta::hours(1)).await?;
    insert(&system, ANN, "With the new one").await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["With the new one", "With the old one"]);
    ensure!(
        rows(&system).await? == json!({"With the new one": "synced", "With the old one": "synced"})
    );
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_key_that_is_not_there_any_more_is_said_and_loses_nothing() -> Result<()> {
    let mut system = system(4).await?;
    system.set(
        "token_keys",
        "k9:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    )?;
    insert(&system, ANN, "Later").await?;
    system.tick().await;
    let said = system.value("select sync_error from public.events").await?;
    ensure!(
        said.as_str()
            .is_some_and(|text| text.contains("the key k1 is not among them")),
        "{said}"
    );
    ensure!(account(&system).await?[0] == "active");
    system.set(
        "token_keys",
        "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )?;
    for _ in 0..6 {
        system.advance(TimeDelta::minutes(2)).await?;
        rest(&system).await?;
    }
    ensure!(google_titles(&system)? == ["Later"]);
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_new_refresh_token_is_stored_before_anything_else_is_done() -> Result<()> {
    let system = system(5).await?;
    system.advance(TimeDelta::hours(1)).await?;
    let fresh = json!({"access_token": "ya29.fresh", "expires_in": 3600, "refresh_token": "1//fresh", "token_type": "Bearer"});
    fault(&system, 200, &fresh.to_string(), 1)?;
    insert(&system, ANN, "Waits").await?;
    // The instance ends when it is about to use what it got.
    system.kill_at("/calendar/v3/", Fate::KilledBefore);
    let id = system.value("select id from public.events").await?;
    system.poke(id.as_str().unwrap_or_default()).await;
    ensure!(system.killed() == 1);
    let sealed = system
        .value("select refresh_token from tandem.accounts")
        .await?;
    let keys = Keys::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")?;
    let subject = system.value("select subject from tandem.accounts").await?;
    let bound = Bound {
        purpose: "refresh token",
        user: ANN,
        subject: subject.as_str().unwrap_or_default(),
    };
    let opened = keys.open(sealed.as_str().unwrap_or_default(), &bound)?;
    ensure!(opened == "1//fresh", "it is lost");
    Ok(())
}
