//! Claims of an event's work: who gets it, what with, and why not.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Session, Sql, refusal, synced, text};
use tokio::time::{Duration, sleep};
use uuid::Uuid;

#[tokio::test]
async fn there_is_nothing_to_claim_without_a_change() -> Result<()> {
    let (sql, person) = with_person().await?;
    assert_eq!(sql.claim(Uuid::new_v4()).await?["outcome"], "nothing");
    let event = sql.pushed(person.user).await?;
    let again = sql.claim(event).await?;
    assert_eq!(
        again,
        json!({"outcome": "nothing", "reason": "no work is due"})
    );
    Ok(())
}

#[tokio::test]
async fn a_claim_brings_all_that_a_decision_needs() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["outcome"], &claimed["event_id"]),
        (&json!("claimed"), &json!(event))
    );
    assert_eq!(
        (&claimed["row"]["title"], &claimed["old_row"]),
        (&json!("Lunch"), &Value::Null)
    );
    assert_eq!(
        (&claimed["look"], &claimed["unclear"], &claimed["attempt"]),
        (&json!(false), &json!(false), &json!(1))
    );
    assert_eq!(
        (&claimed["link"]["state"], &claimed["link"]["google_id"]),
        (&json!("reserved"), &derived(&sql, event, 0).await?)
    );
    assert_eq!(
        claimed["attempts"],
        json!([{"rev": claimed["rev"], "row": claimed["row"]}])
    );
    assert_eq!(
        claimed["calendar"],
        json!({"google_id": "ann@calendar.example", "time_zone": "UTC", "access_role": "owner"})
    );
    assert_eq!(claimed["connection"]["policy"], "latest");
    assert_eq!(claimed["token"]["access_token"], "access");
    assert!(claimed["changed_at"]["title"].is_string() && claimed["inbox"].is_null());
    Ok(())
}

#[tokio::test]
async fn an_event_of_nobody_who_is_connected_ends_as_not_for_google() -> Result<()> {
    let sql = Sql::new().await?;
    let event = sql.event(Uuid::new_v4()).await?;
    assert_eq!(
        sql.claim(event).await?,
        json!({"outcome": "nothing", "reason": "not for Google"})
    );
    assert_eq!(sql.of_job(event, "state").await?, Value::Null);
    assert_eq!(sql.of_event(event, "sync_state").await?, "none");
    Ok(())
}

#[tokio::test]
async fn a_disconnected_account_ends_the_work() -> Result<()> {
    for change in [
        "accounts set state = 'disconnecting'",
        "connections set state = 'disconnected'",
    ] {
        let (sql, person) = with_person().await?;
        let event = edited(&sql, person).await?;
        sql.run(&format!("update tandem.{change}")).await?;
        assert_eq!(
            sql.claim(event).await?,
            json!({"outcome": "nothing", "reason": "not connected"}),
            "{change}"
        );
        assert_eq!(sql.of_event(event, "sync_state").await?, "none", "{change}");
    }
    Ok(())
}

#[tokio::test]
async fn work_waits_for_the_first_import_and_goes_on_after_it() -> Result<()> {
    let sql = Sql::new().await?;
    let person = sql.newcomer("ann").await?;
    let event = sql.event(person.user).await?;
    waits(&sql, event, "waiting for the first import of the calendar").await?;
    sql.pull(person.calendar, &[]).await?;
    assert_eq!(sql.claim(event).await?["attempt"], 1);
    Ok(())
}

#[tokio::test]
async fn the_events_that_a_user_had_before_wait_for_the_first_import_too() -> Result<()> {
    let sql = Sql::new().await?;
    let user = Uuid::new_v4();
    let event = sql.event(user).await?;
    sql.claim(event).await?;
    let account = sql.account(user, "ann").await?;
    let calendar = sql.calendar(account, "ann@calendar.example").await?;
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    assert_eq!(
        sql.call("tandem_due", json!({})).await?["events"],
        json!([])
    );
    sql.pull(calendar, &[]).await?;
    assert_eq!(
        sql.call("tandem_due", json!({})).await?["events"],
        json!([event])
    );
    Ok(())
}

#[tokio::test]
async fn work_waits_for_a_reconnect_and_goes_on_after_it() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let p = json!({"account_id": person.account, "generation": 1, "reason": "invalid_grant"});
    assert_eq!(
        sql.call("tandem_token_refused", p).await?["outcome"],
        "recorded"
    );
    waits(
        &sql,
        event,
        "Google Calendar must be connected again: invalid_grant",
    )
    .await?;
    sql.account(person.user, "ann").await?;
    assert_eq!(sql.claim(event).await?["attempt"], 1);
    Ok(())
}

#[tokio::test]
async fn work_waits_while_the_user_pauses_the_sync() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    sql.run("update tandem.connections set state = 'paused'")
        .await?;
    waits(&sql, event, "sync is paused").await
}

#[tokio::test]
async fn work_waits_while_the_account_is_limited_and_is_due_when_that_ends() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    sql.run("update tandem.accounts set paused_until = tandem.clock() + interval '60 seconds', pause_reason = 'rate limit'").await?;
    waits(&sql, event, "rate limit").await?;
    assert_eq!(sql.claim(event).await?["outcome"], "nothing");
    sql.clock(61).await?;
    assert_eq!(sql.claim(event).await?["attempt"], 1);
    Ok(())
}

#[tokio::test]
async fn one_series_is_worked_on_by_one_at_a_time() -> Result<()> {
    let (sql, person) = with_person().await?;
    let master = sql.event(person.user).await?;
    let exception = sql.event(person.user).await?;
    sql.run(&format!(
        "update public.events set recurring_event_id = '{master}', original_start = '2031-03-10T09:00:00Z' where id = '{exception}'"
    ))
    .await?;
    let claimed = sql.claim(master).await?;
    assert_eq!(sql.claim(exception).await?["outcome"], "waiting");
    assert_eq!(sql.of_job(exception, "attempts").await?, 0);
    let recorded = sql.record(&claimed, synced(&claimed, "e1")).await?;
    assert_eq!(recorded["also"], json!([exception]));
    let claimed = sql.claim(exception).await?;
    assert_eq!(claimed["outcome"], "claimed");
    sql.run(&format!(
        "update public.events set title = 'Other' where id = '{master}'"
    ))
    .await?;
    assert_eq!(sql.claim(master).await?["outcome"], "busy");
    Ok(())
}

#[tokio::test]
async fn a_claim_over_a_dead_lease_is_unclear_and_has_a_higher_fence() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let first = sql.claim(event).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    assert_eq!(sql.claim(event).await?["outcome"], "busy");
    sql.clock(61).await?;
    let second = sql.claim(event).await?;
    assert_eq!(
        (&second["unclear"], &second["fence"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(titles(&second), ["Lunch", "Dinner"]);
    assert!(second["rev"].as_i64() > first["rev"].as_i64());
    Ok(())
}

#[tokio::test]
async fn the_rev_of_a_claim_belongs_to_its_row_though_a_change_commits_between_the_two()
-> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let first = sql.claim(event).await?;
    sql.clock(61).await?;
    // Stops the claim when it has taken its snapshot and before it reads the row.
    sql.run(
        "create or replace function tandem.crm_read(event uuid) returns jsonb language plpgsql stable as $$ begin
           perform pg_advisory_xact_lock(1); return (select tandem.crm_fields(e) from public.events e where e.id = event); end $$",
    )
    .await?;
    let (crm, claimer) = (sql.another().await?, sql.another().await?);
    crm.run("select pg_advisory_lock(1)").await?;
    let meanwhile = async {
        advisory_lock_is_awaited(&sql).await?;
        crm.run("update public.events set title = 'Dinner'; select pg_advisory_unlock(1)")
            .await?;
        anyhow::Ok(())
    };
    let (claimed, done) = tokio::join!(claimer.claim(event), meanwhile);
    done?;
    let claimed = claimed?;
    assert_eq!(
        (&claimed["row"]["title"], &claimed["rev"]),
        (&json!("Lunch"), &first["rev"])
    );
    assert_eq!(
        sql.record(&claimed, synced(&claimed, "e1")).await?["again"],
        true
    );
    Ok(())
}

#[tokio::test]
async fn a_claim_names_the_fields_that_changed_since_the_record_and_when() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.clock(100).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    sql.clock(200).await?;
    sql.run("update public.events set title = 'Supper', location = 'Home'")
        .await?;
    let changed = sql.claim(event).await?["changed_at"].clone();
    let at = sql
        .list("select tandem.utc(max(changed_at)) from tandem.changes")
        .await?;
    assert_eq!(changed, json!({"title": at[0], "location": at[0]}));
    Ok(())
}

#[tokio::test]
async fn attempts_are_counted_at_the_claim_and_spent_ones_end_in_an_error() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    for attempt in 1..=10_i64 {
        assert_eq!(sql.claim(event).await?["attempt"], attempt);
        sql.clock(attempt * 61).await?;
    }
    assert_eq!(
        sql.claim(event).await?,
        json!({"outcome": "nothing", "reason": "attempts are spent"})
    );
    assert_eq!(sql.of_job(event, "state").await?, "dead");
    assert_eq!(sql.of_event(event, "sync_state").await?, "error");
    assert!(
        text(&sql.of_event(event, "sync_error").await?).starts_with("given up after 10 attempts")
    );
    assert_eq!(
        sql.list("select kind from tandem.history").await?,
        json!(["failed"])
    );
    assert_eq!(sql.claim(event).await?["reason"], "no work is due");
    Ok(())
}

#[tokio::test]
async fn a_change_gives_a_dead_job_its_attempts_back() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "failed", "reason": "no such colour", "not_written": true}),
    )
    .await?;
    assert_eq!(sql.of_event(event, "sync_error").await?, "no such colour");
    sql.run("update public.events set color = '1'").await?;
    let again = sql.claim(event).await?;
    assert_eq!(
        (&again["attempt"], &again["unclear"]),
        (&json!(1), &json!(false))
    );
    Ok(())
}

#[tokio::test]
async fn a_deleted_row_is_claimed_with_what_it_was() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("delete from public.events").await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["row"], &claimed["old_row"]["title"]),
        (&Value::Null, &json!("Lunch"))
    );
    assert_eq!(claimed["attempts"][0]["row"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_row_that_was_deleted_and_inserted_again_is_a_row() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("begin; create temp table kept as table public.events; delete from public.events; insert into public.events table kept; commit").await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["row"]["title"], &claimed["old_row"]),
        (&json!("Lunch"), &Value::Null)
    );
    assert_eq!(claimed["link"]["state"], "live");
    Ok(())
}

#[tokio::test]
async fn another_deployment_is_refused_everywhere_and_so_is_none() -> Result<()> {
    let sql = Sql::new().await?;
    // A user's own calls are edits of the CRM, as from any other page of it.
    let surface = "select proname from pg_proc where pronamespace = 'public'::regnamespace and proname like 'tandem\\_%' and proname not like 'tandem\\_my\\_%'";
    sql.call("tandem_due", json!({})).await?;
    let functions = sql.list(surface).await?;
    assert!(functions.as_array().is_some_and(|all| all.len() > 10));
    for function in functions.as_array().into_iter().flatten().map(text) {
        let (code, said) = refusal(
            sql.call(function, json!({"instance": "https://clone.example"}))
                .await,
        );
        assert_eq!(code, "PT409", "{function}: {said}");
        let (code, said) = refusal(sql.call(function, json!({"instance": null})).await);
        assert_eq!(code, "PT400", "{function}: {said}");
    }
    Ok(())
}

/// The event is pending for this reason, and that was no attempt.
async fn waits(sql: &Sql, event: Uuid, reason: &str) -> Result<()> {
    assert_eq!(
        sql.claim(event).await?,
        json!({"outcome": "waiting", "reason": reason})
    );
    assert_eq!(sql.of_job(event, "attempts").await?, 0);
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    assert_eq!(sql.of_event(event, "sync_error").await?, reason);
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn edited(sql: &Sql, person: Person) -> Result<Uuid> {
    let event = sql.pushed(person.user).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    Ok(event)
}

async fn derived(sql: &Sql, event: Uuid, generation: i32) -> Result<Value> {
    Ok(sql
        .value(&format!("select tandem.google_id('{event}', {generation})"))
        .await?)
}

fn titles(claimed: &Value) -> Vec<&str> {
    let attempts = claimed["attempts"].as_array().into_iter().flatten();
    attempts
        .map(|attempt| text(&attempt["row"]["title"]))
        .collect()
}

async fn advisory_lock_is_awaited(session: &Session) -> Result<()> {
    let waiting = "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())";
    while session.value(waiting).await? != true {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
