//! More is due than one question of the clock answers: it goes on while it has time, each user in
//! turn, and what rests is not found again and again.

use super::lab::{BOB, call, google_insert, insert, is_at_rest, rest, rows, system};
use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::inprocess::{ANN, EMAIL, Person, System};

/// Users with so many calendars each, all of them due.
const USERS: [(&str, &str, usize); 3] = [
    ("a0000000-0000-4000-8000-00000000000a", "large", 100),
    ("b0000000-0000-4000-8000-00000000000b", "small", 10),
    ("c0000000-0000-4000-8000-00000000000c", "middle", 10),
];

async fn lab(seed: u64) -> Result<System> {
    let system = system(seed).await?;
    for (id, name, calendars) in USERS {
        let email = format!("{name}@example.com");
        let (id, person) = (id.to_owned(), email);
        let person = Person { id, email: person };
        system.connect(&person).await?;
        for n in 1..calendars {
            system.add_calendar(&person, &format!("{name} {n}")).await?;
        }
    }
    // The large one's have waited for longer.
    system
        .sql(
            &format!("update tandem.connections set watch_at = tandem.clock() + interval '1 day', imported_at = tandem.clock(),
               due_at = tandem.clock() - case user_id when '{}' then interval '1 hour' else interval '1 minute' end;
             update tandem.connections set due_at = tandem.clock() + interval '1 day' where user_id = '{ANN}'", USERS[0].0),
        )
        .await?;
    Ok(system)
}

/// How many calendars are still due, by the user's account.
async fn left(system: &System) -> Result<Value> {
    let left = "select coalesce(jsonb_object_agg(name, n), '{}') from (select split_part(a.email, '@', 1) as name, count(*) n
        from tandem.connections c join tandem.accounts a on a.id = c.account_id where c.due_at <= tandem.clock() group by 1) x";
    system.value(left).await
}

async fn ticks(system: &System) -> Result<Value> {
    let reply = system.tick().await.context("killed")?;
    Ok(serde_json::from_slice(reply.response.body())?)
}

#[tokio::test]
async fn a_tick_goes_on_until_nothing_is_due() -> Result<()> {
    let system = lab(1).await?;
    ensure!(left(&system).await? == json!({"large": 100, "small": 10, "middle": 10}));
    let told = ticks(&system).await?;
    ensure!(
        told["connections"] == 120 && told["unfinished"] == false,
        "{told}"
    );
    ensure!(
        left(&system).await? == json!({}),
        "{}",
        left(&system).await?
    );
    Ok(())
}

#[tokio::test]
async fn a_tick_ends_with_its_time_and_has_served_every_user_by_then() -> Result<()> {
    let system = lab(2).await?;
    system.set_pace(TimeDelta::milliseconds(400));
    let told = ticks(&system).await?;
    ensure!(told["unfinished"] == true, "{told}");
    let mut called = system.take_ticks_called();
    let still = left(&system).await?;
    ensure!(
        still["small"].is_null() && still["middle"].is_null(),
        "the large one's came first: {still}"
    );
    let rest = still["large"].as_u64().context("large")?;
    ensure!((60..95).contains(&rest), "{still}");
    // The next one, which it has called, fills its time too, and the last has some left.
    let next = called.pop().context("it calls the next one")?;
    let reply = system.ticked_by(next).await.context("killed")?;
    let told: Value = serde_json::from_slice(reply.response.body())?;
    ensure!(
        told["connections"].as_u64() >= Some(40) && told["unfinished"] == true,
        "{told}"
    );
    ensure!(system.take_ticks_called().len() == 1);
    let told = ticks(&system).await?;
    ensure!(told["unfinished"] == false, "{told}");
    ensure!(system.take_ticks_called().is_empty());
    let never = "select count(*) from tandem.connections where listed_at is null";
    ensure!(system.value(never).await? == 0);
    Ok(())
}

#[tokio::test]
async fn events_of_every_user_go_out_before_a_large_one_is_done() -> Result<()> {
    let system = lab(3).await?;
    let all = "update tandem.connections set due_at = tandem.clock() + interval '1 hour'";
    system.sql(all).await?;
    for (owner, _, count) in USERS {
        for n in 0..count {
            insert(&system, owner, &format!("{owner} {n}")).await?;
        }
    }
    system.set_pace(TimeDelta::milliseconds(400));
    let told = ticks(&system).await?;
    ensure!(told["unfinished"] == true, "{told}");
    let waiting = "select coalesce(jsonb_object_agg(owner_id, n), '{}') from (select owner_id, count(*) n from public.events
        where sync_state <> 'synced' group by owner_id) x";
    let waiting = system.value(waiting).await?;
    ensure!(
        waiting.as_object().map(serde_json::Map::len) == Some(1),
        "{waiting}"
    );
    Ok(())
}

/// What a tick would look at.
const DUE: &str = "select count(*) from tandem.connections where due_at <= tandem.clock() or watch_at <= tandem.clock()";

#[tokio::test]
async fn an_account_that_waits_for_its_user_is_not_due_until_it_is_connected_again() -> Result<()> {
    let system = system(4).await?;
    let revoke = format!("users/{EMAIL}/revoke");
    system.control("POST", &revoke, &Value::Null)?;
    system.advance(TimeDelta::hours(2)).await?;
    rest(&system).await?;
    ensure!(system.value("select state from tandem.accounts").await? == "reconnect_needed");
    for _ in 0..3 {
        system.advance(TimeDelta::hours(2)).await?;
        google_insert(&system, "Announced")?;
        system.deliver(|| 1).await;
        system.tick().await;
        ensure!(system.value(DUE).await? == 0, "it is found by each tick");
    }
    system.connect_as(ANN, EMAIL).await?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"Announced": "synced"}));
    let running = "select count(*) from tandem.channels where state = 'active' and expires_at > tandem.clock()";
    ensure!(system.value(running).await? == 1);
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_pause_is_not_due_either_and_ends_with_a_channel() -> Result<()> {
    let system = system(5).await?;
    let id = system.value("select id from tandem.connections").await?;
    call(&system, ANN, "pause", &json!({"connection_id": id}), 200).await?;
    for _ in 0..10 {
        system.advance(TimeDelta::days(1)).await?;
        system.tick().await;
        ensure!(system.value(DUE).await? == 0, "it is found by each tick");
    }
    google_insert(&system, "Meanwhile")?;
    call(&system, ANN, "resume", &json!({"connection_id": id}), 200).await?;
    rest(&system).await?;
    ensure!(rows(&system).await? == json!({"Meanwhile": "synced"}));
    let running = "select count(*) from tandem.channels where state = 'active' and expires_at > tandem.clock()";
    ensure!(system.value(running).await? == 1);
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_calendar_of_two_users_goes_on_when_one_of_them_loses_access() -> Result<()> {
    let system = system(6).await?;
    let bob = "bob@example.com";
    system.simulator.add_user(bob, "Bob", true);
    let rule = json!({"role": "owner", "scope": {"type": "user", "value": bob}});
    let shared = format!("calendars/{EMAIL}/acl");
    system.google_as(EMAIL, http::Method::POST, &shared, &rule)?;
    system.google_as(
        bob,
        http::Method::POST,
        "users/me/calendarList",
        &json!({"id": EMAIL}),
    )?;
    system.connect_as(BOB, bob).await?;
    let theirs = json!({"google_id": EMAIL});
    call(&system, BOB, "calendars", &theirs, 200).await?;
    rest(&system).await?;
    let active = format!(
        "select jsonb_agg(a.user_id order by a.user_id) from tandem.connections c join tandem.accounts a on a.id = c.account_id
         where c.calendar_id = '{EMAIL}' and a.state = 'active'"
    );
    ensure!(system.value(&active).await? == json!([ANN, BOB]));
    let revoke = format!("users/{EMAIL}/revoke");
    system.control("POST", &revoke, &Value::Null)?;
    system.advance(TimeDelta::hours(1)).await?;
    rest(&system).await?;
    ensure!(system.value(&active).await? == json!([BOB]));
    google_insert(&system, "Still seen")?;
    rest(&system).await?;
    let owners = "select coalesce(jsonb_agg(title || ' of ' || owner_id order by title, owner_id), '[]') from public.events
        where sync_state = 'synced'";
    ensure!(system.value(owners).await? == json!([format!("Still seen of {BOB}")]));
    // She comes back, and both have the same.
    system.connect_as(ANN, EMAIL).await?;
    insert(&system, ANN, "Hers").await?;
    rest(&system).await?;
    rest(&system).await?;
    let both =
        ["Hers", "Still seen"].map(|title| [ANN, BOB].map(|user| format!("{title} of {user}")));
    let found = system.value(owners).await?;
    ensure!(found == json!(both.concat()), "{found}");
    is_at_rest(&system).await
}

#[tokio::test]
async fn a_long_listing_ends_with_the_ticks_time_and_goes_on_with_the_next_one() -> Result<()> {
    let system = system(7).await?;
    system.control(
        "POST",
        &format!("calendars/{EMAIL}/fill"),
        &json!({"count": 2_000}),
    )?;
    let due = "update tandem.connections set due_at = tandem.clock()";
    system.sql(due).await?;
    system.set_pace(TimeDelta::seconds(5));
    let told = ticks(&system).await?;
    let rows = "select count(*) from public.events";
    let first = system.value(rows).await?.as_u64().context("rows")?;
    ensure!((250..=1_250).contains(&first), "{first} rows, {told}");
    ensure!(told["unfinished"] == true, "{told}");
    for _ in 0..3 {
        ticks(&system).await?;
    }
    ensure!(system.value(rows).await? == 2_000);
    Ok(())
}
