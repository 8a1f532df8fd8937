//! Google fails: the job waits with a reason and a next attempt, and then succeeds once.

use anyhow::{Context, Result, ensure};
use http::Method;
use local::stack::database::Driver;
use local::stack::sides::Google;
use serde_json::{Value, json};
use tests::stack::{World, google_timed, timed, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_creation_waits_with_a_reason_and_then_makes_one_event() -> Result<()> {
    let w = silent().await?;
    for (name, fault) in faults("events.insert") {
        w.google.control(Method::POST, "faults", &fault).await?;
        let id = w.crm.create(&w.ann, &timed(name)).await?;
        waits(&w, &id, name).await?;
        later(&w, &id, name).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_change_waits_with_a_reason_and_then_arrives() -> Result<()> {
    let w = silent().await?;
    let id = w.crm.create(&w.ann, &timed("First")).await?;
    w.settled().await?;
    for (name, fault) in faults("events.patch") {
        w.google.control(Method::POST, "faults", &fault).await?;
        w.crm
            .run(&format!(
                "update public.events set title = '{name}' where id = '{id}'"
            ))
            .await?;
        waits(&w, &id, name).await?;
        later(&w, &id, name).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_deletion_happens_later() -> Result<()> {
    let w = silent().await?;
    for (name, fault) in faults("events.delete") {
        // A deletion has no body that could be garbage.
        if name.starts_with("garbage") {
            continue;
        }
        let id = w.crm.create(&w.ann, &timed(name)).await?;
        w.settled().await?;
        w.google.control(Method::POST, "faults", &fault).await?;
        w.crm
            .run(&format!("delete from public.events where id = '{id}'"))
            .await?;
        w.rest_of_pokes().await?;
        let job = w.work(&id).await?;
        ensure!(
            job["later"] == true && job["reason"].is_string(),
            "{name}: {job}"
        );
        w.pass(600).await?;
        w.stack.tick().await?;
        w.settled().await.with_context(|| name.to_owned())?;
        ensure!(
            w.google.list().await?.is_empty(),
            "{name}: it is still in Google"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_google_answers_too_late_makes_one_event() -> Result<()> {
    let w = silent().await?;
    let fault = json!({"method": "events.insert", "when": "after", "delay_ms": 21_000});
    w.google.control(Method::POST, "faults", &fault).await?;
    let id = w.crm.create(&w.ann, &timed("Late")).await?;
    let said = format!("select sync_error is not null from public.events where id = '{id}'");
    w.crm.wait(&said, &json!(true)).await?;
    waits(&w, &id, "Late").await?;
    later(&w, &id, "Late").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_listing_waits_with_a_reason_and_then_arrives() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (name, fault) in faults("events.list") {
        w.google.control(Method::POST, "faults", &fault).await?;
        w.google.insert(&google_timed(name)).await?;
        w.crm.wait("select last_error is not null and due_at > tandem.clock() and lease_until is null from tandem.connections", &json!(true)).await
            .with_context(|| name.to_owned())?;
        w.pass(600).await?;
        w.stack.tick().await?;
        w.crm
            .wait(
                &format!("select count(*) from public.events where title = '{name}'"),
                &json!(1),
            )
            .await?;
        w.settled().await.with_context(|| name.to_owned())?;
        let left = w
            .crm
            .value("select last_error from tandem.connections")
            .await?;
        ensure!(left.is_null(), "{name}: {left} is still shown");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_pauses_the_account_and_is_nobodys_attempt() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (status, reason) in [
        (403, "rateLimitExceeded"),
        (403, "userRateLimitExceeded"),
        (429, "rateLimitExceeded"),
    ] {
        let name = format!("{status} {reason}");
        let fault = json!({"method": "events.insert", "status": status, "reason": reason, "retry_after": 30});
        w.google.control(Method::POST, "faults", &fault).await?;
        let id = w.crm.create(&w.ann, &timed(&name)).await?;
        waits(&w, &id, &name).await?;
        ensure!(
            w.work(&id).await?["attempts"] == 0,
            "{name}: {}",
            w.work(&id).await?
        );
        let writes = w.google.writes().await?;
        let other = w.crm.create(&w.ann, &timed("Waits too")).await?;
        w.rest_of_pokes().await?;
        ensure!(
            w.google.writes().await? == writes,
            "{name}: a paused account was used"
        );
        let row = w.crm.event(&other).await?;
        ensure!(
            row["sync_state"] == "pending" && row["sync_error"].is_string(),
            "{name}: {row}"
        );
        w.pass(600).await?;
        w.stack.tick().await?;
        w.settled().await.with_context(|| name.clone())?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_access_waits_for_its_user_and_goes_on_after_a_reconnect() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let email = w.stack.people[0].email.clone();
    w.google
        .control(Method::POST, &format!("users/{email}/revoke"), &Value::Null)
        .await?;
    let id = w.crm.create(&w.ann, &timed("Waits")).await?;
    w.rest_of_pokes().await?;
    let account = w
        .crm
        .value("select to_jsonb(a) from tandem.accounts a")
        .await?;
    ensure!(
        account["state"] == "reconnect_needed" && account["reason"].is_string(),
        "{account}"
    );
    for _ in 0..3 {
        w.pass(60).await?;
        w.stack.tick().await?;
    }
    let (row, job) = (w.crm.event(&id).await?, w.work(&id).await?);
    ensure!(
        row["sync_state"] == "pending"
            && row["sync_error"]
                .as_str()
                .is_some_and(|why| why.contains("connect")),
        "{row}"
    );
    ensure!(
        job["state"] == "open" && job["attempts"].as_u64() <= Some(1),
        "{job}"
    );
    let writes = w.google.writes().await?;
    w.stack.connect(0).await?;
    w.stack.tick().await?;
    w.rest().await?;
    w.crm.wait_state(&id, "synced").await?;
    ensure!(
        w.work(&id).await?.is_null() && w.crm.event(&id).await?["sync_error"].is_null(),
        "the reason is still there"
    );
    ensure!(w.google.writes().await? == writes + 1, "not one write");
    let events = Google::of(&w.stack, 0).await?.of_row(&id).await?;
    ensure!(events.len() == 1, "{events:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_fails_for_a_while_disconnects_nobody() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (status, reason) in [
        (500, "internal_failure"),
        (503, "temporarily_unavailable"),
        (429, "rate_limit_exceeded"),
    ] {
        let name = format!("{status} {reason}");
        w.crm.run("update tandem.accounts set access_expires_at = tandem.clock() - interval '1 minute'").await?;
        w.google
            .control(
                Method::POST,
                "faults",
                &json!({"method": "oauth.token", "status": status, "reason": reason}),
            )
            .await?;
        let id = w.crm.create(&w.ann, &timed(&name)).await?;
        waits(&w, &id, &name).await?;
        let state = w.crm.value("select state from tandem.accounts").await?;
        ensure!(state == "active", "{name}: the account is {state}");
        later(&w, &id, &name).await?;
    }
    Ok(())
}

/// A world where Google announces nothing: hearing of its own event would end the wait at once.
async fn silent() -> Result<World> {
    let w = world(Driver::Neon).await?;
    let drop = json!({"drop": 100_000});
    w.google
        .control(Method::POST, "notifications", &drop)
        .await?;
    Ok(w)
}

/// What may go wrong with one call, with a name for each.
fn faults(method: &str) -> Vec<(&'static str, Value)> {
    let rule = |extra: Value| {
        let mut rule = json!({"method": method});
        for (key, value) in extra.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        rule
    };
    vec![
        ("500", rule(json!({"status": 500}))),
        ("503", rule(json!({"status": 503}))),
        (
            "503 after commit",
            rule(json!({"status": 503, "when": "after"})),
        ),
        ("cut before commit", rule(json!({"cut": true}))),
        (
            "cut after commit",
            rule(json!({"cut": true, "when": "after"})),
        ),
        (
            "garbage before commit",
            rule(json!({"body": "<html>busy</html>"})),
        ),
        (
            "garbage after commit",
            rule(json!({"body": "{\"kind\":", "when": "after"})),
        ),
        (
            "a gateway before Google",
            rule(json!({"status": 502, "body": "<html>Bad Gateway</html>"})),
        ),
    ]
}

/// The event waits, says why, and has a next attempt.
async fn waits(w: &World, id: &str, name: &str) -> Result<()> {
    w.rest_of_pokes().await?;
    let (row, job) = (w.crm.event(id).await?, w.work(id).await?);
    ensure!(row["sync_state"] == "pending", "{name}: {row}");
    ensure!(
        row["sync_error"]
            .as_str()
            .is_some_and(|reason| reason.len() > 10),
        "{name}: {row}"
    );
    ensure!(
        job["state"] == "open" && job["later"] == true,
        "{name}: {job}"
    );
    Ok(())
}

/// Some time on, the clock ticks: the event is there, once.
async fn later(w: &World, id: &str, name: &str) -> Result<()> {
    w.pass(600).await?;
    w.stack.tick().await?;
    w.settled().await.with_context(|| name.to_owned())?;
    w.crm.wait_state(id, "synced").await?;
    let (row, event) = (w.crm.event(id).await?, w.google_event(id).await?);
    ensure!(row["sync_error"].is_null(), "{name}: {row}");
    ensure!(event["summary"] == name, "{name}: {event}");
    Ok(())
}

trait Pokes {
    async fn rest_of_pokes(&self) -> Result<()>;
}

impl Pokes for World {
    async fn rest_of_pokes(&self) -> Result<()> {
        self.stack
            .relay
            .wait_until_idle(std::time::Duration::from_secs(40))
            .await
    }
}
