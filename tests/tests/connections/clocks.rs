//! Clocks that can show nothing, or cannot send a POST.

use super::lab::{insert, system};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Request, Response};
use tests::inprocess::{ANN, FUNCTION_SECRET, System};

async fn get(system: &System, authorization: Option<&str>) -> Result<Response<Bytes>> {
    let mut request = Request::get("/functions/v1/scheduler/tick");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let reply = system.served(request.body(Bytes::new())?).await;
    Ok(reply.context("killed")?.response)
}

async fn state(system: &System) -> Result<String> {
    let state = system.value("select sync_state from public.events").await?;
    Ok(state.as_str().context("a state")?.to_owned())
}

#[tokio::test]
async fn who_shows_nothing_has_the_clocks_work_done_once_in_30_seconds() -> Result<()> {
    let system = system(1).await?;
    insert(&system, ANN, "Lunch").await?;
    let done = get(&system, None).await?;
    ensure!(done.status() == 200 && done.body() == "{}", "{done:?}");
    ensure!(state(&system).await? == "synced");
    system
        .sql("update public.events set title = 'Dinner'")
        .await?;
    let refused = get(&system, None).await?;
    ensure!(refused.status() == 429, "{refused:?}");
    ensure!(refused.headers()["retry-after"] == "30", "{refused:?}");
    ensure!(state(&system).await? == "pending");
    system.advance(TimeDelta::seconds(31)).await?;
    ensure!(get(&system, None).await?.status() == 200);
    ensure!(state(&system).await? == "synced");
    Ok(())
}

#[tokio::test]
async fn two_who_show_nothing_at_once_have_one_tick() -> Result<()> {
    let system = system(2).await?;
    let (one, two) = tokio::join!(get(&system, None), get(&system, None));
    let mut both = [one?.status().as_u16(), two?.status().as_u16()];
    both.sort_unstable();
    ensure!(both == [200, 429], "{both:?}");
    Ok(())
}

#[tokio::test]
async fn a_clock_that_cannot_post_shows_the_secret() -> Result<()> {
    let mut system = system(3).await?;
    let secret = format!("Bearer {FUNCTION_SECRET}");
    for _ in 0..2 {
        let done = get(&system, Some(&secret)).await?;
        ensure!(done.status() == 200 && done.body() != "{}", "{done:?}");
    }
    ensure!(get(&system, Some("Bearer another")).await?.status() == 401);
    ensure!(get(&system, Some("")).await?.status() == 401);
    // A deployment that was told no secret is closed.
    system.set("function_secret", "")?;
    ensure!(get(&system, None).await?.status() == 401);
    Ok(())
}
