//! Who did what is in the log, in one line each: ids, choices and outcomes, and no secret.

use super::lab::{call, rest, system};
use super::refused::is;
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::inprocess::{ANN, EMAIL, System};

const NEW: &str = "new@example.com";

/// The lines of a flow since `from` lines were there.
fn lines(system: &System, from: usize, flow: &str) -> Vec<Value> {
    let all = system.log();
    let lines = all.iter().skip(from);
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["flow"] == flow).collect()
}

/// The one line of a flow has these values, and exactly these keys beside what every line has.
fn check(system: &System, from: usize, flow: &str, expected: &Value) -> Result<()> {
    let found = lines(system, from, flow);
    ensure!(found.len() == 1, "{flow}: {found:?}");
    let line = found[0].as_object().context("a line")?;
    let expected = expected.as_object().context("an object")?;
    let of_all = ["flow", "status", "calls", "ms", "google"];
    let keys: BTreeSet<&str> = line.keys().map(String::as_str).collect();
    let keys: BTreeSet<&str> = keys
        .into_iter()
        .filter(|key| !of_all.contains(key))
        .collect();
    let wanted: BTreeSet<&str> = expected.keys().map(String::as_str).collect();
    ensure!(keys == wanted, "{flow}: {line:?}");
    for (key, value) in expected {
        ensure!(line[key] == *value, "{flow}, {key}: {line:?}");
    }
    Ok(())
}

fn keeps_secrets(system: &System) -> Result<()> {
    let all = system.log().join("\n");
    for secret in [
        EMAIL,
        NEW,
        "ya29.",
        "1//",
        "4/0A",
        "eyJ",
        "k1.",
        "signing key",
        "client secret",
    ] {
        ensure!(!all.contains(secret), "{secret} is in the log: {all}");
    }
    Ok(())
}

async fn account(system: &System, email: &str) -> Result<Value> {
    let id = format!("select id from tandem.accounts where email = '{email}'");
    system.value(&id).await
}

#[tokio::test]
async fn a_connect_says_who_and_which_account() -> Result<()> {
    let system = system(1).await?;
    system.simulator.add_user(NEW, "New", true);
    let from = system.log().len();
    let to = system.connect_as(ANN, NEW).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    let id = account(&system, NEW).await?;
    for (flow, expected) in [
        (
            "google-connect/ticket",
            json!({"user": ANN, "outcome": "ticket"}),
        ),
        (
            "google-connect/start",
            json!({"user": ANN, "outcome": "started"}),
        ),
        (
            "google-connect/callback",
            json!({"user": ANN, "outcome": "asked"}),
        ),
        (
            "google-connect/finish",
            json!({"user": ANN, "account": id, "outcome": "connected"}),
        ),
    ] {
        check(&system, from, flow, &expected)?;
    }
    let from = system.log().len();
    let ticket = system.ticket(ANN, &json!({"account_id": id})).await?;
    system.follow(&ticket, NEW).await?;
    for (flow, outcome) in [
        ("google-connect/ticket", "ticket"),
        ("google-connect/start", "started"),
        ("google-connect/callback", "connected"),
    ] {
        let expected = json!({"user": ANN, "account": id, "outcome": outcome});
        check(&system, from, flow, &expected)?;
    }
    keeps_secrets(&system)
}

#[tokio::test]
async fn a_refusal_says_whose_request_it_was_and_why() -> Result<()> {
    let system = system(2).await?;
    let some = json!({"email": NEW, "auto_consent": ["openid", "https://www.googleapis.com/auth/userinfo.email"]});
    system.control("POST", "users", &some)?;
    let flow = "google-connect/callback";
    let from = system.log().len();
    let to = system.connect_as(ANN, NEW).await?;
    is(&to, "missing_scope")?;
    let expected = json!({"user": ANN, "grant": "given_back", "outcome": "missing_scope"});
    check(&system, from, flow, &expected)?;

    let (start, expired) = (
        "google-connect/start",
        json!({"user": ANN, "outcome": "expired"}),
    );
    let ticket = system.ticket(ANN, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    let back = system.consent(&page, NEW)?;
    let from = system.log().len();
    system.browse(&back, "").await?;
    let expected = json!({"user": ANN, "outcome": "another_browser"});
    check(&system, from, flow, &expected)?;
    system.advance(TimeDelta::minutes(15)).await?;
    let from = system.log().len();
    system.browse(&back, &cookie).await?;
    check(&system, from, flow, &expired)?;
    let ticket = system.ticket(ANN, &json!({})).await?;
    system.advance(TimeDelta::minutes(2)).await?;
    let from = system.log().len();
    system.browse(&ticket.url, &ticket.cookie).await?;
    check(&system, from, start, &expired)?;

    // Nobody signed these: what they say is in no log.
    let from = system.log().len();
    let forged = back.replace("state=", "state=x");
    system.browse(&forged, &cookie).await?;
    check(&system, from, flow, &json!({"outcome": "invalid_request"}))?;
    keeps_secrets(&system)
}

#[tokio::test]
async fn a_login_that_is_not_taken_says_why_and_not_whose() -> Result<()> {
    let system = system(3).await?;
    let flow = "google-connect/calendars";
    let mut words = BTreeSet::new();
    for login in system.bad_logins(ANN) {
        let from = system.log().len();
        system
            .ask(&login, Method::GET, "calendars", &json!({}))
            .await?;
        let line = lines(&system, from, flow);
        let word = line[0]["refused"].as_str().context("no reason")?.to_owned();
        ensure!(line[0]["user"].is_null(), "{line:?}");
        words.insert(word);
    }
    let expected = ["expired", "invalid", "missing", "too_long"];
    ensure!(words == expected.map(str::to_owned).into(), "{words:?}");
    for (secret, why) in [("", "missing"), ("guessed", "another_secret")] {
        let from = system.log().len();
        system.operator("metrics", secret).await?;
        let expected = json!({"refused": why});
        check(&system, from, "scheduler/metrics", &expected)?;
    }
    keeps_secrets(&system)
}

#[tokio::test]
async fn a_disconnect_says_who_what_and_by_whom() -> Result<()> {
    let system = system(4).await?;
    let id = account(&system, EMAIL).await?;
    let from = system.log().len();
    let wish = json!({"account_id": id, "choice": "keep"});
    call(&system, ANN, "disconnect", &wish, 202).await?;
    let begun = json!({"user": ANN, "account": id, "connection": null, "choice": "keep", "outcome": "begun"});
    check(&system, from, "google-connect/disconnect", &begun)?;
    rest(&system).await?;
    rest(&system).await?;
    of_account(&system, from, &id, "user")?;
    let from = system.log().len();
    let odd = json!({"account_id": id, "choice": "what somebody wrote"});
    call(&system, ANN, "disconnect", &odd, 400).await?;
    let refused = json!({"user": ANN, "account": id, "connection": null, "choice": null, "outcome": "failed"});
    check(&system, from, "google-connect/disconnect", &refused)?;
    keeps_secrets(&system)
}

/// The account's end and its one calendar's.
fn of_account(system: &System, from: usize, id: &Value, begun_by: &str) -> Result<()> {
    let ended = lines(system, from, "disconnect");
    ensure!(ended.len() == 2, "{ended:?}");
    ensure!(
        ended[0]["connection"].is_string() && ended[1]["connection"].is_null(),
        "{ended:?}"
    );
    for line in &ended {
        for (key, value) in [
            ("user", &json!(ANN)),
            ("account", id),
            ("choice", &json!("keep")),
            ("begun_by", &json!(begun_by)),
            ("outcome", &json!("done")),
        ] {
            ensure!(line[key] == *value, "{key}: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn who_is_disconnected_by_others_is_in_the_log_too() -> Result<()> {
    let system = system(5).await?;
    let id = account(&system, EMAIL).await?;
    let from = system.log().len();
    let gone = format!(
        "select public.tandem_user_gone(jsonb_build_object('instance', '{}', 'user_id', '{ANN}'))",
        system.instance()
    );
    system.value(&gone).await?;
    rest(&system).await?;
    rest(&system).await?;
    of_account(&system, from, &id, "operator")?;
    system.connect_as(ANN, EMAIL).await?;
    // The CRM has users, and Ann is none of them any more.
    let users = "create table public.people (id uuid primary key);
        update tandem.adoption set mapping = mapping || '{\"users\": {\"table\": \"public.people\", \"key\": \"id\"}}'";
    system.sql(users).await?;
    let from = system.log().len();
    rest(&system).await?;
    rest(&system).await?;
    rest(&system).await?;
    of_account(&system, from, &id, "database")?;
    keeps_secrets(&system)
}
