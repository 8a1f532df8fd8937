//! Jobs, attempts and cursors: 1, 2, 5, 6, 22.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::inprocess::Fate;
use tests::play::{Play, WRITE_LOAD, play};

#[tokio::test]
async fn h01_a_job_is_not_closed_under_an_uncommitted_transaction() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    p.kill_at("PATCH", Fate::HeldAfter);
    let pushing = p.work(p.poking(&id)).await.err().context("it went on")?;
    let other = p.database.another().await?;
    other
        .batch_execute(&format!(
            "begin; update public.events set location = 'There' where id = '{id}'"
        ))
        .await?;
    p.release();
    // It records what it can without waiting for the other transaction.
    ensure!(p.work(pushing).await.is_ok(), "it stands still");
    other.batch_execute("commit").await?;
    p.rest().await?;
    let event = p.event(&id).await?;
    ensure!(
        event["summary"] == "B" && event["location"] == "There",
        "{event}"
    );
    Ok(())
}

#[tokio::test]
async fn h01_h2_a_row_that_is_deleted_and_made_again_during_its_deletion_lives() -> Result<()> {
    for fate in [Fate::HeldBefore, Fate::HeldAfter] {
        let p = play().await?;
        let id = p.add("A").await?;
        p.rest().await?;
        p.delete(&id).await?;
        p.kill_at("DELETE", fate);
        let deleting = p.work(p.poking(&id)).await.err().context("it went on")?;
        p.insert(json!({"id": id, "title": "Again"})).await?;
        p.release();
        ensure!(p.work(deleting).await.is_ok(), "it stands still");
        p.rest().await?;
        ensure!(p.event(&id).await?["summary"] == "Again", "{fate:?}");
    }
    Ok(())
}

#[tokio::test]
async fn h01_h3_a_commit_right_after_the_claim_is_not_recorded_with_it() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    let other = p.database.another().await?;
    other
        .batch_execute(&format!(
            "begin; update public.events set title = 'C' where id = '{id}'"
        ))
        .await?;
    p.kill_at(WRITE_LOAD, Fate::HeldAfter);
    let pushing = p.work(p.poking(&id)).await.err().context("it went on")?;
    other.batch_execute("commit").await?;
    p.release();
    ensure!(p.work(pushing).await.is_ok(), "it stands still");
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "C", "an edit is lost");
    Ok(())
}

#[tokio::test]
async fn h02_a_retry_knows_its_own_unacknowledged_write() -> Result<()> {
    let p = play().await?;
    let id = p.add("base").await?;
    p.rest().await?;
    p.edit(&id, "title = 'v1'").await?;
    p.poke_with(&id, "PATCH", Fate::KilledAfter).await;
    p.edit(&id, "title = 'v2'").await?;
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "v2", "an edit is lost");
    ensure!(
        conflicts(&p).await? == 0,
        "it took its own for a stranger's"
    );
    Ok(())
}

#[tokio::test]
async fn h02_h2_a_deletion_after_an_unacknowledged_write_stays_one() -> Result<()> {
    let p = play().await?;
    let id = p.add("base").await?;
    p.rest().await?;
    p.edit(&id, "title = 'v1'").await?;
    p.poke_with(&id, "PATCH", Fate::KilledAfter).await;
    p.delete(&id).await?;
    p.rest().await?;
    nothing_is_left(&p).await
}

#[tokio::test]
async fn h02_h3_what_a_person_deleted_after_an_unacknowledged_insert_stays_deleted() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.poke_with(&id, "POST /calendar", Fate::KilledAfter).await;
    p.ui("delete", &id, json!({})).await?;
    p.rest().await?;
    nothing_is_left(&p).await
}

#[tokio::test]
async fn h02_h3_an_edit_after_the_attempt_outlives_that_deletion() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.poke_with(&id, "POST /calendar", Fate::KilledAfter).await;
    p.ui("delete", &id, json!({})).await?;
    p.edit(&id, "title = 'B'").await?;
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "B", "an edit is lost");
    Ok(())
}

#[tokio::test]
async fn h05_a_listed_tombstone_does_not_undo_a_restoration() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    p.ui("delete", &id, json!({})).await?;
    let notification = p.simulator.due_notifications().remove(0);
    p.kill_at("GET /calendar", Fate::HeldAfter);
    let pulling = p.work(p.notifying(notification.request)).await;
    let pulling = pulling.err().context("it went on")?;
    p.poke(&id).await;
    ensure!(p.event(&id).await?["status"] == "confirmed", "not restored");
    p.release();
    ensure!(p.work(pulling).await.is_ok(), "it stands still");
    ensure!(!p.row(&id).await?.is_null(), "the row is gone for a while");
    p.rest().await?;
    ensure!(p.row(&id).await?["title"] == "B", "the row is gone");
    ensure!(
        p.shown(tests::inprocess::EMAIL)?.len() == 1,
        "not one event"
    );
    Ok(())
}

#[tokio::test]
async fn h05_h2_an_edit_in_google_during_a_slow_patch_survives() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    p.kill_at("PATCH", Fate::HeldAfter);
    let pushing = p.work(p.poking(&id)).await.err().context("it went on")?;
    p.pass(5).await?;
    p.google_edit(&id, json!({"location": "There"})).await?;
    p.notify().await;
    p.release();
    ensure!(p.work(pushing).await.is_ok(), "it stands still");
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(row["title"] == "B" && row["location"] == "There", "{row}");
    Ok(())
}

#[tokio::test]
async fn h06_the_cursor_passes_no_conflict_that_is_only_in_memory() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    p.pass(5).await?;
    p.google_edit(&id, json!({"summary": "G"})).await?;
    p.notify_and_kill(WRITE_LOAD).await?;
    p.edit(&id, "title = 'A'").await?;
    p.rest().await?;
    ensure!(p.row(&id).await?["title"] == "G", "Google's edit is lost");
    Ok(())
}

#[tokio::test]
async fn h22_a_notice_after_the_last_page_is_not_forgotten() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.google_add(tests::inprocess::EMAIL, json!({"summary": "One"}))?;
    let notification = p.simulator.due_notifications().remove(0);
    p.kill_at("GET /calendar", Fate::HeldAfter);
    let pulling = p.work(p.notifying(notification.request)).await;
    let pulling = pulling.err().context("it went on")?;
    p.simulator.delivered(notification.id, Some(200));
    p.google_add(tests::inprocess::EMAIL, json!({"summary": "Two"}))?;
    p.notify().await;
    ensure!(p.rows().await?.is_empty(), "the calendar was listed twice");
    p.release();
    ensure!(p.work(pulling).await.is_ok(), "it stands still");
    ensure!(p.rows().await?.len() == 2, "a notice is forgotten");
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h22_a_message_is_passed_over_only_after_a_finished_listing() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.google_add(tests::inprocess::EMAIL, json!({"summary": "One"}))?;
    let notification = p.simulator.due_notifications().remove(0);
    p.kill_at("GET /calendar", Fate::KilledBefore);
    p.notifying(notification.request.clone()).await;
    p.pass(61).await?;
    p.notifying(notification.request.clone()).await;
    ensure!(
        p.rows().await?.len() == 1,
        "the second message was no retry"
    );
    let before = p.calls();
    p.notifying(notification.request).await;
    ensure!(p.calls() == before + 1, "an old message was listed again");
    p.simulator.delivered(notification.id, Some(200));
    p.rest().await.map(drop)
}

async fn conflicts(p: &Play) -> Result<i64> {
    p.count("tandem.history where kind = 'conflict'").await
}

async fn nothing_is_left(p: &Play) -> Result<()> {
    let (rows, shown): (Vec<Value>, _) = (p.rows().await?, p.shown(tests::inprocess::EMAIL)?);
    ensure!(rows.is_empty() && shown.is_empty(), "{rows:?} {shown:?}");
    Ok(())
}
