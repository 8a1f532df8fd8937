//! Several schedulers at once, and one that ends between any two of its calls.

use super::lab::{count, google_insert, google_titles, insert, is_at_rest, rest, system};
use anyhow::{Result, ensure};
use chrono::TimeDelta;
use serde_json::json;
use tests::inprocess::{ANN, Fate, System};

/// Something of each kind is due: an event, a listing, a channel, a refresh, a channel to stop.
async fn due(system: &System, name: &str) -> Result<()> {
    insert(system, ANN, &format!("CRM's {name}")).await?;
    google_insert(system, &format!("Google's {name}"))?;
    system
        .sql(
            "update tandem.connections set watch_at = tandem.clock(), due_at = tandem.clock();
             update tandem.accounts set access_expires_at = tandem.clock()",
        )
        .await
}

/// Both sides are the same, and one channel runs.
async fn is_fine(system: &System) -> Result<()> {
    for _ in 0..3 {
        rest(system).await?;
    }
    is_at_rest(system).await?;
    let rows = "select coalesce(jsonb_agg(title order by title collate \"C\"), '[]') from public.events where sync_state = 'synced'";
    let (rows, events) = (system.value(rows).await?, json!(google_titles(system)?));
    ensure!(rows == events, "the CRM has {rows}, Google has {events}");
    let running = "select count(*) from tandem.channels where state = 'active' and expires_at > tandem.clock()";
    ensure!(
        system.value(running).await? == 1,
        "{}",
        system.value(running).await?
    );
    let state = system.value("select state from tandem.accounts").await?;
    ensure!(state == "active", "{state}");
    Ok(())
}

/// A tick with something of each kind makes fewer calls than this.
const CALLS: u32 = 18;

#[tokio::test]
async fn a_scheduler_may_end_between_any_two_calls() -> Result<()> {
    let system = system(1).await?;
    for fate in [Fate::KilledBefore, Fate::KilledAfter] {
        for call in 0..CALLS {
            let name = format!("{fate:?} {call}");
            due(&system, &name).await?;
            let killed = system.killed();
            system.kill(call, fate);
            system.tick().await;
            system.forgive();
            ensure!(call > 8 || system.killed() > killed, "{name} met no call");
            system.advance(TimeDelta::minutes(6)).await?;
            if let Err(error) = is_fine(&system).await {
                return Err(error.context(name));
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn schedulers_at_once_share_the_work() -> Result<()> {
    let system = system(2).await?;
    let inserts = count(&system, "events.insert")?;
    let tokens = count(&system, "oauth.token")?;
    for round in 0..5 {
        for n in 0..4 {
            insert(&system, ANN, &format!("{round} {n}")).await?;
        }
        due(&system, &round.to_string()).await?;
        let replies = futures::join!(system.tick(), system.tick(), system.tick(), system.tick());
        for reply in [&replies.0, &replies.1, &replies.2, &replies.3] {
            let status = reply.as_ref().map(|reply| reply.response.status().as_u16());
            ensure!(status == Some(200), "{status:?}");
        }
        system.advance(TimeDelta::minutes(6)).await?;
    }
    is_fine(&system).await?;
    // Ours, and those that the test itself made in Google.
    ensure!(count(&system, "events.insert")? - inserts == 5 * 5 + 5);
    ensure!(
        count(&system, "oauth.token")? - tokens <= 2 * 5,
        "several refreshed at once"
    );
    Ok(())
}
