//! What rests, and for how long: connections that ended, accounts that nobody connects again, users who have left.

use super::{Db, Person, text};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

async fn disconnect(db: &Db, of: &Person) -> Result<()> {
    let p = json!({"user_id": of.user, "connection_id": of.connection, "choice": "keep"});
    let begun = db.call("disconnect_begin", p).await?;
    db.later(70).await?;
    for id in begun["disconnections"].as_array().expect("some") {
        db.step(id).await?;
    }
    Ok(())
}

/// Upkeep's rounds, as ticks ask for them.
async fn upkeep(db: &Db) -> Result<()> {
    for _ in 0..5 {
        let done = db.call("upkeep", json!({})).await?;
        ensure!(done["problems"] == json!({}), "{done}");
        db.later(60).await?;
    }
    Ok(())
}

async fn states(db: &Db, table: &str) -> Result<Value> {
    let states = format!(
        "select coalesce(jsonb_agg(state order by created_at, state), '[]') from tandem.{table}"
    );
    db.get(&states).await
}

#[tokio::test]
async fn a_calendar_that_was_disconnected_is_forgotten_though_its_account_goes_on() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let second = db.calendar(&json!(ann.account), "second").await?;
    db.imported(&text(&second["connection_id"])).await?;
    for n in 0..3 {
        db.linked(&ann, &format!("{n}"), "remote", "live").await?;
    }
    db.linked(&bob, "his", "crm", "live").await?;
    disconnect(&db, &ann).await?;
    db.later(50 * DAY).await?;
    upkeep(&db).await?;
    let links = "select count(*) from tandem.links";
    ensure!(db.get(links).await? == 4, "a reconnect merges");
    db.later(20 * DAY).await?;
    upkeep(&db).await?;
    ensure!(db.get(links).await? == 1);
    ensure!(states(&db, "connections").await? == json!(["active", "active"]));
    ensure!(states(&db, "accounts").await? == json!(["active", "active"]));
    let again = db.calendar(&json!(ann.account), "ann").await?;
    ensure!(again["outcome"] == "connected", "{again}");
    Ok(())
}

#[tokio::test]
async fn what_is_kept_aside_of_an_event_stays_when_a_calendar_is_forgotten() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let second = db.calendar(&json!(ann.account), "second").await?;
    let second = text(&second["connection_id"]);
    db.imported(&second).await?;
    let elsewhere = db.linked(&ann, "elsewhere", "crm", "live").await?;
    let here = db.linked(&ann, "here", "crm", "live").await?;
    let gone = db.linked(&ann, "gone", "crm", "live").await?;
    disconnect(&db, &ann).await?;
    let away = Person {
        user: ann.user.clone(),
        account: ann.account.clone(),
        connection: second,
    };
    db.link(&away, elsewhere, "again", "crm", "live", None)
        .await?;
    db.run(&format!(
        "insert into tandem.event_fields (event, fields) select id, '{{\"x\": 1}}' from public.events;
         insert into tandem.attempts (event, rev, at) values ('{elsewhere}', 1, now());
         delete from public.events where id = '{gone}'; delete from tandem.changes"
    ))
    .await?;
    db.later(70 * DAY).await?;
    upkeep(&db).await?;
    let of_first = format!(
        "select count(*) from tandem.links where connection_id = '{}'",
        ann.connection
    );
    ensure!(db.get(&of_first).await? == 0);
    let kept = "select jsonb_agg(e.title order by e.title) from tandem.event_fields f join public.events e on e.id = f.event";
    ensure!(
        db.get(kept).await? == json!(["elsewhere", "here"]),
        "{here}"
    );
    ensure!(db.get("select count(*) from tandem.attempts").await? == 1);
    Ok(())
}

/// Puts things as they were last seen so many days ago.
async fn aged(db: &Db, days: i64) -> Result<()> {
    let old = format!(
        "update tandem.accounts set created_at = tandem.clock() - interval '{days} days';
         update tandem.connections set listed_at = tandem.clock() - interval '{days} days'"
    );
    db.run(&old).await
}

#[tokio::test]
async fn what_nobody_connects_again_ends_after_a_written_time() -> Result<()> {
    for (account, connection, days, ends) in [
        ("reconnect_needed", "active", 399, [false, false]),
        ("reconnect_needed", "active", 401, [true, true]),
        ("reconnect_needed", "paused", 401, [true, true]),
        ("active", "paused", 399, [false, false]),
        ("active", "paused", 401, [false, true]),
        ("active", "unreachable", 401, [false, true]),
        ("active", "active", 401, [false, false]),
    ] {
        let db = Db::new().await;
        let ann = db.person("ann").await?;
        aged(&db, days).await?;
        db.run(&format!(
            "update tandem.accounts set state = '{account}'; update tandem.connections set state = '{connection}'"
        ))
        .await?;
        upkeep(&db).await?;
        let ended = |state: &Value| state[0] == "disconnecting";
        let found = [
            ended(&states(&db, "accounts").await?),
            ended(&states(&db, "connections").await?),
        ];
        ensure!(found == ends, "{account} {connection} {days}: {found:?}");
        let begun = "select coalesce(jsonb_agg(distinct begun_by || ' ' || choice), '[]') from tandem.disconnections";
        let expected = if ends[1] {
            json!(["clock keep"])
        } else {
            json!([])
        };
        ensure!(db.get(begun).await? == expected, "{}", ann.user);
    }
    Ok(())
}

#[tokio::test]
async fn one_calendar_that_works_keeps_its_account() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    aged(&db, 500).await?;
    let second = db.calendar(&json!(ann.account), "second").await?;
    db.imported(&text(&second["connection_id"])).await?;
    db.run("update tandem.accounts set state = 'reconnect_needed'")
        .await?;
    upkeep(&db).await?;
    ensure!(states(&db, "accounts").await? == json!(["reconnect_needed"]));
    ensure!(states(&db, "connections").await? == json!(["disconnecting", "active"]));
    Ok(())
}

#[tokio::test]
async fn who_has_left_connects_nothing() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.run(&format!(
        "create schema auth; create table auth.users (id uuid primary key, deleted_at timestamptz, banned_until timestamptz);
         insert into auth.users values ('{}')",
        ann.user
    ))
    .await?;
    let store = |user: &str| {
        json!({"user_id": user, "sub": "new", "email": "e", "scopes": "a", "refresh_token": "k1.R",
            "access_token": "k1.A", "expires_in": 3600})
    };
    let connect = |of: &Person| {
        json!({"user_id": of.user, "account_id": of.account, "google_id": "new", "summary": "", "time_zone": "UTC",
            "access_role": "owner"})
    };
    for (function, p) in [
        ("account_store", store(&bob.user)),
        ("calendar_connect", connect(&bob)),
    ] {
        let (code, message) = db.refusal(function, p).await?;
        ensure!(
            code == "PT403" && message.contains("CRM"),
            "{function}: {message}"
        );
    }
    ensure!(db.call("account_store", store(&ann.user)).await?["outcome"] == "stored");
    ensure!(db.call("calendar_connect", connect(&ann)).await?["outcome"] == "connected");
    Ok(())
}

#[tokio::test]
async fn who_is_banned_for_good_has_left_and_who_is_for_a_day_has_not() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.run(&format!(
        "create schema auth; create table auth.users (id uuid primary key, banned_until timestamptz);
         insert into auth.users values ('{}', now() + interval '1 day')",
        ann.user
    ))
    .await?;
    upkeep(&db).await?;
    ensure!(states(&db, "connections").await? == json!(["active"]));
    db.run("update auth.users set banned_until = now() + interval '100 years'")
        .await?;
    upkeep(&db).await?;
    ensure!(states(&db, "connections").await? == json!(["disconnecting"]));
    Ok(())
}
