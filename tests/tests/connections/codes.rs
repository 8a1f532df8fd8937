//! The CRM's login comes to the page for a code, which is good once, for a minute, and with its verifier.

use super::lab::{BOB, system};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chrono::TimeDelta;
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use shared::secret::sha256;
use tests::inprocess::{ANN, System};
use url::Url;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const PAGE: &str = "http://localhost:3000/";
const API: &str = "http://localhost:3000/functions/v1/console/api";

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn is(&self, status: u16, code: &str) -> Result<()> {
        ensure!(
            self.status == status && self.body["code"] == code,
            "{status} {code}: {} {}",
            self.status,
            self.body
        );
        Ok(())
    }
}

/// A call from a page of another origin.
async fn call(
    system: &System,
    method: Method,
    path: &str,
    login: &str,
    body: &Value,
) -> Result<Answer> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{API}/{path}"))
        .header("origin", "https://crm.example")
        .header("content-type", "application/json")
        .header("authorization", login)
        .body(Bytes::from(body.to_string()))?;
    let response = system.served(request).await.context("killed")?.response;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: serde_json::from_slice(response.body()).unwrap_or_default(),
    })
}

fn wish() -> Value {
    json!({"code_challenge": sha256(VERIFIER), "code_challenge_method": "S256", "state": "the page's own",
        "return_to": PAGE})
}

async fn ask(system: &System, user: &str, wish: &Value) -> Result<Answer> {
    call(system, Method::POST, "logins", &system.login(user), wish).await
}

/// A code for the login of a user.
async fn code(system: &System, user: &str) -> Result<String> {
    let answer = ask(system, user, &wish()).await?;
    ensure!(answer.status == 200, "{}", answer.body);
    let url = Url::parse(answer.body["url"].as_str().context("url")?)?;
    ensure!(url.as_str().starts_with("http://localhost:3000/?code="));
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let [(_, code), state] = pairs.as_slice() else {
        anyhow::bail!("{url}");
    };
    ensure!(*state == ("state".to_owned(), "the page's own".to_owned()));
    Ok(code.clone())
}

async fn redeem(system: &System, code: &str, verifier: &str) -> Result<Answer> {
    let body = json!({"code": code, "code_verifier": verifier});
    call(system, Method::POST, "logins/token", "", &body).await
}

async fn tickets(system: &System) -> Result<Value> {
    let all = "select coalesce(jsonb_agg(t), '[]') from tandem.tickets t";
    system.value(all).await
}

#[tokio::test]
async fn a_code_and_its_verifier_become_the_login_that_was_shown() -> Result<()> {
    let system = system(1).await?;
    let shown = system.login(ANN);
    let jwt = shown.trim_start_matches("Bearer ");
    let code = code(&system, ANN).await?;
    let stored = tickets(&system).await?.to_string();
    let (_, claims) = jwt.split_once('.').context("a JWT")?;
    for secret in [code.as_str(), claims, VERIFIER] {
        ensure!(!stored.contains(secret), "the database has it: {stored}");
    }
    ensure!(stored.contains("\"k1."), "{stored}");
    let answer = redeem(&system, &code, VERIFIER).await?;
    let expected = json!({"access_token": jwt, "token_type": "Bearer", "expires_in": 3600});
    ensure!(
        (answer.status, &answer.body) == (200, &expected),
        "{}",
        answer.body
    );
    ensure!(answer.headers["cache-control"] == "no-store");
    let status = call(&system, Method::GET, "status", &shown, &Value::Null).await?;
    ensure!(status.status == 200);
    let all = system.log().join("\n");
    for secret in [code.as_str(), jwt, VERIFIER] {
        ensure!(!all.contains(secret), "{secret} is in the log");
    }
    for (flow, outcome) in [
        ("console/api/logins", "issued"),
        ("console/api/logins/token", "redeemed"),
    ] {
        let expected = json!({"flow": flow, "user": ANN, "outcome": outcome});
        ensure!(logged(&system, &expected), "{expected}: {all}");
    }
    Ok(())
}

fn logged(system: &System, expected: &Value) -> bool {
    let lines = system.log().into_iter();
    let mut lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    lines.any(|line| {
        ["flow", "user", "outcome"]
            .iter()
            .all(|name| line[name] == expected[name])
    })
}

#[tokio::test]
async fn a_code_works_once_in_time_and_not_after_a_wrong_verifier() -> Result<()> {
    let system = system(2).await?;
    let once = code(&system, ANN).await?;
    ensure!(redeem(&system, &once, VERIFIER).await?.status == 200);
    redeem(&system, &once, VERIFIER)
        .await?
        .is(400, "invalid_grant")?;
    let guessed = code(&system, ANN).await?;
    let other = VERIFIER.replace('d', "e");
    redeem(&system, &guessed, &other)
        .await?
        .is(400, "invalid_grant")?;
    let expected =
        json!({"flow": "console/api/logins/token", "user": ANN, "outcome": "invalid_grant"});
    ensure!(logged(&system, &expected), "{:?}", system.log());
    redeem(&system, &guessed, VERIFIER)
        .await?
        .is(400, "invalid_grant")?;
    let (late, good) = (code(&system, ANN).await?, code(&system, BOB).await?);
    system.advance(TimeDelta::seconds(59)).await?;
    ensure!(redeem(&system, &good, VERIFIER).await?.status == 200);
    system.advance(TimeDelta::seconds(2)).await?;
    redeem(&system, &late, VERIFIER)
        .await?
        .is(400, "invalid_grant")
}

#[tokio::test]
async fn what_is_no_code_or_no_verifier_costs_no_call() -> Result<()> {
    let system = system(3).await?;
    let good = code(&system, ANN).await?;
    let before = system.calls();
    let (long, foreign) = ("v".repeat(129), VERIFIER.replace('d', "ä"));
    let padded = format!("{}=", &good[1..]);
    let cases: [(&str, &str, &str); 8] = [
        ("", VERIFIER, "code"),
        ("short", VERIFIER, "code"),
        (&good[1..], VERIFIER, "code"),
        (&padded, VERIFIER, "code"),
        (&good, "", "code_verifier"),
        (&good, &VERIFIER[1..], "code_verifier"),
        (&good, &long, "code_verifier"),
        (&good, &foreign, "code_verifier"),
    ];
    for (code, verifier, field) in cases {
        let answer = redeem(&system, code, verifier).await?;
        answer.is(400, "invalid_request")?;
        ensure!(answer.body["field"] == field, "{}", answer.body);
    }
    ensure!(system.calls() == before, "one of these asked the database");
    ensure!(redeem(&system, &good, VERIFIER).await?.status == 200);
    Ok(())
}

#[tokio::test]
async fn another_page_than_tandems_own_is_refused() -> Result<()> {
    let system = system(4).await?;
    for page in [
        "",
        "http://localhost:3000",
        "http://localhost:3000/settings",
        "http://localhost:3000/?a",
        "http://localhost:3000/#a",
        "http://LOCALHOST:3000/",
        " http://localhost:3000/",
        "http://localhost/",
        "http://localhost:30000/",
        "https://localhost:3000/",
        "http://localhost:3000.evil/",
        "http://localhost:3000@evil.example/",
        "http://ann@localhost:3000/",
        "http://localhost:3000\\@evil.example/",
        "http://evil.example/",
        "//localhost:3000/",
        "https://crm.example/",
    ] {
        let mut other = wish();
        other["return_to"] = json!(page);
        let answer = ask(&system, ANN, &other).await?;
        answer.is(400, "invalid")?;
        ensure!(answer.body["field"] == "return_to", "{}", answer.body);
    }
    for (field, value) in [
        ("code_challenge", json!(VERIFIER[1..])),
        ("code_challenge", json!(format!("{}=", &VERIFIER[1..]))),
        ("code_challenge", Value::Null),
        ("code_challenge_method", json!("plain")),
        ("code_challenge_method", Value::Null),
        ("state", json!("")),
        ("state", json!("a\nb")),
        ("state", json!("s".repeat(257))),
        ("more", json!(1)),
    ] {
        let mut other = wish();
        other[field] = value;
        let answer = ask(&system, ANN, &other).await?;
        answer.is(400, "invalid")?;
        ensure!(answer.body["field"] == field, "{field}: {}", answer.body);
    }
    ensure!(tickets(&system).await? == json!([]));
    Ok(())
}

#[tokio::test]
async fn only_a_good_login_gets_a_code_and_not_too_many() -> Result<()> {
    let system = system(5).await?;
    for login in system.bad_logins(ANN) {
        let answer = call(&system, Method::POST, "logins", &login, &wish()).await?;
        ensure!(answer.status == 401, "{login}: {}", answer.body);
    }
    ensure!(tickets(&system).await? == json!([]));
    for _ in 0..100 {
        code(&system, ANN).await?;
    }
    let answer = ask(&system, ANN, &wish()).await?;
    ensure!(answer.status == 429, "{}", answer.body);
    ensure!(answer.body["error"].to_string().contains("wait a minute"));
    code(&system, BOB).await.map(drop)
}

#[tokio::test]
async fn a_login_is_opened_for_its_own_code_alone() -> Result<()> {
    let system = system(6).await?;
    let (_, bobs) = (code(&system, ANN).await?, code(&system, BOB).await?);
    // Who can write the database gives Bob's code what is Ann's.
    let hers = format!(
        "update tandem.tickets t set user_id = '{ANN}', detail = (select a.detail from tandem.tickets a
           where a.user_id = '{ANN}') where t.user_id = '{BOB}'"
    );
    system.sql(&hers).await?;
    let answer = redeem(&system, &bobs, VERIFIER).await?;
    ensure!(answer.status == 503, "{}", answer.body);
    ensure!(answer.body["access_token"].is_null());
    Ok(())
}

#[tokio::test]
async fn without_keys_no_login_is_taken_over_and_the_log_says_why() -> Result<()> {
    let mut system = system(7).await?;
    system.set("token_keys", "")?;
    let before = system.calls();
    let answer = ask(&system, ANN, &wish()).await?;
    ensure!(answer.status == 503, "{}", answer.body);
    ensure!(answer.body["error"].to_string().contains("administrator"));
    ensure!(system.calls() == before);
    let named = |line: &String| line.contains("token_keys") && line.contains("is not set");
    ensure!(system.log().iter().any(named), "{:?}", system.log());
    Ok(())
}

#[tokio::test]
async fn the_crms_page_may_ask_from_its_own_origin() -> Result<()> {
    let system = system(8).await?;
    let asked = call(&system, Method::OPTIONS, "logins", "", &Value::Null).await?;
    ensure!(asked.status == 204);
    for answer in [asked, ask(&system, ANN, &wish()).await?] {
        let is = |name: &str, part: &str| {
            let value = answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.is_some_and(|value| value.contains(part))
        };
        ensure!(
            is("access-control-allow-origin", "*")
                && is(
                    "access-control-allow-headers",
                    "authorization, content-type"
                )
                && is("access-control-allow-methods", "POST"),
            "{:?}",
            answer.headers
        );
        let credentials = "access-control-allow-credentials";
        ensure!(!answer.headers.contains_key(credentials));
    }
    Ok(())
}
