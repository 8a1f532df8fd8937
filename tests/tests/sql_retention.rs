//! What is old is forgotten; what something may still ask for is not.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, synced};
use uuid::Uuid;

const DAY: i64 = 86_400;

#[tokio::test]
async fn an_old_history_is_forgotten_and_a_young_one_is_not() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    note(&sql, event, "pushed").await?;
    sql.clock(399 * DAY).await?;
    note(&sql, event, "pulled").await?;
    tick(&sql).await?;
    assert_eq!(kinds(&sql, event).await?, json!(["pushed", "pulled"]));
    sql.clock(401 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(kinds(&sql, event).await?, json!(["pulled"]));
    Ok(())
}

#[tokio::test]
async fn how_long_is_a_setting_of_at_least_a_day_and_nonsense_is_none() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    note(&sql, event, "pushed").await?;
    sql.run("insert into tandem.settings values ('history_days', 'a year')")
        .await?;
    sql.clock(2 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(kinds(&sql, event).await?, json!(["pushed"]));
    sql.run("update tandem.settings set value = '0' where key = 'history_days'")
        .await?;
    sql.clock(DAY / 2).await?;
    tick(&sql).await?;
    assert_eq!(kinds(&sql, event).await?, json!(["pushed"]));
    sql.clock(2 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(kinds(&sql, event).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn of_an_events_changes_the_newest_stays() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    for title in ["Dinner", "Supper"] {
        edit(&sql, event, &format!("title = '{title}'")).await?;
    }
    assert_eq!(count(&sql, event).await?, 3);
    sql.clock(401 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(count(&sql, event).await?, 1);
    let newest = format!("select max(rev) from tandem.changes where event_id = '{event}'");
    assert_eq!(
        sql.value(&newest).await?,
        sql.of_link(event, "synced_rev").await?
    );
    Ok(())
}

#[tokio::test]
async fn what_is_still_to_be_sent_stays() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    for title in ["Dinner", "Supper"] {
        sql.run(&format!("update public.events set title = '{title}'"))
            .await?;
    }
    sql.clock(401 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(count(&sql, event).await?, 2);
    Ok(())
}

#[tokio::test]
async fn what_a_copy_of_the_meeting_may_ask_for_stays() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    edit(&sql, event, "color = '5'").await?;
    edit(&sql, event, "title = 'Dinner'").await?;
    sql.clock(401 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(count(&sql, event).await?, 2);
    let own = format!("select to_jsonb(tandem.own_units('{event}'))");
    assert_eq!(sql.value(&own).await?, json!(["color"]));
    Ok(())
}

#[tokio::test]
async fn a_deleted_events_row_stays_known() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    sql.run("delete from public.events").await?;
    tick(&sql).await?;
    sql.clock(401 * DAY).await?;
    tick(&sql).await?;
    let row = format!("select tandem.deleted_row('{event}') ->> 'title'");
    assert_eq!(sql.value(&row).await?, "Lunch");
    Ok(())
}

#[tokio::test]
async fn the_walk_goes_through_all_events_and_begins_anew() -> Result<()> {
    let (sql, person) = with_person().await?;
    for _ in 0..3 {
        let event = sql.pushed(person.user).await?;
        edit(
            &sql,
            event,
            &format!("title = 'Dinner' where id = '{event}'"),
        )
        .await?;
    }
    let all = "select count(*) from tandem.changes";
    assert_eq!(sql.value(all).await?, 6);
    sql.clock(401 * DAY).await?;
    for left in [5, 4, 3, 3] {
        sql.run("select tandem.forget_changes(2)").await?;
        assert_eq!(sql.value(all).await?, left);
    }
    assert_eq!(
        sql.value("select tandem.setting('forgot_up_to')").await?,
        ""
    );
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

#[tokio::test]
async fn what_lay_in_googles_trash_for_too_long_is_forgotten() -> Result<()> {
    let (sql, person) = with_person().await?;
    let keep = format!(
        "insert into tandem.inbox (calendar_id, google_id, raw, state, series_id, as_of) values ('{}', 's_1', '', 'dormant', 's', 0)",
        person.calendar
    );
    sql.run(&keep).await?;
    let left = "select count(*) from tandem.inbox";
    sql.clock(59 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(sql.value(left).await?, json!(1));
    sql.clock(61 * DAY).await?;
    tick(&sql).await?;
    assert_eq!(sql.value(left).await?, json!(0));
    Ok(())
}

async fn tick(sql: &Sql) -> Result<()> {
    sql.call("tandem_due", json!({"most": 10})).await?;
    Ok(())
}

/// An edit of the CRM's that reaches Google.
async fn edit(sql: &Sql, event: Uuid, set: &str) -> Result<()> {
    sql.run(&format!("update public.events set {set}")).await?;
    let claimed = sql.claim(event).await?;
    sql.record(&claimed, synced(&claimed, set)).await?;
    Ok(())
}

async fn note(sql: &Sql, event: Uuid, kind: &str) -> Result<()> {
    let note = format!("select tandem.note('{event}', '{kind}', '{{}}')");
    Ok(sql.run(&note).await?)
}

async fn count(sql: &Sql, event: Uuid) -> Result<Value> {
    let count = format!("select count(*) from tandem.changes where event_id = '{event}'");
    Ok(sql.value(&count).await?)
}

async fn kinds(sql: &Sql, event: Uuid) -> Result<Value> {
    let kinds = format!("select kind from tandem.history where event_id = '{event}' order by id");
    Ok(sql.list(&kinds).await?)
}
