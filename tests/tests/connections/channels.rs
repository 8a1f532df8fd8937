//! Channels renew themselves, and a listing by the clock stands in wherever messages do not arrive.

use super::lab::{count, google_insert, rest, rows, system};
use anyhow::{Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tests::inprocess::{ANN, EMAIL, Person, System};

/// Ticks each quarter of an hour for this long, with or without messages.
async fn live(system: &System, hours: i64, messages: bool) -> Result<()> {
    for _ in 0..hours * 4 {
        system.advance(TimeDelta::minutes(15)).await?;
        system.deliver(|| u8::from(messages)).await;
        system.tick().await;
    }
    Ok(())
}

/// The channels that Google has and that were neither stopped nor came to their end.
fn running(system: &System) -> Result<Vec<String>> {
    let channels = system
        .simulator
        .control("GET", "channels", &serde_json::Value::Null)
        .map_err(anyhow::Error::msg)?;
    let now = system.simulator.now();
    let runs = |channel: &&serde_json::Value| {
        let ends = channel["expires"].as_str().unwrap_or_default();
        channel["stopped"] == false && ends.parse::<DateTime<Utc>>().is_ok_and(|ends| ends > now)
    };
    let channels = channels.as_array().into_iter().flatten().filter(runs);
    Ok(channels.map(|channel| channel["id"].to_string()).collect())
}

#[tokio::test]
async fn a_channel_is_followed_by_another_well_before_it_ends() -> Result<()> {
    let system = system(1).await?;
    for _ in 0..3 {
        let before = running(&system)?;
        ensure!(before.len() == 1, "{before:?}");
        live(&system, 7 * 24, true).await?;
        let after = running(&system)?;
        ensure!(after.len() == 1 && after != before, "{after:?}");
        let left = "select expires_at - tandem.clock() > interval '1 day' from tandem.channels where state = 'active'";
        ensure!(system.value(left).await? == true);
    }
    Ok(())
}

#[tokio::test]
async fn renewals_and_listings_of_many_calendars_do_not_come_together() -> Result<()> {
    let system = system(2).await?;
    let ann = Person {
        id: ANN.to_owned(),
        email: EMAIL.to_owned(),
    };
    for n in 0..40 {
        system.add_calendar(&ann, &format!("Calendar {n}")).await?;
    }
    rest(&system).await?;
    let spread = "select jsonb_build_array(count(*), min(watch_at) > tandem.clock() + interval '4 days', max(watch_at) < tandem.clock() + interval '6 days',
        count(distinct date_trunc('hour', watch_at)) > 15, count(distinct date_trunc('minute', due_at)) > 8) from tandem.connections";
    let spread = system.value(spread).await?;
    ensure!(spread == json!([41, true, true, true, true]), "{spread}");
    Ok(())
}

#[tokio::test]
async fn how_long_a_channel_lasts_is_for_google_to_say() -> Result<()> {
    let system = system(7).await?;
    let ends = system.simulator.now() + TimeDelta::hours(20);
    let answer = json!({"kind": "api#channel", "id": "any", "resourceId": "r", "expiration": ends.timestamp_millis().to_string()});
    let fault = json!({"method": "events.watch", "status": 200, "body": answer.to_string()});
    system.control("POST", "faults", &fault)?;
    system
        .sql("update tandem.connections set watch_at = tandem.clock()")
        .await?;
    system.tick().await;
    let known = format!("select jsonb_build_array(h.expires_at = '{}', c.watch_at between tandem.clock() + interval '11 hours' and tandem.clock() + interval '18 hours')
        from tandem.connections c join tandem.channels h on h.connection_id = c.id and h.state = 'active'", ends.to_rfc3339());
    let known = system.value(&known).await?;
    ensure!(known == json!([true, true]), "{known}");
    Ok(())
}

#[tokio::test]
async fn listings_by_the_clock_are_rare_only_while_messages_are_proven_to_arrive() -> Result<()> {
    let system = system(3).await?;
    let proven = "select tandem.is_push_proven(c, tandem.clock()) from tandem.connections c";
    ensure!(system.value(proven).await? == true);
    let before = count(&system, "events.list")?;
    live(&system, 6, true).await?;
    let rare = count(&system, "events.list")? - before;
    ensure!((6..=9).contains(&rare), "{rare} listings in 6 hours");
    // Messages stop: the first listing that finds something unannounced ends the trust.
    google_insert(&system, "Unannounced")?;
    live(&system, 2, false).await?;
    ensure!(system.value(proven).await? == false);
    ensure!(rows(&system).await? == json!({"Unannounced": "synced"}));
    let soon = "select due_at <= tandem.clock() + interval '1 minute' from tandem.connections";
    ensure!(system.value(soon).await? == true);
    // The next one that does arrive earns the trust again.
    google_insert(&system, "Announced")?;
    live(&system, 1, true).await?;
    ensure!(system.value(proven).await? == true);
    ensure!(running(&system)?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_first_channel_that_fails_is_asked_for_again() -> Result<()> {
    let system = system(4).await?;
    system
        .sql("update tandem.connections set watch_at = tandem.clock()")
        .await?;
    let fault = json!({"method": "events.watch", "status": 503, "count": 2});
    system
        .simulator
        .control("POST", "faults", &fault)
        .map_err(anyhow::Error::msg)?;
    system
        .sql("update tandem.channels set state = 'stopped'")
        .await?;
    live(&system, 2, true).await?;
    ensure!(
        system
            .value("select count(*) from tandem.channels where state = 'active'")
            .await?
            == 1
    );
    Ok(())
}

#[tokio::test]
async fn a_calendar_without_pushes_is_polled_and_says_so() -> Result<()> {
    let mut system = system(5).await?;
    // A push could not be told from a forgery.
    system.set("signing_key", "")?;
    system
        .sql("update tandem.connections set watch_at = tandem.clock()")
        .await?;
    system
        .sql("update tandem.channels set state = 'stopped'")
        .await?;
    rest(&system).await?;
    ensure!(system.value("select push from tandem.connections").await? == "poll");
    google_insert(&system, "Polled")?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"Polled": "synced"}));
    Ok(())
}

#[tokio::test]
async fn a_channel_that_was_not_stopped_is_stopped_when_it_speaks() -> Result<()> {
    let system = system(6).await?;
    // Its stop was taken for done.
    system
        .sql("update tandem.channels set state = 'stopped', resource_id = null")
        .await?;
    system
        .sql("update tandem.connections set watch_at = tandem.clock()")
        .await?;
    rest(&system).await?;
    ensure!(running(&system)?.len() == 2);
    google_insert(&system, "Heard twice")?;
    rest(&system).await?;
    system.advance(TimeDelta::minutes(11)).await?;
    rest(&system).await?;
    ensure!(running(&system)?.len() == 1, "{:?}", running(&system)?);
    ensure!(rows(&system).await? == json!({"Heard twice": "synced"}));
    Ok(())
}

/// What a message announces may be listed later, and no second message comes.
#[tokio::test]
async fn what_a_message_announced_too_early_is_listed_soon_after() -> Result<()> {
    let system = system(1).await?;
    live(&system, 2, true).await?;
    rest(&system).await?;
    system
        .simulator
        .control("POST", "switches", &json!({"readLagSeconds": 45}))
        .map_err(anyhow::Error::msg)?;
    google_insert(&system, "Late")?;
    system.deliver(|| 1).await;
    ensure!(rows(&system).await? == json!({}), "it is listed at once");
    for _ in 0..10 {
        system.advance(TimeDelta::seconds(10)).await?;
        system.tick().await;
    }
    ensure!(rows(&system).await?["Late"] == "synced", "it is not here");
    Ok(())
}
