//! Deletions: tombstones, rows that come back, ids that are used up.

use anyhow::Result;
use serde_json::{Value, json};
use tests::sql::{Person, Sql, merge, synced};
use uuid::Uuid;

#[tokio::test]
async fn a_tombstone_keeps_the_row_who_deleted_it_and_the_proof() -> Result<()> {
    let (sql, event) = deleted().await?;
    let tombstone = sql
        .of_link(
            event,
            "jsonb_build_array(state, deleted_by, proof, old_row ->> 'title')",
        )
        .await?;
    assert_eq!(tombstone, json!(["gone", "crm", "confirmed", "Lunch"]));
    assert_eq!(sql.of_job(event, "state").await?, Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_deletion_in_google_deletes_the_row_and_is_no_change() -> Result<()> {
    let (sql, _, event) = pushed().await?;
    look(&sql, event).await?;
    let claimed = sql.claim(event).await?;
    sql.run("delete from tandem.changes").await?;
    sql.record(&claimed, json!({"outcome": "erased", "by": "google"}))
        .await?;
    assert_eq!(sql.list("select id from public.events").await?, json!([]));
    assert_eq!(sql.list("select op from tandem.changes").await?, json!([]));
    assert_eq!(
        sql.of_link(
            event,
            "jsonb_build_array(state, deleted_by, old_row ->> 'title')"
        )
        .await?,
        json!(["gone", "google", "Lunch"])
    );
    assert_eq!(sql.claim(event).await?["outcome"], "nothing");
    Ok(())
}

#[tokio::test]
async fn a_row_that_was_edited_since_the_claim_is_not_erased() -> Result<()> {
    let (sql, _, event) = pushed().await?;
    look(&sql, event).await?;
    let claimed = sql.claim(event).await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    let recorded = sql
        .record(&claimed, json!({"outcome": "erased", "by": "google"}))
        .await?;
    assert_eq!(recorded["again"], true);
    let next = sql.claim(event).await?;
    assert_eq!(
        (&next["row"]["title"], &next["look"]),
        (&json!("Dinner"), &json!(true))
    );
    assert_eq!(next["link"]["state"], "live");
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    Ok(())
}

#[tokio::test]
async fn a_row_that_was_deleted_comes_back_under_its_id_and_is_no_change() -> Result<()> {
    let (sql, event) = deleted().await?;
    look(&sql, event).await?;
    let claimed = sql.claim(event).await?;
    let before = sql.list("select rev from tandem.changes").await?;
    let fields = merge(claimed["old_row"].clone(), json!({"title": "Restored"}));
    let google = &synced(&claimed, "e9")["google"];
    let revived = json!({"outcome": "revived", "google": google, "base_google": {"title": "Restored"}, "fields": fields});
    assert_eq!(sql.record(&claimed, revived).await?["again"], false);
    assert_eq!(
        sql.of_event(event, "jsonb_build_array(title, sync_state)")
            .await?,
        json!(["Restored", "synced"])
    );
    assert_eq!(
        sql.of_link(
            event,
            "jsonb_build_array(state, etag, deleted_by, old_row, base_crm ->> 'title')"
        )
        .await?,
        json!(["live", "e9", null, null, "Restored"])
    );
    assert_eq!(sql.list("select rev from tandem.changes").await?, before);
    Ok(())
}

#[tokio::test]
async fn a_row_that_is_inserted_again_during_its_deletion_is_work_of_its_own() -> Result<()> {
    let (sql, _, event) = pushed().await?;
    sql.run("create table public.kept as table public.events; delete from public.events")
        .await?;
    let claimed = sql.claim(event).await?;
    sql.run("insert into public.events table public.kept")
        .await?;
    let outcome = json!({"outcome": "deleted", "by": "crm", "proof": "confirmed"});
    assert_eq!(sql.record(&claimed, outcome).await?["again"], true);
    let next = sql.claim(event).await?;
    assert_eq!(
        (&next["row"]["title"], &next["link"]["state"]),
        (&json!("Lunch"), &json!("gone"))
    );
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    Ok(())
}

#[tokio::test]
async fn an_id_that_is_used_up_is_followed_by_the_next_generation() -> Result<()> {
    let (sql, _, event) = pushed().await?;
    sql.run("update public.events set title = 'Dinner'").await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(
        sql.record(&claimed, json!({"outcome": "regenerate", "generation": 1}))
            .await?["again"],
        true
    );
    let next = sql.claim(event).await?;
    let id = sql
        .value(&format!("select tandem.google_id('{event}', 1)"))
        .await?;
    assert_ne!(claimed["link"]["google_id"], id);
    assert_eq!(
        (&next["link"]["google_id"], &next["link"]["state"]),
        (&id, &json!("reserved"))
    );
    assert_eq!(
        (&next["link"]["etag"], &next["link"]["base_google"]),
        (&Value::Null, &Value::Null)
    );
    Ok(())
}

#[tokio::test]
async fn the_google_id_is_the_base32hex_of_the_uuid() -> Result<()> {
    let sql = Sql::new().await?;
    // From RFC 4648's alphabet with extended hex digits; the last digit is the generation.
    let id = "tandem.google_id('00000000-0000-0000-0000-000000000000', 0), tandem.google_id('ffffffff-ffff-ffff-ffff-ffffffffffff', 7)";
    let ids = sql
        .value(&format!("select jsonb_build_array({id})"))
        .await?;
    assert_eq!(
        ids,
        json!(["0".repeat(27), format!("{}s7", "v".repeat(25))])
    );
    Ok(())
}

#[tokio::test]
async fn a_row_that_leaves_google_keeps_its_link_as_a_tombstone() -> Result<()> {
    let (sql, _, event) = pushed().await?;
    sql.run("update public.events set google_sync_enabled = false")
        .await?;
    let claimed = sql.claim(event).await?;
    assert_eq!(claimed["row"]["enabled"], false);
    sql.record(
        &claimed,
        json!({"outcome": "deleted", "by": "opt_out", "proof": "confirmed"}),
    )
    .await?;
    assert_eq!(
        sql.of_event(event, "jsonb_build_array(sync_state, google_event_id)")
            .await?,
        json!(["none", null])
    );
    assert_eq!(
        sql.of_link(event, "jsonb_build_array(state, deleted_by)")
            .await?,
        json!(["gone", "opt_out"])
    );
    sql.run("update public.events set google_sync_enabled = true")
        .await?;
    assert_eq!(sql.of_event(event, "sync_state").await?, "pending");
    assert_eq!(sql.claim(event).await?["link"]["state"], "gone");
    Ok(())
}

#[tokio::test]
async fn a_meeting_that_another_row_stands_for_already_is_recorded_all_the_same() -> Result<()> {
    let (sql, person) = with_person().await?;
    let bob = sql.person("bob").await?;
    let event = sql.event(person.user).await?;
    let claimed = sql.claim(event).await?;
    let outcome = synced(&claimed, "e1");
    let invitation = merge(
        tests::sql::item("invitation", "i1", "Lunch"),
        json!({"ical_uid": outcome["google"]["ical_uid"]}),
    );
    assert_eq!(
        sql.pull(bob.calendar, &[invitation]).await?["counts"],
        json!({"created": 1})
    );
    assert_eq!(sql.record(&claimed, outcome).await?["outcome"], "recorded");
    assert_eq!(sql.of_event(event, "sync_state").await?, "synced");
    Ok(())
}

async fn with_person() -> Result<(Sql, Person)> {
    let sql = Sql::new().await?;
    let person = sql.person("ann").await?;
    Ok((sql, person))
}

async fn pushed() -> Result<(Sql, Person, Uuid)> {
    let (sql, person) = with_person().await?;
    let event = sql.pushed(person.user).await?;
    Ok((sql, person, event))
}

async fn deleted() -> Result<(Sql, Uuid)> {
    let (sql, _, event) = pushed().await?;
    sql.run("delete from public.events").await?;
    let claimed = sql.claim(event).await?;
    sql.record(
        &claimed,
        json!({"outcome": "deleted", "by": "crm", "proof": "confirmed"}),
    )
    .await?;
    Ok((sql, event))
}

/// Something asks for a look at the event.
async fn look(sql: &Sql, event: Uuid) -> Result<()> {
    Ok(sql
        .run(&format!("insert into tandem.jobs (event_id, root_id, due_at, look) values ('{event}', '{event}', tandem.clock(), true)"))
        .await?)
}
