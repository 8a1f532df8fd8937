//! Items that nobody can use, and meetings that more than one calendar shows.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Session, Sql, cancelled, item, merge, text};
use tokio::time::{Duration, sleep};

#[tokio::test]
async fn an_unreadable_item_is_kept_as_text_and_the_page_goes_on() -> Result<()> {
    let (sql, person) = with_person().await?;
    let raw = "{\"id\":\"bad\",\"summary\":\"\\u0000\\ud800\"}";
    let unreadable = json!({"google_id": null, "raw": raw, "unreadable": "a lone surrogate", "cancelled": false});
    let applied = sql
        .pull(
            person.calendar,
            &[unreadable, item("google1", "e1", "Lunch")],
        )
        .await?;
    assert_eq!(applied["counts"], json!({"quarantined": 1, "created": 1}));
    let kept = "select jsonb_build_array(raw, state, reason, left(google_id, 4)) from tandem.inbox";
    assert_eq!(
        sql.list(kept).await?,
        json!([[raw, "quarantined", "a lone surrogate", "md5:"]])
    );
    assert_eq!(
        sql.value("select sync_token from tandem.calendars").await?,
        "s1"
    );
    Ok(())
}

#[tokio::test]
async fn what_the_database_refuses_is_quarantined_alone() -> Result<()> {
    let (sql, person) = with_person().await?;
    let backwards = json!({"starts_at": "2026-01-05T12:00:00Z", "ends_at": "2026-01-05T11:00:00Z"});
    let refused = merge(
        item("google1", "e1", "Bad"),
        json!({"units": {"time": {"google": "12-11", "row": backwards}}}),
    );
    let no_status = merge(
        item("google2", "e1", "Bad"),
        json!({"units": {"time": {"google": 1, "row": {"status": "odd", "starts_at": "2026-01-05T12:00:00Z", "ends_at": "2026-01-05T12:00:00Z"}}}}),
    );
    let no_time = merge(item("google3", "e1", "Bad"), json!({"units": {}}));
    let applied = sql
        .pull(
            person.calendar,
            &[refused, no_status, no_time, item("google4", "e1", "Good")],
        )
        .await?;
    assert_eq!(applied["counts"], json!({"quarantined": 3, "created": 1}));
    assert_eq!(
        sql.list("select title from public.events").await?,
        json!(["Good"])
    );
    assert_eq!(
        sql.list("select google_id from tandem.links").await?,
        json!(["google4"])
    );
    let reason = sql
        .value("select reason from tandem.inbox where google_id = 'google1'")
        .await?;
    assert!(text(&reason).contains("events_end_after_start"), "{reason}");
    assert_eq!(
        sql.list("select event_id from tandem.writing").await?,
        json!([])
    );
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_trigger_of_the_crm_quarantines_that_row_only() -> Result<()> {
    let (sql, person) = with_person().await?;
    sql.pull(
        person.calendar,
        &[item("google1", "e1", "Lunch"), item("google2", "e1", "Tea")],
    )
    .await?;
    sql.run(
        "create function public.picky() returns trigger language plpgsql as $$ begin
           if new.title = 'Bad' then raise exception 'not that'; end if; return new; end $$;
         create trigger picky before update on public.events for each row execute function public.picky()",
    )
    .await?;
    let applied = sql
        .pull(
            person.calendar,
            &[
                item("google1", "e2", "Bad"),
                item("google2", "e2", "Coffee"),
            ],
        )
        .await?;
    assert_eq!(applied["counts"], json!({"quarantined": 1, "updated": 1}));
    assert_eq!(
        sql.list("select title from public.events order by title")
            .await?,
        json!(["Coffee", "Lunch"])
    );
    assert_eq!(
        sql.list("select etag from tandem.links order by google_id")
            .await?,
        json!(["e1", "e2"])
    );
    Ok(())
}

#[tokio::test]
async fn an_item_leaves_the_quarantine_when_a_later_version_is_understood() -> Result<()> {
    let (sql, person) = with_person().await?;
    let unreadable = merge(
        item("google1", "e1", "Lunch"),
        json!({"unreadable": "no start"}),
    );
    sql.pull(person.calendar, &[unreadable]).await?;
    let applied = sql
        .pull(person.calendar, &[item("google1", "e2", "Lunch")])
        .await?;
    assert_eq!(applied["counts"], json!({"created": 1}));
    assert_eq!(
        sql.list("select google_id from tandem.inbox").await?,
        json!([])
    );
    Ok(())
}

#[tokio::test]
async fn the_same_meeting_in_a_second_calendar_is_a_mirror_and_no_second_row() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let bob = sql.person("bob").await?;
    sql.pull(ann.calendar, &[item("meeting", "e1", "Lunch")])
        .await?;
    let applied = sql
        .pull(bob.calendar, &[item("meeting", "b1", "Lunch")])
        .await?;
    assert_eq!(applied["counts"], json!({"mirrored": 1}));
    let links = "select jsonb_build_array(calendar_id, is_primary, owner_id, etag) from tandem.links order by is_primary desc";
    assert_eq!(
        sql.list(links).await?,
        json!([
            [ann.calendar, true, ann.user, "e1"],
            [bob.calendar, false, bob.user, "b1"]
        ])
    );
    assert_eq!(
        sql.pull(bob.calendar, &[item("meeting", "b2", "His")])
            .await?["counts"],
        json!({"mirrored": 1})
    );
    assert_eq!(
        sql.pull(bob.calendar, &[cancelled("meeting", "b3")])
            .await?["counts"],
        json!({"mirrored": 1})
    );
    assert_eq!(
        sql.list("select title from public.events").await?,
        json!(["Lunch"])
    );
    Ok(())
}

#[tokio::test]
async fn another_tenant_has_a_row_of_its_own_for_the_same_meeting() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let stranger = uuid::Uuid::new_v4();
    sql.run(&format!(
        "insert into tandem.members values ('{stranger}', 'other')"
    ))
    .await?;
    let account = sql.account(stranger, "ann").await?;
    let calendar = sql.calendar(account, "ann@calendar.example").await?;
    assert_ne!(calendar, ann.calendar);
    sql.pull(ann.calendar, &[item("meeting", "e1", "Lunch")])
        .await?;
    assert_eq!(
        sql.pull(calendar, &[item("meeting", "e1", "Lunch")])
            .await?["counts"],
        json!({"created": 1})
    );
    Ok(())
}

#[tokio::test]
async fn two_listings_that_find_a_meeting_at_the_same_moment_make_one_row() -> Result<()> {
    let (sql, ann) = with_person().await?;
    let bob = sql.person("bob").await?;
    let (first, second) = (sql.another().await?, sql.another().await?);
    let his = sql.list_calendar(bob.calendar).await?;
    first.run("begin").await?;
    first
        .pull(ann.calendar, &[item("meeting", "e1", "Lunch")])
        .await?;
    let items = [item("meeting", "b1", "Lunch")];
    let listing = second.apply(&his, &items, json!({"sync_token": "s1"}));
    let meanwhile = async {
        somebody_waits(&sql).await?;
        Ok::<(), anyhow::Error>(first.run("commit").await?)
    };
    let (applied, done) = tokio::join!(listing, meanwhile);
    done?;
    assert_eq!(applied?["counts"], json!({"mirrored": 1}));
    Ok(())
}

#[tokio::test]
async fn a_google_event_whose_id_derives_from_a_row_is_left_to_that_rows_job() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.event(person.user).await?;
    let google_id = sql
        .value(&format!("select tandem.google_id('{event}', 0)"))
        .await?;
    let ours = merge(
        item(text(&google_id), "e1", "Lunch"),
        json!({"derived_from": event, "generation": 0}),
    );
    assert_eq!(
        sql.pull(person.calendar, &[ours]).await?["counts"],
        json!({"parked": 1})
    );
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["look"], &claimed["link"]["google_id"]),
        (&json!(true), &google_id)
    );
    assert_eq!(
        sql.list("select id from public.events").await?,
        json!([event])
    );
    Ok(())
}

#[tokio::test]
async fn an_id_that_derives_from_no_row_is_a_new_event() -> Result<()> {
    let (sql, person) = with_person().await?;
    let gone = uuid::Uuid::new_v4();
    let ours = merge(
        item("derived", "e1", "Lunch"),
        json!({"derived_from": gone, "generation": 0}),
    );
    assert_eq!(
        sql.pull(person.calendar, &[ours]).await?["counts"],
        json!({"created": 1})
    );
    assert_eq!(
        sql.list("select title from public.events").await?,
        json!(["Lunch"])
    );
    Ok(())
}

#[tokio::test]
async fn a_tombstone_is_confirmed_by_a_cancelled_item_and_doubted_by_a_living_one() -> Result<()> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    let google_id = text(&sql.of_link(event, "google_id").await?).to_owned();
    sql.run("delete from public.events").await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "deleted", "by": "crm", "proof": "never_seen"}),
    )
    .await?;
    assert_eq!(
        sql.pull(person.calendar, &[cancelled(&google_id, "e2")])
            .await?["counts"],
        json!({"echo": 1})
    );
    assert_eq!(sql.of_link(event, "proof").await?, "confirmed");
    assert_eq!(
        sql.pull(person.calendar, &[item(&google_id, "e3", "Back")])
            .await?["counts"],
        json!({"parked": 1})
    );
    let claimed = sql.claim(event).await?;
    assert_eq!(
        (&claimed["row"], &claimed["link"]["state"], &claimed["look"]),
        (&Value::Null, &json!("gone"), &json!(true))
    );
    assert_eq!(claimed["old_row"]["title"], "Lunch");
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn somebody_waits(session: &Session) -> Result<()> {
    let waiting = "select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while session.value(waiting).await? != true {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
