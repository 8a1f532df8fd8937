//! Connecting a calendar, and everything that is refused on the way. No answer shows a secret.

use super::consent::{
    bearer, consent, disconnected, finish, get, nothing_connected, parameter, say_yes,
    shows_no_secret,
};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use local::postgrest::jwt;
use local::stack::database::Driver;
use serde_json::json;
use shared::secret::Signer;
use tests::stack::{Setup, World, start};

const FAR: i64 = 4_102_444_800;

#[tokio::test(flavor = "multi_thread")]
async fn only_a_user_of_the_crm_may_start() -> Result<()> {
    let w = disconnected().await?;
    let (ann, secret) = (w.ann.clone(), w.stack.secrets.jwt_secret.clone());
    let none = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJleHAiOjQxMDI0NDQ4MDB9.";
    let wrong = [
        ("no JWT", String::new()),
        ("nonsense", "Bearer nonsense".to_owned()),
        (
            "another secret",
            bearer(&jwt::sign(
                "another secret of the same length",
                &json!({"sub": ann, "exp": FAR}),
            )),
        ),
        (
            "an expired one",
            bearer(&jwt::sign(&secret, &json!({"sub": ann, "exp": 1_000_000}))),
        ),
        (
            "one without an end",
            bearer(&jwt::sign(&secret, &json!({"sub": ann}))),
        ),
        (
            "nobody's",
            bearer(&jwt::sign(
                &secret,
                &json!({"exp": FAR, "role": "service_role"}),
            )),
        ),
        (
            "a user without a name",
            bearer(&jwt::sign(&secret, &json!({"sub": "", "exp": FAR}))),
        ),
        ("an unsigned one", bearer(none)),
    ];
    for (what, authorization) in wrong {
        let answer = get(
            &w,
            "google-connect/start",
            &[("authorization", &authorization)],
        )
        .await?;
        ensure!(answer.status() == 401, "{what}: {answer:?}");
        shows_no_secret(&w, &answer)?;
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a refused start made a call"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_calendar_is_imported_and_watched_and_its_tokens_are_sealed() -> Result<()> {
    let w = disconnected().await?;
    let callback = consent(&w, &w.stack.people[0].email).await?;
    let answer = finish(&w, &callback).await?;
    ensure!(answer.status() == 200, "{answer:?}");
    shows_no_secret(&w, &answer)?;
    let account = w
        .crm
        .value("select to_jsonb(a) from tandem.accounts a")
        .await?;
    for token in ["access_token", "refresh_token"] {
        let sealed = account[token].as_str().context("no token")?;
        ensure!(
            sealed.starts_with("k1.") && !sealed.contains("ya29"),
            "{token} is stored as {sealed}"
        );
    }
    let connection = w
        .crm
        .value("select to_jsonb(c) from tandem.connections c")
        .await?;
    ensure!(
        connection["push"] == "push"
            && !connection["imported_at"].is_null()
            && !connection["sync_token"].is_null(),
        "{connection}"
    );
    let channel = w
        .crm
        .value("select to_jsonb(c) from tandem.channels c")
        .await?;
    ensure!(
        channel["state"] == "active" && !channel["resource_id"].is_null(),
        "{channel}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_no_or_unticks_a_box_is_not_connected() -> Result<()> {
    let w = disconnected().await?;
    let cases = [
        (json!("deny"), "not granted"),
        (
            json!(["openid", "https://www.googleapis.com/auth/userinfo.email"]),
            "every box",
        ),
    ];
    for (n, (wish, reason)) in cases.into_iter().enumerate() {
        let email = format!("carl{n}@example.com");
        w.google
            .control(
                Method::POST,
                "users",
                &json!({"email": email, "auto_consent": wish}),
            )
            .await?;
        let callback = consent(&w, &email).await?;
        let answer = finish(&w, &callback).await?;
        let said = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(
            answer.status() == 400 && said.contains(reason),
            "{wish}: {answer:?}"
        );
        shows_no_secret(&w, &answer)?;
    }
    nothing_connected(&w).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_works_once() -> Result<()> {
    let w = disconnected().await?;
    let callback = consent(&w, &w.stack.people[0].email).await?;
    finish(&w, &callback).await?;
    let before = w
        .crm
        .value("select jsonb_agg(a) from tandem.accounts a")
        .await?;
    w.stack.calls.reset();
    let again = finish(&w, &callback).await?;
    ensure!(
        again.status() == 400 && String::from_utf8_lossy(again.body()).contains("used before"),
        "{again:?}"
    );
    shows_no_secret(&w, &again)?;
    ensure!(
        w.crm
            .value("select jsonb_agg(a) from tandem.accounts a")
            .await?
            == before,
        "the replay changed the account"
    );
    let requests = w.calls_by_request();
    ensure!(
        requests.iter().all(|(_, calls)| calls.len() == 1),
        "the replay asked Google: {requests:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_not_ours_or_too_old_is_refused_without_a_call() -> Result<()> {
    let w = disconnected().await?;
    let callback = consent(&w, &w.stack.people[0].email).await?;
    w.stack.calls.reset();
    for (what, state) in forged(&w, &parameter(&callback, "state")?)? {
        let mut url = callback.clone();
        let pairs = [("code", parameter(&callback, "code")?), ("state", state)];
        url.query_pairs_mut().clear().extend_pairs(pairs);
        let answer = finish(&w, &url).await?;
        let said = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(
            answer.status() == 400
                && said.contains(if what == "an expired one" {
                    "has expired"
                } else {
                    "not valid"
                }),
            "{what}: {answer:?}"
        );
        shows_no_secret(&w, &answer)?;
    }
    ensure!(
        w.calls_by_request().is_empty(),
        "a forged state made a call"
    );
    nothing_connected(&w).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_google_does_not_know_connects_nobody() -> Result<()> {
    let w = disconnected().await?;
    let mut callback = consent(&w, &w.stack.people[0].email).await?;
    let state = parameter(&callback, "state")?;
    callback
        .query_pairs_mut()
        .clear()
        .extend_pairs([("code", "4/unknown"), ("state", &state)]);
    let answer = finish(&w, &callback).await?;
    ensure!(answer.status() == 502, "{answer:?}");
    shows_no_secret(&w, &answer)?;
    nothing_connected(&w).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_sent_to_the_page_with_the_reason() -> Result<()> {
    let w = disconnected().await?;
    let html = [("accept", "text/html,application/xhtml+xml")];
    for (query, expected) in [
        ("?error=access_denied", "google=error&code=invalid_request"),
        ("?code=x&state=y", "google=error&code=invalid_request"),
    ] {
        let answer = get(&w, &format!("google-connect/callback{query}"), &html).await?;
        let to = answer
            .headers()
            .get("location")
            .and_then(|to| to.to_str().ok())
            .unwrap_or_default();
        ensure!(
            answer.status() == 303
                && to.starts_with(&w.stack.app)
                && to.contains(expected)
                && !to.contains("reason="),
            "{answer:?}"
        );
        shows_no_secret(&w, &answer)?;
    }
    let callback = consent(&w, &w.stack.people[0].email).await?;
    let path = format!(
        "google-connect/callback?{}",
        callback.query().unwrap_or_default()
    );
    let asked = get(&w, &path, &[html[0], ("cookie", &callback.cookie)]).await?;
    nothing_connected(&w).await?;
    shows_no_secret(&w, &asked)?;
    let answer = say_yes(&w, &asked).await?;
    let to = answer
        .headers()
        .get("location")
        .and_then(|to| to.to_str().ok())
        .unwrap_or_default();
    ensure!(
        answer.status() == 303 && to.contains("google=connected") && !to.contains("code="),
        "{answer:?}"
    );
    shows_no_secret(&w, &answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_the_user_is_asked_to_try_again_and_the_state_is_still_good()
-> Result<()> {
    let w = disconnected().await?;
    let callback = consent(&w, &w.stack.people[0].email).await?;
    w.gate.shut();
    let answer = finish(&w, &callback).await?;
    ensure!(answer.status() == 503, "{answer:?}");
    shows_no_secret(&w, &answer)?;
    w.gate.reopen();
    let answer = finish(&w, &callback).await?;
    ensure!(answer.status() == 200, "{answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_nobody_can_connect_and_the_log_says_why() -> Result<()> {
    for (variable, path) in [
        ("jwt_secret", "start"),
        ("signing_key", "start"),
        ("signing_key", "callback?state=x&code=y"),
    ] {
        let w = start(Setup::new(Driver::Neon).with(variable, "").unconnected()).await?;
        let authorization = bearer(&w.stack.people[0].jwt);
        let answer = get(
            &w,
            &format!("google-connect/{path}"),
            &[("authorization", &authorization)],
        )
        .await?;
        ensure!(answer.status() == 401, "{variable}: {answer:?}");
        ensure!(
            w.log().iter().any(|line| line.contains(variable)),
            "{variable}: {:?}",
            w.log()
        );
        ensure!(
            w.calls_by_request().is_empty(),
            "{variable}: a call was made"
        );
    }
    Ok(())
}

/// What a stranger could send as a state, with a name for each.
fn forged(w: &World, genuine: &str) -> Result<Vec<(&'static str, String)>> {
    let parts: Vec<&str> = genuine.split('.').collect();
    let [nonce, user, expires, "", name, signature] = parts.as_slice() else {
        anyhow::bail!("the state has another form: {genuine}");
    };
    let signer = &Signer::new(&w.stack.secrets.signing_key);
    let bob = URL_SAFE_NO_PAD.encode(&w.stack.people[1].id);
    let old = format!("{nonce}.{user}.1000000..");
    let signed = |text: &str| format!("{text}.{}", signer.sign("state", text));
    Ok(vec![
        ("none", String::new()),
        ("nonsense", "nonsense".to_owned()),
        (
            "another user",
            format!("{nonce}.{bob}.{expires}..{name}.{signature}"),
        ),
        (
            "another end",
            format!("{nonce}.{user}.9999999999..{name}.{signature}"),
        ),
        (
            "another key",
            format!(
                "{nonce}.{user}.{expires}...{}",
                Signer::new("key").sign("state", &format!("{nonce}.{user}.{expires}.."))
            ),
        ),
        (
            "another purpose",
            format!("{nonce}.{user}.{expires}...{}", signer.sign("pkce", nonce)),
        ),
        ("an expired one", signed(&old)),
        ("one part too few", signed(&format!("{nonce}.{user}"))),
    ])
}
