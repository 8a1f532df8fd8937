//! Whoever can write the database, and has no key, cannot have anybody's tokens used for somebody else.

use super::lab::{BOB, insert, rest, system};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System};

const OTHER: &str = "bob@example.com";
const TOKENS: &str = "refresh_token = s.refresh_token, access_token = s.access_token";

/// Ann and Bob, each with an account of their own.
async fn lab(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    system.simulator.add_user(OTHER, "Bob", true);
    let to = system.connect_as(BOB, OTHER).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    rest(&system).await?;
    Ok(system)
}

/// How often Google was asked for anything.
fn asked(system: &System) -> Result<u64> {
    let counters = system.control("GET", "counters", &Value::Null)?;
    let counters = counters.as_object().context("counters")?;
    Ok(counters.values().filter_map(Value::as_u64).sum())
}

/// Nothing that `users` have can be used: what is due for them says why, and Google hears nothing.
async fn is_of_no_use(system: &System, users: &[&str]) -> Result<()> {
    // What the others have is not at work meanwhile.
    for user in [ANN, BOB] {
        if !users.contains(&user) {
            system
                .sql(&format!(
                    "update tandem.connections set state = 'paused' where user_id = '{user}'"
                ))
                .await?;
        }
    }
    system
        .sql("update tandem.connections set due_at = tandem.clock(), watch_at = tandem.clock()")
        .await?;
    let before = asked(system)?;
    for user in users {
        insert(system, user, "Stays here").await?;
    }
    rest(system).await?;
    for user in users {
        for (method, path, body) in [
            (Method::GET, "calendars", Value::Null),
            (Method::POST, "calendars", json!({"google_id": "other"})),
        ] {
            system.manage(user, method, path, &body).await?;
        }
    }
    ensure!(asked(system)? == before, "Google was asked");
    let said = "select jsonb_agg(distinct last_error) from tandem.connections where state = 'active' and due_at is not null";
    let said = system.value(said).await?;
    let said = said.as_array().context("no connection was looked at")?;
    ensure!(
        said.iter()
            .all(|said| said.to_string().contains("cannot be opened")),
        "{said:?}"
    );
    let said = system
        .value("select jsonb_agg(sync_error) from public.events")
        .await?;
    let said = said.as_array().context("no rows")?;
    ensure!(
        said.iter()
            .all(|said| said.to_string().contains("cannot be opened")),
        "{said:?}"
    );
    Ok(())
}

#[tokio::test]
async fn tokens_of_one_account_do_not_open_as_anothers() -> Result<()> {
    for (seed, victim, thief) in [(1, ANN, BOB), (2, BOB, ANN)] {
        for fresh in [true, false] {
            let system = lab(seed).await?;
            if !fresh {
                system.advance(TimeDelta::hours(1)).await?;
            }
            system
                .sql(&format!(
                    "update tandem.accounts t set {TOKENS} from tandem.accounts s
                     where s.user_id = '{victim}' and t.user_id = '{thief}'"
                ))
                .await?;
            is_of_no_use(&system, &[thief]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_token_is_of_no_use_under_another_name() -> Result<()> {
    let system = lab(3).await?;
    // The account goes to Bob; its calendar is still Ann's.
    let sql = format!("update tandem.accounts set user_id = '{BOB}' where user_id = '{ANN}'");
    system.sql(&sql).await?;
    is_of_no_use(&system, &[ANN]).await
}

#[tokio::test]
async fn an_account_with_its_calendars_is_of_no_use_to_another_user() -> Result<()> {
    let system = lab(4).await?;
    for sql in [
        format!(
            "update tandem.connections set state = 'paused', is_target = false where user_id = '{BOB}'"
        ),
        format!("update tandem.accounts set user_id = '{BOB}' where user_id = '{ANN}'"),
        format!("update tandem.connections set user_id = '{BOB}' where user_id = '{ANN}'"),
    ] {
        system.sql(&sql).await?;
    }
    let theirs = format!(
        "delete from tandem.connections where user_id = '{BOB}' and account_id = (select id from tandem.accounts where email = '{OTHER}')"
    );
    system
        .sql(&format!("delete from tandem.channels; {theirs}"))
        .await?;
    system
        .sql(&format!(
            "update tandem.accounts set state = 'disconnected' where email = '{OTHER}'"
        ))
        .await?;
    is_of_no_use(&system, &[BOB]).await
}

#[tokio::test]
async fn a_calendar_is_of_no_use_to_another_user_than_its_accounts() -> Result<()> {
    let system = lab(5).await?;
    for sql in [
        format!(
            "delete from tandem.channels; delete from tandem.connections where user_id = '{BOB}'"
        ),
        format!("update tandem.accounts set state = 'disconnected' where email = '{OTHER}'"),
        format!("update tandem.connections set user_id = '{BOB}' where user_id = '{ANN}'"),
    ] {
        system.sql(&sql).await?;
    }
    ensure!(
        system
            .value(&format!(
                "select user_id from tandem.accounts where email = '{EMAIL}'"
            ))
            .await?
            == ANN
    );
    is_of_no_use(&system, &[BOB]).await
}
