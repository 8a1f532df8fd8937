//! Listings of a calendar: who lists, what a notification counts for, how the token moves.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{DIGEST, Person, Sql, cancelled, item, merge, text};
use tokio::time::{Duration, timeout};
use uuid::Uuid;

#[tokio::test]
async fn a_calendar_is_listed_by_one_at_a_time_and_each_claim_has_a_higher_fence() -> Result<()> {
    let (sql, person) = with_person().await?;
    let first = sql.list_calendar(person.calendar).await?;
    assert_eq!(sql.list_calendar(person.calendar).await?["outcome"], "busy");
    sql.clock(61).await?;
    let second = sql.list_calendar(person.calendar).await?;
    assert!(second["fence"].as_i64() > first["fence"].as_i64());
    assert!(second["as_of"].as_i64() > first["as_of"].as_i64());
    assert_eq!(
        sql.list_calendar(Uuid::new_v4()).await?["outcome"],
        "nothing"
    );
    Ok(())
}

#[tokio::test]
async fn a_listing_that_was_taken_over_applies_nothing() -> Result<()> {
    let (sql, person) = with_person().await?;
    let first = sql.list_calendar(person.calendar).await?;
    sql.clock(61).await?;
    sql.list_calendar(person.calendar).await?;
    let applied = sql
        .apply(
            &first,
            &[item("google1", "e1", "Lunch")],
            json!({"sync_token": "late"}),
        )
        .await?;
    assert_eq!(applied, json!({"outcome": "fenced"}));
    assert_eq!(sql.list("select id from public.events").await?, json!([]));
    assert_eq!(of_calendar(&sql, "sync_token").await?, "s0");
    let p = json!({"calendar_id": person.calendar, "fence": first["fence"], "reason": "late", "delay_seconds": 1});
    assert_eq!(sql.call("tandem_pull_fail", p).await?["outcome"], "fenced");
    Ok(())
}

#[tokio::test]
async fn a_calendar_waits_with_its_account() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.run("update tandem.accounts set paused_until = tandem.clock() + interval '60 seconds', pause_reason = 'rate limit'").await?;
    assert_eq!(
        sql.list_calendar(person.calendar).await?,
        json!({"outcome": "waiting", "reason": "rate limit"})
    );
    sql.run("update tandem.accounts set paused_until = null, pause_reason = null, state = 'reconnect_needed', reason = 'refused'").await?;
    assert_eq!(
        sql.list_calendar(person.calendar).await?,
        json!({"outcome": "waiting", "reason": "refused"})
    );
    Ok(())
}

#[tokio::test]
async fn a_notification_asks_for_a_listing() -> Result<()> {
    let (sql, _) = with_channel().await?;
    let claimed = notify(&sql, json!({})).await?;
    assert_eq!(
        (
            &claimed["outcome"],
            &claimed["sync_token"],
            &claimed["notices"]
        ),
        (&json!("claimed"), &json!("s0"), &json!(1))
    );
    Ok(())
}

#[tokio::test]
async fn a_notification_of_a_channel_that_is_not_ours_is_nothing() -> Result<()> {
    let (sql, _) = with_channel().await?;
    assert_eq!(
        notify(&sql, json!({"channel_id": "unknown"})).await?["outcome"],
        "nothing"
    );
    assert_eq!(
        notify(&sql, json!({"resource_id": "another"})).await?["outcome"],
        "nothing"
    );
    assert_eq!(
        notify(&sql, json!({"state": "sync"})).await?["outcome"],
        "nothing"
    );
    for state in ["stopping", "stopped"] {
        sql.run(&format!("update tandem.channels set state = '{state}'"))
            .await?;
        assert_eq!(
            notify(&sql, json!({})).await?["outcome"],
            "nothing",
            "{state}"
        );
    }
    sql.run("update tandem.channels set state = 'active', expires_at = tandem.clock()")
        .await?;
    assert_eq!(notify(&sql, json!({})).await?["outcome"], "nothing");
    assert_eq!(of_calendar(&sql, "notices").await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_notification_may_come_before_the_answer_to_watch_and_is_adopted() -> Result<()> {
    let (sql, person) = with_person().await?;
    let p = json!({"calendar_id": person.calendar, "channel_id": "channel"});
    assert_eq!(
        sql.call("tandem_channel_begin", p.clone()).await?["outcome"],
        "begun"
    );
    assert_eq!(
        sql.call(
            "tandem_channel_begin",
            merge(p, json!({"channel_id": "other"}))
        )
        .await?["outcome"],
        "nothing"
    );
    assert_eq!(
        notify(&sql, json!({"state": "sync"})).await?["outcome"],
        "nothing"
    );
    let channel = "select jsonb_build_array(state, resource_id) from tandem.channels";
    assert_eq!(sql.value(channel).await?, json!(["active", "resource"]));
    assert_eq!(
        notify(&sql, json!({"message_number": 2})).await?["outcome"],
        "claimed"
    );
    Ok(())
}

#[tokio::test]
async fn a_message_number_counts_once_a_listing_that_began_after_it_has_ended() -> Result<()> {
    let (sql, _) = with_channel().await?;
    let claimed = notify(&sql, json!({"message_number": 7})).await?;
    assert_eq!(
        notify(&sql, json!({"message_number": 7})).await?["outcome"],
        "busy"
    );
    let end = json!({"sync_token": "s1", "channel_id": "channel", "message_number": 7});
    assert_eq!(sql.apply(&claimed, &[], end).await?["more"], true);
    assert_eq!(
        notify(&sql, json!({"message_number": 7})).await?["outcome"],
        "nothing"
    );
    assert_eq!(
        notify(&sql, json!({"message_number": 8})).await?["outcome"],
        "claimed"
    );
    Ok(())
}

#[tokio::test]
async fn a_notification_during_a_listing_asks_for_one_more() -> Result<()> {
    let (sql, person) = with_channel().await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    assert_eq!(notify(&sql, json!({})).await?["outcome"], "busy");
    let end = json!({"sync_token": "s1"});
    assert_eq!(sql.apply(&claimed, &[], end.clone()).await?["more"], true);
    assert_eq!(
        sql.call("tandem_due", json!({})).await?["calendars"],
        json!([person.calendar])
    );
    let again = sql.list_calendar(person.calendar).await?;
    assert_eq!(sql.apply(&again, &[], end).await?["more"], false);
    assert_eq!(
        sql.call("tandem_due", json!({})).await?["calendars"],
        json!([])
    );
    Ok(())
}

#[tokio::test]
async fn a_claim_of_a_new_event_waits_for_no_listing() -> Result<()> {
    let (sql, person) = with_person().await?;
    let (event, lister) = (sql.event(person.user).await?, sql.another().await?);
    let listing = sql.list_calendar(person.calendar).await?;
    let items = [item("google1", "e1", "Lunch")];
    lister.run("begin").await?;
    lister
        .apply(&listing, &items, json!({"sync_token": "s1"}))
        .await?;
    let claim = timeout(Duration::from_secs(30), sql.claim(event)).await?;
    assert_eq!(claim?["outcome"], "claimed");
    lister.run("commit").await?;
    Ok(())
}

#[tokio::test]
async fn the_token_is_stored_with_the_last_page_only() -> Result<()> {
    let (sql, person) = with_person().await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    let applied = sql
        .apply(
            &claimed,
            &[item("google1", "e1", "One")],
            json!({"page_token": "p2"}),
        )
        .await?;
    assert_eq!(
        (&applied["more"], of_calendar(&sql, "sync_token").await?),
        (&json!(true), json!("s0"))
    );
    assert!(applied["as_of"].as_i64() > claimed["as_of"].as_i64());
    sql.clock(61).await?;
    let next = sql.list_calendar(person.calendar).await?;
    assert_eq!(
        (&next["sync_token"], &next["page_token"]),
        (&json!("s0"), &json!("p2"))
    );
    sql.apply(
        &next,
        &[item("google2", "e1", "Two")],
        json!({"sync_token": "s1"}),
    )
    .await?;
    assert_eq!(
        of_calendar(
            &sql,
            "jsonb_build_array(sync_token, page_token, lease_until)"
        )
        .await?,
        json!(["s1", null, null])
    );
    assert_eq!(
        sql.list("select title from public.events order by title")
            .await?,
        json!(["One", "Two"])
    );
    Ok(())
}

#[tokio::test]
async fn other_parameters_of_the_listing_forget_the_token() -> Result<()> {
    let (sql, person) = with_person().await?;
    let claimed = claim_with(&sql, person, "another").await?;
    assert_eq!(
        (&claimed["outcome"], &claimed["sync_token"]),
        (&json!("claimed"), &Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn other_parameters_forget_where_an_unfinished_full_listing_stopped() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.newcomer("ann").await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    sql.apply(&claimed, &[], json!({"page_token": "p2"}))
        .await?;
    sql.clock(61).await?;
    assert_eq!(claim_with(&sql, person, DIGEST).await?["page_token"], "p2");
    sql.clock(122).await?;
    assert_eq!(
        claim_with(&sql, person, "another").await?["page_token"],
        Value::Null
    );
    Ok(())
}

#[tokio::test]
async fn a_failure_says_why_and_when_and_may_forget_the_token() -> Result<()> {
    let (sql, person) = with_person().await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    let p = json!({"calendar_id": person.calendar, "fence": claimed["fence"], "reason": "410", "delay_seconds": 0, "resync": true});
    assert_eq!(
        sql.call("tandem_pull_fail", p).await?["outcome"],
        "recorded"
    );
    let kept = "jsonb_build_array(sync_token, failures, last_error)";
    assert_eq!(of_calendar(&sql, kept).await?, json!([null, 1, "410"]));
    sql.pull(person.calendar, &[]).await?;
    assert_eq!(of_calendar(&sql, kept).await?, json!(["s1", 0, null]));
    Ok(())
}

#[tokio::test]
async fn what_a_full_listing_did_not_show_is_looked_at_and_not_deleted() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.pull(
        person.calendar,
        &[
            item("google1", "e1", "Stays"),
            item("google2", "e1", "Missing"),
        ],
    )
    .await?;
    let before = sql.list_calendar(person.calendar).await?;
    let p = json!({"calendar_id": person.calendar, "fence": before["fence"], "reason": "410", "delay_seconds": 0, "resync": true});
    sql.call("tandem_pull_fail", p).await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    let pushed = sql.pushed(person.user).await?;
    sql.apply(
        &claimed,
        &[item("google1", "e1", "Stays")],
        json!({"sync_token": "s2"}),
    )
    .await?;
    let looks =
        "select title from tandem.jobs j join public.events e on e.id = j.event_id where j.look";
    assert_eq!(sql.list(looks).await?, json!(["Missing"]));
    assert_eq!(sql.of_job(pushed, "look").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn an_incremental_listing_asks_for_no_looks() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Stays")])
        .await?;
    sql.pull(person.calendar, &[cancelled("google2", "e1")])
        .await?;
    assert_eq!(
        sql.list("select event_id from tandem.jobs").await?,
        json!([])
    );
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

/// With a channel named `channel` on the person's calendar.
async fn with_channel() -> Result<(Sql, Person)> {
    let (sql, person) = with_person().await?;
    let p = json!({"calendar_id": person.calendar, "channel_id": "channel"});
    let begun = sql.call("tandem_channel_begin", p).await?;
    assert_eq!(text(&begun["outcome"]), "begun");
    let p = json!({"channel_id": "channel", "resource_id": "resource", "expires_at": "2126-01-01T00:00:00Z"});
    sql.call("tandem_channel_record", p).await?;
    Ok((sql, person))
}

async fn notify(sql: &Sql, over: Value) -> Result<Value> {
    let p = json!({"digest": DIGEST, "channel_id": "channel", "resource_id": "resource", "message_number": 5, "state": "exists"});
    Ok(sql.call("tandem_pull_claim", merge(p, over)).await?)
}

async fn claim_with(sql: &Sql, person: Person, digest: &str) -> Result<Value> {
    Ok(sql
        .call(
            "tandem_pull_claim",
            json!({"calendar_id": person.calendar, "digest": digest}),
        )
        .await?)
}

async fn of_calendar(sql: &Sql, column: &str) -> Result<Value> {
    Ok(sql
        .value(&format!("select {column} from tandem.calendars"))
        .await?)
}
