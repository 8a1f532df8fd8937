//! What one CRM change and one notification cost: the requests that components send, and their time.

use super::percentile;
use crate::smoke::World;
use crate::stack::calls::{Handled, Made};
use crate::stack::database::Driver;
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Measured changes of each kind.
const MEASURED: usize = 100;
/// Changes before that, to fill connection pools and caches.
const WARM_UP: usize = 10;

/// Prints the measurements for one driver.
pub async fn run(root: &Path, driver: Driver, say: &dyn Fn(&str)) -> Result<()> {
    let world = World::start(root, driver, say).await?;
    say(&format!(
        "{driver:?}: {MEASURED} CRM changes, then {MEASURED} changes in Google"
    ));
    let id = world.crm.create(&world.ann, &json!({"title": "Bench", "starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T10:00:00Z"})).await?;
    world.crm.wait_state(&id, "synced").await?;
    world.rest().await?;
    let google_id = world.crm.event(&id).await?["google_event_id"]
        .as_str()
        .context("google_event_id")?
        .to_owned();
    for n in 0..WARM_UP {
        crm_change(&world, &id, n).await?;
        google_change(&world, &google_id, n).await?;
    }
    let (made, handled) = measure(&world, async |n| crm_change(&world, &id, n).await).await?;
    report("a CRM change (events)", "events", &made, &handled, say);
    report(
        "the echo of its write (google-webhook)",
        "google-webhook",
        &made,
        &handled,
        say,
    );
    let (made, handled) =
        measure(&world, async |n| google_change(&world, &google_id, n).await).await?;
    report(
        "a change in Google (google-webhook)",
        "google-webhook",
        &made,
        &handled,
        say,
    );
    longest(&made, say);
    instantiation(&world, say).await?;
    world.stack.stop().await;
    Ok(())
}

async fn crm_change(world: &World, id: &str, n: usize) -> Result<()> {
    world
        .crm
        .run(&format!(
            "update public.events set title = 'CRM {n} ' || clock_timestamp() where id = '{id}'"
        ))
        .await?;
    world.rest().await?;
    world.crm.wait_state(id, "synced").await
}

async fn google_change(world: &World, google_id: &str, n: usize) -> Result<()> {
    let title = format!("Google {n} {}", uuid::Uuid::new_v4());
    world
        .google
        .patch(google_id, &json!({"summary": title}))
        .await?;
    world
        .crm
        .wait(
            &format!("select title from public.events where google_event_id = '{google_id}'"),
            &json!(title),
        )
        .await?;
    world.rest().await
}

async fn measure(
    world: &World,
    change: impl AsyncFn(usize) -> Result<()>,
) -> Result<(Vec<Made>, Vec<Handled>)> {
    world.stack.calls.reset();
    for n in 0..MEASURED {
        change(n).await?;
    }
    Ok(world.stack.calls.take())
}

fn report(what: &str, component: &str, made: &[Made], handled: &[Handled], say: &dyn Fn(&str)) {
    let requests: Vec<&Handled> = handled
        .iter()
        .filter(|one| one.component == component)
        .collect();
    let calls = |request: &Handled| {
        made.iter()
            .filter(|call| call.request == request.request)
            .map(|call| call.duration)
            .collect::<Vec<_>>()
    };
    let total: usize = requests.iter().map(|request| calls(request).len()).sum();
    let mut own: Vec<Duration> = requests
        .iter()
        .map(|request| request.total.saturating_sub(calls(request).iter().sum()))
        .collect();
    own.sort();
    let per_request = total as f64 / requests.len().max(1) as f64;
    say(&format!(
        "  {what}: {} requests for {MEASURED} changes, {per_request:.2} calls each; beside its calls p50 {}, p99 {}",
        requests.len(),
        millis(percentile(&own, 50)),
        millis(percentile(&own, 99)),
    ));
}

fn longest(made: &[Made], say: &dyn Fn(&str)) {
    if let Some(call) = made.iter().max_by_key(|call| call.duration) {
        say(&format!(
            "  longest single call: {} ({} of {}); 40 ms would be a stall",
            millis(call.duration),
            call.what,
            call.component
        ));
    }
}

/// The console answers without a call: what is left is the instance itself.
async fn instantiation(world: &World, say: &dyn Fn(&str)) -> Result<()> {
    let url = format!("{}/functions/v1/console/", world.stack.app);
    world.stack.calls.reset();
    for _ in 0..MEASURED {
        world
            .stack
            .http
            .json(Method::GET, &url, None, &Value::Null)
            .await?;
    }
    let (_, handled) = world.stack.calls.take();
    let mut times: Vec<Duration> = handled.iter().map(|request| request.first_byte).collect();
    times.sort();
    say(&format!(
        "  instantiation to first byte: p50 {}, p99 {}",
        millis(percentile(&times, 50)),
        millis(percentile(&times, 99))
    ));
    Ok(())
}

fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1000.0)
}
