//! Disconnecting: 4.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};
use tests::play::{Play, ann, person, play};

#[tokio::test]
async fn h04_rows_that_go_with_a_connection_leave_the_persons_originals_alone() -> Result<()> {
    let p = play().await?;
    p.google_add(EMAIL, json!({"summary": "Original"}))?;
    let own = p.add("From the CRM").await?;
    p.rest().await?;
    disconnect(&p, "remove_from_crm").await?;
    let rows = p.rows().await?;
    ensure!(rows.len() == 1 && rows[0]["id"] == own.as_str(), "{rows:?}");
    ensure!(p.shown(EMAIL)?.len() == 2, "originals are gone");
    p.connect(&ann()).await?;
    p.rest().await?;
    ensure!(
        p.shown(EMAIL)?.len() == 2,
        "old work was done at the reconnect"
    );
    ensure!(p.rows().await?.len() == 2, "{:?}", p.rows().await?);
    Ok(())
}

#[tokio::test]
async fn h04_h2_an_insert_under_way_is_removed_with_the_others() -> Result<()> {
    for fate in [Fate::HeldBefore, Fate::HeldAfter, Fate::KilledAfter] {
        let p = play().await?;
        p.google_add(EMAIL, json!({"summary": "Original"}))?;
        p.add("Pushed").await?;
        p.rest().await?;
        let id = p.add("Under way").await?;
        p.kill_at("POST /calendar", fate);
        let pushing = p.work(p.poking(&id)).await;
        begin(&p, "remove_from_google").await?;
        p.pass(30).await?;
        if let Err(standing) = pushing {
            p.release();
            ensure!(p.work(standing).await.is_ok(), "it stands still");
        }
        finish(&p).await?;
        let shown = p.shown(EMAIL)?;
        ensure!(
            shown.len() == 1 && shown[0]["summary"] == "Original",
            "{fate:?} {shown:?}"
        );
        let rows = p.rows().await?.len();
        ensure!(rows == 3, "{fate:?} {rows} rows");
    }
    Ok(())
}

#[tokio::test]
async fn h04_h3_another_user_of_the_account_goes_on() -> Result<()> {
    for choice in ["keep", "remove_from_google", "remove_from_crm"] {
        let p = play().await?;
        let carol = person("c0000000-0000-4000-8000-000000000001", EMAIL);
        p.connect(&carol).await?;
        p.rest().await?;
        disconnect(&p, choice).await?;
        p.google_add(EMAIL, json!({"summary": "After"}))?;
        let hers = json!({"title": "Hers", "owner_id": carol.id});
        let id = p.insert(hers).await?;
        p.rest().await?;
        ensure!(p.event(&id).await?["summary"] == "Hers", "{choice}");
        ensure!(p.rows().await?.len() == 2, "{choice} {:?}", p.rows().await?);
    }
    Ok(())
}

#[tokio::test]
async fn h04_work_that_waits_at_a_disconnect_is_not_done_at_the_reconnect() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.google_add(EMAIL, json!({"summary": "Original"}))?;
    p.rest().await?;
    p.edit(&id, "title = 'Never sent'").await?;
    disconnect(&p, "keep").await?;
    p.pass(60).await?;
    p.google_edit(&id, json!({"summary": "Google's"})).await?;
    p.connect(&ann()).await?;
    p.rest().await?;
    let titles = p
        .value("select jsonb_agg(title order by title) from public.events")
        .await?;
    ensure!(titles == json!(["Google's", "Original"]), "{titles}");
    Ok(())
}

async fn disconnect(p: &Play, choice: &str) -> Result<()> {
    begin(p, choice).await?;
    finish(p).await
}

async fn begin(p: &Play, choice: &str) -> Result<()> {
    let accounts = format!(
        "select id from tandem.accounts where user_id = '{}'",
        ann().id
    );
    let account: Value = p.value(&accounts).await?;
    let wish = json!({"user_id": ann().id, "account_id": account, "choice": choice});
    let begun = p.call("tandem_disconnect_begin", wish).await?;
    ensure!(begun["outcome"] == "begun", "{begun}");
    Ok(())
}

async fn finish(p: &Play) -> Result<()> {
    for _ in 0..30 {
        p.pass(70).await?;
        p.tick().await;
    }
    let open = p
        .value("select jsonb_agg(to_jsonb(d)) from tandem.disconnections d where d.phase <> 'done'")
        .await?;
    open.is_null()
        .then_some(())
        .with_context(|| format!("not over: {open}"))
}
