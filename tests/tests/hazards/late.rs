//! What Google does, or shows, later than it should: 11, 18.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::inprocess::{EMAIL, Fate};
use tests::play::play;

#[tokio::test]
async fn h11_an_insert_that_lands_after_the_deletion_is_taken_back() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.poke_with(&id, "POST /calendar", Fate::Late).await;
    p.delete(&id).await?;
    p.pass(120).await?;
    p.poke(&id).await;
    ensure!(p.land().await == 1, "nothing was late");
    p.rest().await?;
    ensure!(
        p.rows().await?.is_empty() && p.shown(EMAIL)?.is_empty(),
        "it lives"
    );
    Ok(())
}

#[tokio::test]
async fn h11_an_instance_that_slept_through_its_lease_leaves_no_event_behind() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.kill_at("POST /calendar", Fate::HeldBefore);
    let sleeping = p.work(p.poking(&id)).await.err().context("it went on")?;
    p.pass(61).await?;
    p.delete(&id).await?;
    p.poke(&id).await;
    p.release();
    ensure!(p.work(sleeping).await.is_ok(), "it stands still");
    p.rest().await?;
    ensure!(
        p.rows().await?.is_empty() && p.shown(EMAIL)?.is_empty(),
        "it lives"
    );
    Ok(())
}

#[tokio::test]
async fn h11_what_a_person_restores_comes_back_as_the_same_row() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.delete(&id).await?;
    p.rest().await?;
    p.ui("restore", &id, json!({})).await?;
    p.rest().await?;
    ensure!(p.row(&id).await?["title"] == "A", "{:?}", p.rows().await?);
    Ok(())
}

#[tokio::test]
async fn h11_without_tombstone_and_row_it_is_imported_anew() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    let place = p.place(&id).await?;
    p.delete(&id).await?;
    p.rest().await?;
    p.sql("delete from tandem.links; delete from tandem.changes")
        .await?;
    p.control("POST", "ui/restore", &json!({"user": EMAIL, "id": place.1}))?;
    p.rest().await?;
    let rows = p.rows().await?;
    ensure!(rows.len() == 1 && rows[0]["title"] == "A", "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn h11_a_change_that_lands_late_undoes_no_later_one() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.edit(&id, "title = 'B'").await?;
    p.poke_with(&id, "PATCH", Fate::Late).await;
    p.edit(&id, "title = 'C'").await?;
    p.pass(120).await?;
    p.poke(&id).await;
    ensure!(p.land().await == 1, "nothing was late");
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "C", "undone");
    Ok(())
}

#[tokio::test]
async fn h11_a_deletion_that_lands_late_takes_no_event_that_was_made_again() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.delete(&id).await?;
    p.poke_with(&id, "DELETE", Fate::Late).await;
    p.insert(json!({"id": id, "title": "Again"})).await?;
    p.pass(120).await?;
    p.poke(&id).await;
    ensure!(p.land().await == 1, "nothing was late");
    p.rest().await?;
    ensure!(p.event(&id).await?["summary"] == "Again", "it is gone");
    Ok(())
}

#[tokio::test]
async fn h18_an_insert_that_google_does_not_show_yet_is_not_made_twice() -> Result<()> {
    let p = play().await?;
    p.rest().await?;
    p.switch(json!({"readLagSeconds": 120}))?;
    let id = p.add("A").await?;
    p.poke_with(&id, "POST /calendar", Fate::KilledAfter).await;
    p.pass(61).await?;
    p.poke(&id).await;
    let (_, first) = p.place(&id).await?;
    p.rest().await?;
    ensure!(p.place(&id).await?.1 == first, "another id was taken");
    ensure!(p.shown(EMAIL)?.len() == 1, "not one event");
    Ok(())
}

#[tokio::test]
async fn h18_h2_a_404_right_after_the_insert_deletes_nothing() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.poke(&id).await;
    p.fault(json!({"method": "events.patch", "status": 404, "reason": "notFound"}))?;
    p.fault(json!({"method": "events.get", "status": 404, "reason": "notFound", "count": 2}))?;
    p.edit(&id, "title = 'B'").await?;
    p.rest().await?;
    ensure!(
        p.row(&id).await?["title"] == "B" && p.shown(EMAIL)?.len() == 1,
        "deleted or doubled"
    );
    Ok(())
}

#[tokio::test]
async fn h18_h3_conflicts_with_a_version_that_is_not_shown_yet_never_end_in_an_error() -> Result<()>
{
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.switch(json!({"readLagSeconds": 2_000}))?;
    p.google_edit(&id, json!({"location": "There"})).await?;
    p.edit(&id, "title = 'B'").await?;
    for _ in 0..40 {
        p.poke(&id).await;
        p.pass(30).await?;
        let row = p.row(&id).await?;
        ensure!(
            row["sync_state"] == "pending" || row["sync_state"] == "synced",
            "{row}"
        );
    }
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(row["title"] == "B" && row["location"] == "There", "{row}");
    Ok(())
}
