//! An instance that ends at any of its calls leaves nothing behind but time.

use anyhow::{Context, Result, ensure};
use http::Method;
use local::host::Verdict;
use local::stack::database::Driver;
use serde_json::json;
use tests::stack::{World, google_timed, timed, world};

const CALLS: [usize; 3] = [1, 2, 3];
const ENDS: [Verdict; 2] = [Verdict::KillBefore, Verdict::KillAfter];

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_call_of_a_creation_leaves_one_event() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (name, nth, verdict) in points() {
        w.crash.arm("events", nth, verdict);
        let id = w.crm.create(&w.ann, &timed(&name)).await?;
        recovered(&w, &name).await?;
        w.crm.wait_state(&id, "synced").await?;
        ensure!(
            w.google_event(&id).await?["summary"] == name.as_str(),
            "{name}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_call_of_a_change_loses_nothing() -> Result<()> {
    let w = world(Driver::Neon).await?;
    let id = w.crm.create(&w.ann, &timed("Call")).await?;
    w.settled().await?;
    let first = w.google_event(&id).await?;
    for (name, nth, verdict) in points() {
        w.crash.arm("events", nth, verdict);
        w.crm
            .run(&format!(
                "update public.events set title = '{name}' where id = '{id}'"
            ))
            .await?;
        recovered(&w, &name).await?;
        w.crm.wait_state(&id, "synced").await?;
        let event = w.google_event(&id).await?;
        ensure!(
            event["summary"] == name.as_str() && event["id"] == first["id"],
            "{name}: {event}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_call_of_a_deletion_deletes_the_event() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (name, nth, verdict) in points() {
        let id = w.crm.create(&w.ann, &timed(&name)).await?;
        w.settled().await?;
        w.crash.arm("events", nth, verdict);
        w.crm
            .run(&format!("delete from public.events where id = '{id}'"))
            .await?;
        recovered(&w, &name).await?;
        ensure!(
            w.google.list().await?.is_empty(),
            "{name}: it is still in Google"
        );
        ensure!(w.crm.event(&id).await?.is_null(), "{name}: it came back");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_after_a_crash_is_the_one_that_counts() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (name, nth, verdict) in points() {
        w.crash.arm("events", nth, verdict);
        let id = w.crm.create(&w.ann, &timed("Before")).await?;
        w.rest_of_pokes().await?;
        w.crm
            .run(&format!(
                "update public.events set title = '{name}' where id = '{id}'"
            ))
            .await?;
        recovered(&w, &name).await?;
        ensure!(
            w.google_event(&id).await?["summary"] == name.as_str(),
            "{name}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_google_after_a_crashed_push_survives_it() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for verdict in ENDS {
        w.crash.arm("events", 3, verdict);
        let id = w.crm.create(&w.ann, &timed("Ours")).await?;
        w.rest_of_pokes().await?;
        let event = w.google_event(&id).await?;
        let google_id = event["id"].as_str().context("id")?;
        w.google
            .patch(google_id, &json!({"location": "Theirs"}))
            .await?;
        recovered(&w, "edited in Google").await?;
        let row = w.crm.event(&id).await?;
        ensure!(
            row["title"] == "Ours" && row["location"] == "Theirs",
            "{row}"
        );
        ensure!(
            w.google_event(&id).await?["location"] == "Theirs",
            "Google lost it"
        );
        w.crm
            .run(&format!("delete from public.events where id = '{id}'"))
            .await?;
        w.settled().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_call_of_a_pull_costs_time_only() -> Result<()> {
    let w = world(Driver::Neon).await?;
    for (name, nth, verdict) in points() {
        w.crash.arm("google-webhook", nth, verdict);
        let event = w.google.insert(&google_timed(&name)).await?;
        let id = event["id"].as_str().context("id")?;
        recovered(&w, &name).await?;
        let count = format!(
            "select count(*) from public.events where google_event_id = '{id}' and title = '{name}'"
        );
        w.crm.wait(&count, &json!(1)).await?;
        w.google.delete(id).await?;
        w.settled().await?;
        ensure!(
            w.crm.value("select count(*) from public.events").await? == 0,
            "{name}: it was not deleted"
        );
    }
    ensure!(
        w.google.list().await?.is_empty(),
        "something was left in Google"
    );
    Ok(())
}

/// Every call of three, before it leaves and after its answer.
fn points() -> Vec<(String, usize, Verdict)> {
    let points = ENDS
        .into_iter()
        .flat_map(|verdict| CALLS.map(|nth| (format!("{verdict:?} {nth}"), nth, verdict)));
    points.collect()
}

/// What happens by itself: the lease ends, Google sends its message again, the clock ticks.
async fn recovered(w: &World, name: &str) -> Result<()> {
    w.rest_of_pokes().await?;
    w.crash_is_over(name).await?;
    w.pass(61).await?;
    w.google
        .control(Method::POST, "clock", &json!({"advance": 61}))
        .await?;
    w.caught_up().await.with_context(|| format!("after {name}"))
}

trait Steps {
    async fn rest_of_pokes(&self) -> Result<()>;
    async fn crash_is_over(&self, name: &str) -> Result<()>;
}

impl Steps for World {
    async fn rest_of_pokes(&self) -> Result<()> {
        self.stack
            .relay
            .wait_until_idle(std::time::Duration::from_secs(20))
            .await
    }

    /// A notification is sent beside the test.
    async fn crash_is_over(&self, name: &str) -> Result<()> {
        for _ in 0..400 {
            if !self.crash.is_armed() {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        anyhow::bail!("{name}: the call that was to crash was never made")
    }
}
