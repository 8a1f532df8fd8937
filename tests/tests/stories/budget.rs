//! How many requests the work costs, as the HTTP client counts them, and that nothing is sent when nothing changed.

use anyhow::{Result, ensure};
use http::Method;
use local::stack::database::Driver;
use serde_json::{Value, json};
use tests::stack::{World, google_timed, timed, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_change_costs_three_calls_and_its_echo_four_through_neon() -> Result<()> {
    three_calls_per_change(Driver::Neon).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_change_costs_three_calls_and_its_echo_four_through_postgrest() -> Result<()> {
    three_calls_per_change(Driver::Postgrest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_costs_four_calls_however_many_events_changed_through_neon() -> Result<()> {
    four_calls_per_notification(Driver::Neon).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_costs_four_calls_however_many_events_changed_through_postgrest()
-> Result<()> {
    four_calls_per_notification(Driver::Postgrest).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_refresh_costs_one_more_call() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (change, expected) in [
        ("insert", "POST /sql,POST /token,POST events,POST /sql"),
        ("update", "POST /sql,POST /token,PATCH event,POST /sql"),
    ] {
        w.crm.run("update tandem.accounts set access_expires_at = tandem.clock() + interval '4 minutes'").await?;
        make(&w, change).await?;
        let requests = w.calls_by_request();
        let push = requests.iter().find(|(component, _)| component == "events");
        let calls = push.map(|(_, calls)| shown(calls)).unwrap_or_default();
        ensure!(calls == expected, "{change}: {requests:?}");
    }
    w.settled().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_with_a_token_refresh_costs_one_more_call() -> Result<()> {
    let w = world(Driver::Neon).await?;
    w.crm
        .run("update tandem.accounts set access_expires_at = tandem.clock() + interval '4 minutes'")
        .await?;
    w.google.insert(&google_timed("Lunch")).await?;
    w.settled().await?;
    let requests = w.calls_by_request();
    let calls: Vec<String> = requests.iter().map(|(_, calls)| shown(calls)).collect();
    ensure!(
        calls == ["POST /sql,POST /token,GET events,POST /sql,POST /sql"],
        "{requests:?}"
    );
    let generation = w
        .crm
        .value("select token_generation from tandem.accounts")
        .await?;
    ensure!(generation == 2, "the token was not stored: {generation}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rest_nothing_echoes() -> Result<()> {
    let w = world(Driver::Neon).await?;
    make(&w, "insert").await?;
    make(&w, "update").await?;
    w.google.insert(&google_timed("Lunch")).await?;
    w.crm
        .wait(
            "select count(*) from public.events where sync_state = 'synced'",
            &json!(2),
        )
        .await?;
    w.settled().await?;
    let (writes, changes) = (w.google.writes().await?, changes(&w).await?);
    w.pass(7200).await?;
    for _ in 0..3 {
        w.stack.tick().await?;
        w.settled().await?;
    }
    ensure!(w.google.writes().await? == writes, "a tick wrote to Google");
    ensure!(changes_now(&w, &changes).await?, "a tick changed a row");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_google_does_not_know_costs_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let id = make(&w, "insert").await?;
    w.stack.calls.reset();
    w.crm
        .run(&format!(
            "update public.events set title = title, updated_at = now() where id = '{id}'"
        ))
        .await?;
    w.rest().await?;
    let requests = w.calls_by_request();
    ensure!(requests.is_empty(), "{requests:?}");
    w.settled().await
}

async fn three_calls_per_change(driver: Driver) -> Result<()> {
    let w = world(driver).await?;
    for change in ["insert", "update", "delete"] {
        make(&w, change).await?;
        let requests = w.calls_by_request();
        let components: Vec<&str> = requests
            .iter()
            .map(|(component, _)| component.as_str())
            .collect();
        ensure!(
            components == ["events", "google-webhook"],
            "{change}: {requests:?}"
        );
        for (component, calls) in &requests {
            // A notification: one call to claim, then list, load and commit for each page.
            let expected = if component == "google-webhook" { 4 } else { 3 };
            ensure!(
                calls.len() == expected,
                "{change}: {component} made {calls:?}"
            );
        }
    }
    w.settled().await
}

async fn four_calls_per_notification(driver: Driver) -> Result<()> {
    let w = world(driver).await?;
    // All but the last notification are lost, so that one announces forty events.
    w.google
        .control(Method::POST, "notifications", &json!({"drop": 39}))
        .await?;
    for n in 0..40 {
        w.google
            .insert(&google_timed(&format!("Event {n:02}")))
            .await?;
    }
    w.crm
        .wait(
            "select count(*) from public.events where sync_state = 'synced'",
            &json!(40),
        )
        .await?;
    w.settled().await?;
    let requests = w.calls_by_request();
    ensure!(requests.len() == 1, "{requests:?}");
    ensure!(
        requests
            .iter()
            .all(|(component, calls)| component == "google-webhook" && calls.len() == 4),
        "{requests:?}"
    );
    Ok(())
}

/// Makes a change in the CRM and waits until it is in Google and its echo is over. The echo comes
/// after the record, as it does from Google: one that overtakes it has the event merged, by one more claim.
async fn make(w: &World, change: &str) -> Result<String> {
    w.rest().await?;
    w.google
        .control(Method::POST, "notifications", &json!({"hold": true}))
        .await?;
    w.stack.calls.reset();
    let found = w
        .crm
        .value("select id from public.events order by created_at desc limit 1")
        .await?;
    let mut id = found.as_str().unwrap_or_default().to_owned();
    match change {
        "insert" => id = w.crm.create(&w.ann, &timed("Call")).await?,
        "update" => {
            w.crm
                .run(&format!(
                    "update public.events set title = title || '!' where id = '{id}'"
                ))
                .await?
        }
        _ => {
            w.crm
                .run(&format!("delete from public.events where id = '{id}'"))
                .await?
        }
    }
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(20))
        .await?;
    if change != "delete" {
        w.crm.wait_state(&id, "synced").await?;
    }
    w.google
        .control(Method::POST, "notifications", &json!({}))
        .await?;
    w.rest().await?;
    Ok(id)
}

fn shown(calls: &[String]) -> String {
    let shown = calls
        .iter()
        .map(|call| match call.split_once(" /calendar/v3/calendars/") {
            Some((method, path)) => format!(
                "{method} {}",
                if path.ends_with("/events") {
                    "events"
                } else {
                    "event"
                }
            ),
            None => call.clone(),
        });
    shown.collect::<Vec<_>>().join(",")
}

async fn changes(w: &World) -> Result<Value> {
    w.crm.value("select jsonb_build_array((select count(*) from tandem.changes), (select jsonb_agg(to_jsonb(e) order by e.id) from public.events e))").await
}

async fn changes_now(w: &World, before: &Value) -> Result<bool> {
    Ok(changes(w).await? == *before)
}
