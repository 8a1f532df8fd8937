//! What the clock finds.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, synced};

#[tokio::test]
async fn a_change_whose_poke_was_lost_is_found() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    assert_eq!(sql.of_job(event, "state").await?, Value::Null);
    assert_eq!(due(&sql, "events", 10).await?, json!([event]));
    assert_eq!(due(&sql, "events", 10).await?, json!([event]));
    let claimed = sql.claim(event).await?;
    assert_eq!(due(&sql, "events", 10).await?, json!([]));
    sql.record(&claimed, synced(&claimed, "e1")).await?;
    assert_eq!(due(&sql, "events", 10).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn work_whose_lease_died_is_due_again() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    sql.claim(event).await?;
    sql.clock(61).await?;
    assert_eq!(due(&sql, "events", 10).await?, json!([event]));
    Ok(())
}

#[tokio::test]
async fn an_import_of_one_account_does_not_keep_the_others_waiting() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let bob = sql.person("bob").await?;
    sql.run(&format!(
        "insert into public.events (owner_id, starts_at, ends_at) select '{}', now(), now() from generate_series(1, 100)",
        ann.user
    ))
    .await?;
    due(&sql, "events", 1).await?;
    let his = sql.event(bob.user).await?;
    let found = due(&sql, "events", 2).await?;
    assert_eq!(found.as_array().map(Vec::len), Some(2));
    assert!(
        found
            .as_array()
            .is_some_and(|found| found.contains(&json!(his)))
    );
    Ok(())
}

#[tokio::test]
async fn events_of_an_account_that_is_paused_are_not_due() -> Result<()> {
    let (sql, person) = with_person().await?;
    let pushed = sql.pushed(person.user).await?;
    sql.run("update tandem.accounts set paused_until = tandem.clock() + interval '60 seconds'")
        .await?;
    let new = sql.event(person.user).await?;
    sql.run(&format!(
        "update public.events set title = 'Dinner' where id = '{pushed}'"
    ))
    .await?;
    assert_eq!(due(&sql, "events", 10).await?, json!([]));
    sql.clock(61).await?;
    let found = due(&sql, "events", 10).await?;
    assert!(
        [pushed, new].iter().all(|event| found
            .as_array()
            .is_some_and(|found| found.contains(&json!(event)))),
        "{found}"
    );
    Ok(())
}

#[tokio::test]
async fn a_calendar_is_due_by_its_time_unless_its_account_rests_or_somebody_lists_it() -> Result<()>
{
    let (sql, person) = with_person().await?;
    assert_eq!(due(&sql, "calendars", 10).await?, json!([]));
    sql.clock(61).await?;
    assert_eq!(due(&sql, "calendars", 10).await?, json!([person.calendar]));
    for rest in [
        "paused_until = tandem.clock() + interval '1 hour'",
        "state = 'reconnect_needed'",
    ] {
        sql.run(&format!("update tandem.accounts set {rest}"))
            .await?;
        assert_eq!(due(&sql, "calendars", 10).await?, json!([]), "{rest}");
        sql.run("update tandem.accounts set paused_until = null, state = 'active'")
            .await?;
    }
    sql.list_calendar(person.calendar).await?;
    assert_eq!(due(&sql, "calendars", 10).await?, json!([]));
    sql.clock(130).await?;
    assert_eq!(due(&sql, "calendars", 10).await?, json!([person.calendar]));
    Ok(())
}

#[tokio::test]
async fn a_channel_that_ends_within_a_day_is_due_until_its_calendar_has_a_longer_one() -> Result<()>
{
    let (sql, person) = with_person().await?;
    channel(&sql, person, "old", 6 * 86_400).await?;
    assert_eq!(due(&sql, "channels", 10).await?, json!([]));
    sql.clock(5 * 86_400 + 60).await?;
    assert_eq!(due(&sql, "channels", 10).await?, json!([person.calendar]));
    let old = channel(&sql, person, "new", 12 * 86_400).await?;
    assert_eq!(
        old,
        json!([{"channel_id": "old", "resource_id": "resource"}])
    );
    assert_eq!(due(&sql, "channels", 10).await?, json!([]));
    sql.call("tandem_channel_stopped", json!({"channel_ids": ["old"]}))
        .await?;
    assert_eq!(
        sql.list("select jsonb_build_array(id, state) from tandem.channels order by id")
            .await?,
        json!([["new", "active"], ["old", "stopped"]])
    );
    Ok(())
}

#[tokio::test]
async fn a_calendar_that_cannot_have_a_channel_is_polled_and_not_asked_again() -> Result<()> {
    let (sql, person) = with_person().await?;
    let p = json!({"calendar_id": person.calendar, "channel_id": "one"});
    sql.call("tandem_channel_begin", p).await?;
    let failed =
        json!({"channel_id": "one", "failed": "push is not supported", "unsupported": true});
    sql.call("tandem_channel_record", failed).await?;
    assert_eq!(
        sql.value("select jsonb_build_array(push, last_error) from tandem.calendars")
            .await?,
        json!(["poll", "push is not supported"])
    );
    assert_eq!(due(&sql, "channels", 10).await?, json!([]));
    sql.clock(61).await?;
    assert_eq!(due(&sql, "calendars", 10).await?, json!([person.calendar]));
    Ok(())
}

#[tokio::test]
async fn the_clock_stores_where_to_poke() -> Result<()> {
    let sql = Sql::new().await?;
    for secret in ["one", "two"] {
        let p = json!({"function_url": "https://tandem.example/functions/v1", "function_secret": secret});
        sql.call("tandem_due", p).await?;
        assert_eq!(
            sql.value("select tandem.setting('function_secret')")
                .await?,
            secret
        );
    }
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn due(sql: &Sql, what: &str, most: u32) -> Result<Value> {
    Ok(sql.call("tandem_due", json!({"most": most})).await?[what].clone())
}

/// Gives the calendar a channel that ends so many seconds from the real time; the ones to stop.
async fn channel(sql: &Sql, person: Person, id: &str, seconds: i64) -> Result<Value> {
    let p = json!({"calendar_id": person.calendar, "channel_id": id});
    assert_eq!(
        sql.call("tandem_channel_begin", p).await?["outcome"],
        "begun"
    );
    let expires_at = sql
        .value(&format!(
            "select clock_timestamp() + interval '{seconds} seconds'"
        ))
        .await?;
    let p = json!({"channel_id": id, "resource_id": "resource", "expires_at": expires_at});
    Ok(sql.call("tandem_channel_record", p).await?["old"].clone())
}
