//! The database is out of reach: callers hear it, and the work happens later.

use super::webhook::{genuine, post};
use anyhow::{Result, ensure};
use http::Method;
use local::stack::database::Driver;
use serde_json::json;
use tests::stack::{World, google_timed, timed, world};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_pokes_get_503_and_the_work_happens_later_through_neon() -> Result<()> {
    pokes(Driver::Neon).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_pokes_get_503_and_the_work_happens_later_through_postgrest()
-> Result<()> {
    pokes(Driver::Postgrest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_google_hears_503_and_sends_its_message_again() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let message = genuine(&w, "exists", 5000).await?;
    w.gate.shut();
    let answer = post(&w, Method::POST, &message).await?;
    ensure!(answer.status() == 503, "{answer:?}");
    w.google.insert(&google_timed("Meanwhile")).await?;
    retried(&w).await?;
    w.gate.reopen();
    w.crm
        .wait(
            "select jsonb_agg(title) from public.events",
            &json!(["Meanwhile"]),
        )
        .await?;
    w.settled().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_during_a_push_loses_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let fault = json!({"method": "events.insert", "when": "after", "delay_ms": 1500});
    w.google.control(Method::POST, "faults", &fault).await?;
    let id = w.crm.create(&w.ann, &timed("Claimed")).await?;
    while w.google.list().await?.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    w.gate.shut();
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(20))
        .await?;
    w.gate.reopen();
    let state = w.crm.event(&id).await?;
    ensure!(state["sync_state"] == "pending", "{state}");
    w.pass(61).await?;
    w.stack.tick().await?;
    w.settled().await?;
    w.google_event(&id).await?;
    w.crm.wait_state(&id, "synced").await
}

async fn pokes(driver: Driver) -> Result<()> {
    let w = world(driver).await?;
    w.gate.shut();
    let id = w.crm.create(&w.ann, &timed("Later")).await?;
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(20))
        .await?;
    for function in [
        "event-create",
        "event-update",
        "event-delete",
        "scheduler/tick",
    ] {
        let (status, answer) = w.poke(function, &id).await?;
        ensure!(
            status == 503 && answer["error"].is_string(),
            "{function}: {status} {answer}"
        );
    }
    ensure!(
        w.google.list().await?.is_empty(),
        "Google was called without a claim"
    );
    ensure!(
        w.crm.event(&id).await?["sync_state"] == "pending",
        "the state is not pending"
    );
    w.gate.reopen();
    w.stack.tick().await?;
    w.settled().await?;
    w.google_event(&id).await?;
    w.crm.wait_state(&id, "synced").await
}

async fn retried(w: &World) -> Result<()> {
    for _ in 0..400 {
        let state = w
            .google
            .control(Method::GET, "notifications", &serde_json::Value::Null)
            .await?;
        if state["counters"]["retried"].as_u64() > Some(0) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    anyhow::bail!("Google was not told that its message failed")
}
