//! A connection that does not come about: each reason has its own word and sentence, and nothing is left.

use super::lab::{call, system};
use anyhow::{Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, System, Ticket};

const NEW: &str = "new@example.com";

async fn lab() -> Result<System> {
    let system = system(1).await?;
    system.simulator.add_user(NEW, "New", true);
    Ok(system)
}

async fn ticket(system: &System) -> Result<Ticket> {
    system.ticket(ANN, &json!({})).await
}

/// Opens the link of a ticket in the browser that asked for it.
async fn opened(system: &System, ticket: &Ticket) -> Result<(String, String)> {
    system.browse(&ticket.url, &ticket.cookie).await
}

pub fn is(to: &str, code: &str) -> Result<()> {
    let url = url::Url::parse(to)?;
    let found: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // A word, and no text: anybody can write an address.
    ensure!(
        found == [pair("google", "error"), pair("code", code)],
        "{to}"
    );
    Ok(())
}

async fn nothing_new(system: &System) -> Result<()> {
    let accounts = system
        .value("select jsonb_agg(email) from tandem.accounts")
        .await?;
    ensure!(accounts == json!([EMAIL]), "{accounts}");
    Ok(())
}

fn control(system: &System, path: &str, body: &Value) -> Result<()> {
    let done = system.simulator.control("POST", path, body);
    done.map(|_| ()).map_err(anyhow::Error::msg)
}

#[tokio::test]
async fn what_google_says_is_told_in_words() -> Result<()> {
    let system = lab().await?;
    let token =
        |status: u16, body: &str| json!({"method": "oauth.token", "status": status, "body": body});
    for (fault, code) in [
        (token(503, ""), "google_unavailable"),
        (
            json!({"method": "oauth.token", "cut": true}),
            "google_unavailable",
        ),
        (
            token(401, r#"{"error":"invalid_client"}"#),
            "client_refused",
        ),
        (
            token(400, r#"{"error":"redirect_uri_mismatch"}"#),
            "redirect_mismatch",
        ),
        (token(400, r#"{"error":"invalid_grant"}"#), "code_refused"),
        (
            json!({"method": "calendarList.list", "status": 503}),
            "google_unavailable",
        ),
    ] {
        control(&system, "faults", &fault)?;
        let to = system.follow(&ticket(&system).await?, NEW).await?;
        is(&to, code)?;
    }
    let problems = "select count(*) from tandem.connections k join tandem.accounts a on a.id = k.account_id where a.email <> 'ann@example.com'";
    ensure!(system.value(problems).await? == 0);
    Ok(())
}

/// An id token for the request that leads to Google's page at `page`, with one claim changed.
pub fn id_token(system: &System, page: &str, name: &str, value: &Value) -> Result<String> {
    let page = url::Url::parse(page)?;
    let mut pairs = page.query_pairs();
    let nonce = pairs.find(|(name, _)| name == "nonce");
    let now = system.simulator.now().timestamp();
    let mut claims = json!({
        "iss": "https://accounts.google.com", "aud": "client.example.com", "sub": "1234567", "email": NEW,
        "email_verified": true, "iat": now, "exp": now + 3600, "nonce": nonce.map(|(_, value)| value.into_owned()),
    });
    claims[name] = value.clone();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"alg": "RS256", "typ": "JWT"}));
    Ok(format!("{head}.{}.c2lnbmF0dXJl", part(&claims)))
}

#[tokio::test]
async fn an_answer_that_does_not_belong_to_the_request_connects_nobody() -> Result<()> {
    let system = lab().await?;
    let scope = "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.calendarlist.readonly";
    for (name, value, code) in [
        ("iss", json!("https://evil.example"), "identity"),
        ("aud", json!("another client"), "identity"),
        ("nonce", json!("another"), "identity"),
        ("nonce", Value::Null, "identity"),
        ("exp", json!(1), "identity"),
        // Nothing is wrong with it, but access that lasts is missing.
        ("hd", Value::Null, "no_lasting_access"),
    ] {
        let (page, cookie) = opened(&system, &ticket(&system).await?).await?;
        let answer = json!({"access_token": "ya29.x", "expires_in": 3600, "token_type": "Bearer", "scope": scope,
            "id_token": id_token(&system, &page, name, &value)?});
        let fault = json!({"method": "oauth.token", "status": 200, "body": answer.to_string()});
        control(&system, "faults", &fault)?;
        let back = system.consent(&page, NEW)?;
        is(&system.browse(&back, &cookie).await?.0, code)?;
    }
    nothing_new(&system).await
}

#[tokio::test]
async fn what_googles_page_reports_is_told() -> Result<()> {
    let system = lab().await?;
    for (error, code) in [
        ("admin_policy_enforced", "policy"),
        ("org_internal", "policy"),
        ("policy_enforced", "policy"),
        ("server_error", "reported"),
    ] {
        let (page, cookie) = opened(&system, &ticket(&system).await?).await?;
        let back = url::Url::parse(&system.consent(&page, NEW)?)?;
        let mut reported = back.clone();
        let pairs = back.query_pairs().filter(|(name, _)| name == "state");
        reported
            .query_pairs_mut()
            .clear()
            .extend_pairs(pairs)
            .append_pair("error", error);
        is(&system.browse(reported.as_str(), &cookie).await?.0, code)?;
    }
    nothing_new(&system).await
}

#[tokio::test]
async fn an_account_on_its_way_out_is_not_connected_at_the_same_time() -> Result<()> {
    let system = lab().await?;
    let wish = json!({"account_id": system.value("select id from tandem.accounts").await?, "choice": "keep"});
    call(&system, ANN, "disconnect", &wish, 202).await?;
    let to = system.connect_as(ANN, EMAIL).await?;
    is(&to, "disconnecting")
}

#[tokio::test]
async fn what_the_person_says_is_told() -> Result<()> {
    let system = lab().await?;
    for (email, wish, code) in [
        ("no@example.com", json!("deny"), "denied"),
        (
            "some@example.com",
            json!(["openid", "https://www.googleapis.com/auth/userinfo.email"]),
            "missing_scope",
        ),
    ] {
        control(
            &system,
            "users",
            &json!({"email": email, "auto_consent": wish}),
        )?;
        let to = system.follow(&ticket(&system).await?, email).await?;
        is(&to, code)?;
    }
    nothing_new(&system).await
}

#[tokio::test]
async fn a_way_back_is_for_the_browser_that_left_once_and_in_time() -> Result<()> {
    let system = lab().await?;
    let (page, cookie) = opened(&system, &ticket(&system).await?).await?;
    let back = system.consent(&page, NEW)?;
    let (_, another) = opened(&system, &ticket(&system).await?).await?;
    for stranger in ["", "tandem-connect=1", another.as_str()] {
        is(&system.browse(&back, stranger).await?.0, "another_browser")?;
    }
    let (name, _) = cookie.split_once('=').unwrap_or_default();
    is(
        &system.browse(&back, &format!("{name}=guessed")).await?.0,
        "another_browser",
    )?;
    system.advance(TimeDelta::minutes(15)).await?;
    is(&system.browse(&back, &cookie).await?.0, "expired")?;
    nothing_new(&system).await?;
    let (page, cookie) = opened(&system, &ticket(&system).await?).await?;
    let back = system.consent(&page, NEW)?;
    let to = system.come_back(&back, &cookie).await?;
    ensure!(to.ends_with("?google=connected"), "{to}");
    is(&system.browse(&back, &cookie).await?.0, "replayed")
}

#[tokio::test]
async fn a_ticket_is_good_for_a_minute_and_for_nothing_else() -> Result<()> {
    let system = lab().await?;
    let first = ticket(&system).await?;
    system.advance(TimeDelta::seconds(60)).await?;
    is(&opened(&system, &first).await?.0, "expired")?;
    let second = ticket(&system).await?;
    let url = second.url.as_str();
    let signed = url
        .split_once("ticket=")
        .map(|(_, ticket)| ticket)
        .unwrap_or_default();
    let (callback, _) = url.split_once("start").unwrap_or_default();
    let as_state = format!("{callback}callback?code=x&state={signed}");
    is(&system.browse(&as_state, "").await?.0, "invalid_request")?;
    is(
        &system.browse(&format!("{url}x"), "").await?.0,
        "invalid_request",
    )?;
    let (page, _) = opened(&system, &second).await?;
    ensure!(page.starts_with("http://google.localhost/"), "{page}");
    is(&opened(&system, &second).await?.0, "replayed")
}

#[tokio::test]
async fn only_a_good_login_of_the_crm_is_taken() -> Result<()> {
    let system = lab().await?;
    for (path, method) in [
        ("start", Method::GET),
        ("calendars", Method::GET),
        ("ticket", Method::POST),
        ("calendars", Method::POST),
        ("pause", Method::POST),
        ("resume", Method::POST),
        ("disconnect", Method::POST),
    ] {
        for login in system.bad_logins(ANN) {
            let (status, _) = system
                .ask(&login, method.clone(), path, &json!({}))
                .await?
                .unwrap_or_default();
            ensure!(status == 401, "{path} took {login}: {status}");
        }
    }
    nothing_new(&system).await
}
