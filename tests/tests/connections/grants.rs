//! A connection that comes to nothing leaves no grant at Google, unless somebody else lives by it.

use super::lab::{BOB, call, count, google_titles, insert, rest, system};
use super::refused::{id_token, is};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, Fate, System};

const NEW: &str = "new@example.com";
const ALL: &str = "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.calendarlist.readonly";
const SCOPES: [&str; 2] = ["openid", "https://www.googleapis.com/auth/userinfo.email"];

/// Whether the application has access to a Google account.
pub fn has_grant(system: &System, email: &str) -> Result<bool> {
    let grants = system.control("GET", &format!("users/{email}/grants"), &Value::Null)?;
    Ok(grants
        .as_array()
        .context("a list")?
        .contains(&json!("project")))
}

/// What the log says became of the last grant that came to nothing.
pub fn logged(system: &System) -> Value {
    let lines = system.log().into_iter().rev();
    let mut lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    lines
        .find(|line| !line["grant"].is_null())
        .map_or(Value::Null, |line| line["grant"].clone())
}

/// Bob consents with this account, and Google's answer to the code is changed: a claim, and the rest.
async fn consent_with(
    system: &System,
    email: &str,
    (claim, value): (&str, Value),
    change: impl Fn(&mut Value),
) -> Result<String> {
    let ticket = system.ticket(BOB, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    let back = system.consent(&page, email)?;
    let scope = "https://www.googleapis.com/auth/calendar.events";
    let token = system
        .simulator
        .token(email, "client.example.com", &[scope]);
    let mut answer = token.context("token")?;
    answer["scope"] = json!(ALL);
    answer["id_token"] = json!(id_token(system, &page, claim, &value)?);
    change(&mut answer);
    let fault = json!({"method": "oauth.token", "status": 200, "body": answer.to_string()});
    system.control("POST", "faults", &fault)?;
    Ok(system.browse(&back, &cookie).await?.0)
}

fn subject(system: &System, email: &str) -> Result<Value> {
    let users = system.control("GET", "users", &Value::Null)?;
    let mut users = users.as_array().context("users")?.iter();
    let user = users.find(|user| user["email"] == email);
    Ok(user.context("the user")?["sub"].clone())
}

async fn lab(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    system.simulator.add_user(NEW, "New", true);
    Ok(system)
}

fn wishes(system: &System, email: &str, consent: &Value) -> Result<()> {
    let user = json!({"email": email, "auto_consent": consent});
    system.control("POST", "users", &user).map(drop)
}

#[tokio::test]
async fn a_box_that_was_unticked_leaves_no_grant() -> Result<()> {
    let system = lab(1).await?;
    wishes(&system, "some@example.com", &json!(SCOPES))?;
    let to = system.connect_as(ANN, "some@example.com").await?;
    is(&to, "missing_scope")?;
    ensure!(!has_grant(&system, "some@example.com")?);
    ensure!(logged(&system) == "given_back", "{}", logged(&system));
    ensure!(has_grant(&system, EMAIL)?, "Ann's own went with it");
    Ok(())
}

#[tokio::test]
async fn another_account_than_the_wanted_one_leaves_no_grant() -> Result<()> {
    let system = lab(2).await?;
    let account = system.value("select id from tandem.accounts").await?;
    let ticket = system.ticket(ANN, &json!({"account_id": account})).await?;
    let to = system.follow(&ticket, NEW).await?;
    is(&to, "another_account")?;
    ensure!(!has_grant(&system, NEW)?);
    ensure!(has_grant(&system, EMAIL)?);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_not_taken_leaves_no_grant() -> Result<()> {
    let system = lab(3).await?;
    let no_refresh = |answer: &mut Value| answer["refresh_token"] = Value::Null;
    let to = consent_with(&system, NEW, ("hd", Value::Null), no_refresh).await?;
    is(&to, "no_lasting_access")?;
    ensure!(!has_grant(&system, NEW)?);
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another client")),
        ("nonce", json!("another")),
        ("exp", json!(1)),
    ] {
        let to = consent_with(&system, NEW, (claim, value), |_| {}).await?;
        is(&to, "identity")?;
        ensure!(!has_grant(&system, NEW)?, "{claim}: the grant is left");
        ensure!(logged(&system) == "given_back", "{claim}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_is_missing_leaves_no_grant() -> Result<()> {
    let mut system = lab(5).await?;
    system.set("token_keys", "")?;
    let to = system.connect_as(ANN, NEW).await?;
    is(&to, "misconfigured")?;
    ensure!(!has_grant(&system, NEW)?);
    Ok(())
}

#[tokio::test]
async fn what_the_database_refuses_leaves_no_grant() -> Result<()> {
    let system = lab(6).await?;
    system
        .sql(
            "create function public.refuse() returns trigger language plpgsql as $$ begin
               raise exception 'no' using errcode = '23514'; end $$;
             create trigger refuse before insert on tandem.accounts for each row execute function public.refuse()",
        )
        .await?;
    let to = system.connect_as(ANN, NEW).await?;
    is(&to, "database_unavailable")?;
    ensure!(!has_grant(&system, NEW)?);
    Ok(())
}

#[tokio::test]
async fn a_grant_that_somebody_else_lives_by_stays() -> Result<()> {
    let system = lab(7).await?;
    // Bob connects Ann's Google account, and unticks a box.
    let less = |answer: &mut Value| answer["scope"] = json!(SCOPES.join(" "));
    let sub = ("sub", subject(&system, EMAIL)?);
    let to = consent_with(&system, EMAIL, sub, less).await?;
    is(&to, "missing_scope")?;
    ensure!(has_grant(&system, EMAIL)?, "Ann's access has ended");
    ensure!(logged(&system) == "in_use", "{}", logged(&system));
    ensure!(count(&system, "oauth.revoke")? == 0);
    system.advance(TimeDelta::hours(1)).await?;
    insert(&system, ANN, "Goes on").await?;
    rest(&system).await?;
    ensure!(google_titles(&system)? == ["Goes on"]);
    // Once she has left, it is nobody's.
    let wish = json!({"account_id": system.value("select id from tandem.accounts").await?, "choice": "keep"});
    call(&system, ANN, "disconnect", &wish, 202).await?;
    rest(&system).await?;
    rest(&system).await?;
    wishes(&system, EMAIL, &json!(SCOPES))?;
    let to = system.connect_as(BOB, EMAIL).await?;
    is(&to, "missing_scope")?;
    ensure!(!has_grant(&system, EMAIL)?);
    Ok(())
}

#[tokio::test]
async fn while_nobody_can_say_who_lives_by_it_a_grant_stays() -> Result<()> {
    let system = lab(8).await?;
    wishes(&system, "some@example.com", &json!(SCOPES))?;
    let ticket = system.ticket(ANN, &json!({})).await?;
    let (page, cookie) = system.browse(&ticket.url, &ticket.cookie).await?;
    let back = system.consent(&page, "some@example.com")?;
    system.kill_at("tandem_account_in_use", Fate::Late);
    let to = system.browse(&back, &cookie).await?.0;
    is(&to, "missing_scope")?;
    ensure!(has_grant(&system, "some@example.com")?);
    ensure!(logged(&system) == "left", "{}", logged(&system));
    Ok(())
}
