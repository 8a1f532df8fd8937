//! What a listed page does to rows, links and the inbox.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Session, Sql, cancelled, item, merge, synced, text};
use tokio::time::{Duration, sleep};
use uuid::Uuid;

#[tokio::test]
async fn a_new_item_becomes_a_row_that_is_synced() -> Result<()> {
    let (sql, person) = with_person().await?;
    let applied = sql
        .pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    assert_eq!(applied["counts"], json!({"created": 1}));
    let row = "select jsonb_build_array(title, owner_id, tandem.utc(starts_at), sync_state, google_event_id, google_calendar_id) from public.events";
    assert_eq!(
        sql.list(row).await?,
        json!([[
            "Lunch",
            person.user,
            "2026-01-05T12:00:00.000000Z",
            "synced",
            "google1",
            "ann@calendar.example"
        ]])
    );
    let link = "select jsonb_build_array(state, origin, etag, base_google ->> 'title', base_crm ->> 'title') from tandem.links";
    assert_eq!(
        sql.list(link).await?,
        json!([["live", "google", "e1", "Lunch", "Lunch"]])
    );
    nothing_to_push(&sql).await
}

#[tokio::test]
async fn a_changed_unit_of_a_clean_row_is_written_and_the_others_stay() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    sql.run("update public.events set updated_at = clock_timestamp(), sync_error = null")
        .await?;
    let applied = sql
        .pull(person.calendar, &[item("google1", "e2", "Dinner")])
        .await?;
    assert_eq!(applied["counts"], json!({"updated": 1}));
    assert_eq!(
        sql.list("select title from public.events").await?,
        json!(["Dinner"])
    );
    assert_eq!(
        sql.list("select detail -> 'units' from tandem.history where detail ? 'units'")
            .await?,
        json!([["title"]])
    );
    nothing_to_push(&sql).await
}

#[tokio::test]
async fn a_version_that_is_known_is_an_echo_and_writes_no_row() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    let google_id = sql.of_link(event, "google_id").await?;
    let row = sql.of_event(event, "xmin::text").await?;
    let applied = sql
        .pull(person.calendar, &[item(text(&google_id), "e1", "Lunch")])
        .await?;
    assert_eq!(applied["counts"], json!({"echo": 1}));
    assert_eq!(sql.of_event(event, "xmin::text").await?, row);
    assert_eq!(sql.of_job(event, "state").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_deletion_deletes_a_clean_row_and_keeps_a_tombstone() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.pull(person.calendar, &[item("google1", "e1", "Lunch")])
        .await?;
    let applied = sql
        .pull(
            person.calendar,
            &[cancelled("google1", "e2"), cancelled("never-seen", "e1")],
        )
        .await?;
    assert_eq!(applied["counts"], json!({"deleted": 1, "unknown": 1}));
    assert_eq!(sql.list("select id from public.events").await?, json!([]));
    let tombstone =
        "select jsonb_build_array(state, deleted_by, proof, old_row ->> 'title') from tandem.links";
    assert_eq!(
        sql.list(tombstone).await?,
        json!([["gone", "google", "confirmed", "Lunch"]])
    );
    nothing_to_push(&sql).await
}

#[tokio::test]
async fn an_item_is_parked_while_the_row_has_a_change() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    sql.run("update public.events set location = 'Home'")
        .await?;
    parks(&sql, person, event, &google_id).await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["look"], &claimed["inbox"]["etag"]),
        (&json!(true), &json!("e2"))
    );
    Ok(())
}

#[tokio::test]
async fn an_item_is_parked_while_an_attempt_is_open() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    let rev = sql.of_link(event, "synced_rev").await?;
    sql.run(&format!(
        "insert into tandem.attempts (event_id, rev) values ('{event}', {rev})"
    ))
    .await?;
    parks(&sql, person, event, &google_id).await
}

#[tokio::test]
async fn an_item_is_parked_while_somebody_works_on_the_series() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    sql.run("update tandem.leases set until = tandem.clock() + interval '60 seconds'")
        .await?;
    // Its record finds the item: nobody else needs to try.
    parks_as(&sql, person, event, &google_id, &json!([])).await
}

#[tokio::test]
async fn an_item_is_parked_while_a_transaction_of_the_crm_holds_the_row() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    let crm = sql.another().await?;
    crm.run("begin; update public.events set location = 'Home'")
        .await?;
    sql.run("set lock_timeout = '1ms'").await?;
    parks(&sql, person, event, &google_id).await?;
    crm.run("commit").await?;
    Ok(())
}

#[tokio::test]
async fn an_item_is_parked_where_a_change_commits_while_the_row_is_being_locked() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    let (crm, lister) = (sql.another().await?, sql.another().await?);
    // Stops the listing between its look at the changes and its lock of the row.
    sql.run(
        "alter function tandem.crm_lock(uuid, boolean) rename to crm_lock_at_once;
         create function tandem.crm_lock(event uuid, wait boolean) returns boolean language plpgsql volatile as $$ begin
           perform pg_advisory_xact_lock(1); return tandem.crm_lock_at_once(event, wait); end $$",
    )
    .await?;
    let claimed = sql.list_calendar(person.calendar).await?;
    crm.run("select pg_advisory_lock(1); begin; update public.events set location = 'Home'")
        .await?;
    let items = [item(&google_id, "e2", "Dinner")];
    let listing = lister.apply(&claimed, &items, json!({"sync_token": "s1"}));
    let meanwhile = async {
        waits_for_advisory_lock(&sql).await?;
        crm.run("commit; select pg_advisory_unlock(1)").await?;
        anyhow::Ok(())
    };
    let (applied, done) = tokio::join!(listing, meanwhile);
    done?;
    assert_eq!(applied?["counts"], json!({"parked": 1}));
    assert_eq!(sql.of_event(event, "title").await?, "Lunch");
    Ok(())
}

#[tokio::test]
async fn an_item_is_parked_where_the_record_is_younger_than_the_listing() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let listing = sql.list_calendar(person.calendar).await?;
    sql.record(&claimed, synced(&claimed, "e2")).await?;
    let older = item(text(&claimed["link"]["google_id"]), "e1", "Older");
    let applied = sql
        .apply(&listing, &[older], json!({"sync_token": "s1"}))
        .await?;
    assert_eq!(
        (&applied["counts"], &applied["due"]),
        (&json!({"parked": 1}), &json!([event]))
    );
    assert_eq!(sql.of_event(event, "title").await?, "Lunch");
    Ok(())
}

#[tokio::test]
async fn an_echo_that_comes_before_the_record_is_dropped_by_it() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let echo = item(text(&claimed["link"]["google_id"]), "e1", "Lunch");
    assert_eq!(
        sql.pull(person.calendar, &[echo]).await?["counts"],
        json!({"parked": 1})
    );
    assert_eq!(
        sql.record(&claimed, synced(&claimed, "e1")).await?["again"],
        false
    );
    assert_eq!(
        sql.list("select google_id from tandem.inbox").await?,
        json!([])
    );
    assert_eq!(sql.of_job(event, "state").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_version_that_comes_before_the_record_and_is_another_one_is_looked_at() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let newer = item(text(&claimed["link"]["google_id"]), "e2", "Theirs");
    sql.pull(person.calendar, &[newer]).await?;
    assert_eq!(
        sql.record(&claimed, synced(&claimed, "e1")).await?["again"],
        true
    );
    let next = sql.claim(event).await?;
    assert_eq!(
        (&next["look"], &next["inbox"]["etag"], &next["unclear"]),
        (&json!(true), &json!("e2"), &json!(false))
    );
    assert_eq!(
        sql.record(&next, merge(synced(&next, "e3"), json!({})))
            .await?["again"],
        false
    );
    Ok(())
}

#[tokio::test]
async fn a_parked_item_wakes_a_dead_job_and_spares_one_that_backs_off() -> Result<()> {
    let (sql, person, event, google_id) = pushed().await?;
    sql.run("update public.events set color = 'mud'").await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "retry", "reason": "503", "delay_seconds": 60}),
    )
    .await?;
    sql.pull(person.calendar, &[item(&google_id, "e2", "Theirs")])
        .await?;
    assert_eq!(sql.claim(event).await?["outcome"], "nothing");
    sql.clock(61).await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "failed", "reason": "no such colour"}),
    )
    .await?;
    sql.pull(person.calendar, &[item(&google_id, "e3", "Theirs")])
        .await?;
    assert_eq!(sql.of_job(event, "state").await?, "open");
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn pushed() -> Result<(Sql, Person, Uuid, String)> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    let google_id = text(&sql.of_link(event, "google_id").await?).to_owned();
    Ok((sql, person, event, google_id))
}

/// A newer version of the event is left to its job, and the token moves on.
async fn parks(sql: &Sql, person: Person, event: Uuid, google_id: &str) -> Result<()> {
    parks_as(sql, person, event, google_id, &json!([event])).await
}

async fn parks_as(
    sql: &Sql,
    person: Person,
    event: Uuid,
    google_id: &str,
    due: &Value,
) -> Result<()> {
    let applied = sql
        .pull(person.calendar, &[item(google_id, "e2", "Dinner")])
        .await?;
    assert_eq!(
        (&applied["counts"], &applied["due"]),
        (&json!({"parked": 1}), due)
    );
    assert_eq!(sql.of_event(event, "title").await?, "Lunch");
    let parked = "select jsonb_build_array(google_id, event_id, etag, state) from tandem.inbox";
    assert_eq!(
        sql.list(parked).await?,
        json!([[google_id, event, "e2", "waiting"]])
    );
    assert_eq!(sql.of_job(event, "state").await?, "open");
    assert_eq!(
        sql.value("select sync_token from tandem.calendars").await?,
        "s1"
    );
    Ok(())
}

async fn nothing_to_push(sql: &Sql) -> Result<()> {
    let left = "select to_jsonb(c) from tandem.changes c union all select to_jsonb(j) from tandem.jobs j union all select to_jsonb(w) from tandem.writing w";
    assert_eq!(sql.list(left).await?, json!([]));
    Ok(())
}

async fn waits_for_advisory_lock(session: &Session) -> Result<()> {
    let waiting = "select count(*) > 0 from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())";
    while session.value(waiting).await? != true {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
