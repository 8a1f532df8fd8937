//! Several people, calendars and accounts: 4, 9, 21, 23, 24.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};
use tests::play::{ann, bob, empty, person, play, play_with_bob};

#[tokio::test]
async fn h09_two_users_of_one_calendar_have_a_row_each() -> Result<()> {
    let p = play().await?;
    let carol = person("c0000000-0000-4000-8000-000000000001", EMAIL);
    p.connect(&carol).await?;
    let id = p.add("A").await?;
    p.google_add(EMAIL, json!({"summary": "G"}))?;
    p.rest().await?;
    let of_each = p.value("select jsonb_object_agg(x.owner_id, x.titles) from (select owner_id, jsonb_agg(title order by title) titles
        from public.events group by owner_id) x").await?;
    let both = json!({(ann().id): ["A", "G"], (carol.id.clone()): ["A", "G"]});
    ensure!(of_each == both, "{of_each}");
    ensure!(p.shown(EMAIL)?.len() == 2, "an event was made twice");
    p.google_edit(&id, json!({"location": "There"})).await?;
    let written = p.rest().await?;
    ensure!(written.is_empty(), "{written:?}");
    let there = p.count("public.events where location = 'There'").await?;
    ensure!(there == 2, "{there} rows follow");
    ensure!(
        p.count("tandem.links").await? == 4,
        "more than one link for a row"
    );
    Ok(())
}

#[tokio::test]
async fn h09_h2_an_invitation_that_arrives_before_the_record_makes_no_second_row() -> Result<()> {
    let p = play_with_bob().await?;
    let id = p.insert(invitation()).await?;
    p.kill_at("POST /calendar", Fate::HeldAfter);
    let pushing = p.work(p.poking(&id)).await.err().context("it went on")?;
    p.notify().await;
    p.pass(3_700).await?;
    p.tick().await;
    p.release();
    ensure!(p.work(pushing).await.is_ok(), "it stands still");
    p.rest().await?;
    let rows = p.rows().await?;
    let of = |owner: String| {
        rows.iter()
            .filter(move |row| row["owner_id"] == owner.as_str())
    };
    ensure!(
        of(bob().id).count() == 1,
        "Bob's copy is one row of his: {rows:?}"
    );
    let anns: Vec<&Value> = of(ann().id).map(|row| &row["id"]).collect();
    ensure!(anns == [id.as_str()], "{rows:?}");
    Ok(())
}

#[tokio::test]
async fn h09_h3_a_copy_of_an_unrecorded_event_is_an_event_of_its_own() -> Result<()> {
    let p = play().await?;
    let id = p.insert(json!({"title": "A", "contact_id": "c"})).await?;
    p.poke_with(&id, "POST /calendar", Fate::KilledAfter).await;
    let copy = p
        .ui("copy", &id, json!({"changes": {"summary": "Copy"}}))
        .await?;
    p.rest().await?;
    let rows = p.rows().await?;
    ensure!(rows.len() == 2 && rows[0]["id"] == id.as_str(), "{rows:?}");
    ensure!(
        rows[1]["title"] == "Copy" && rows[1]["google_event_id"] == copy["id"],
        "{rows:?}"
    );
    Ok(())
}

#[tokio::test]
async fn h09_h4_exceptions_and_tails_do_not_take_their_series_row() -> Result<()> {
    let p = play().await?;
    let id = p
        .insert(json!({"title": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}))
        .await?;
    p.rest().await?;
    let (_, series) = p.place(&id).await?;
    let occurrence = |day| format!("{series}_203103{day}T090000Z");
    p.ui(
        "edit",
        &id,
        json!({"id": occurrence("04"), "changes": {"summary": "Other"}}),
    )
    .await?;
    p.ui(
        "split",
        &id,
        json!({"id": occurrence("06"), "changes": {"summary": "Tail"}}),
    )
    .await?;
    p.rest().await?;
    let rows = p.rows().await?;
    let titles: Vec<&Value> = rows.iter().map(|row| &row["title"]).collect();
    ensure!(titles == ["Other", "Series", "Tail"], "{rows:?}");
    ensure!(
        rows[1]["id"] == id.as_str() && rows[0]["recurring_event_id"] == id.as_str(),
        "{rows:?}"
    );
    Ok(())
}

#[tokio::test]
async fn h09_h5_a_guests_copy_that_lags_behind_reverts_nothing() -> Result<()> {
    let p = play_with_bob().await?;
    let id = p.insert(invitation()).await?;
    p.rest().await?;
    p.switch(json!({"guestLagSeconds": 600}))?;
    p.edit(&id, "title = 'New'").await?;
    p.poke(&id).await;
    p.notify().await;
    // Bob's copy changes, and still has the old title.
    let act = json!({"user": bob().email, "calendar": bob().email, "response": "accepted"});
    p.ui("answer", &id, act).await?;
    p.rest().await?;
    ensure!(p.row(&id).await?["title"] == "New", "reverted");
    ensure!(
        p.event(&id).await?["summary"] == "New",
        "reverted in Google"
    );
    Ok(())
}

#[tokio::test]
async fn h21_nothing_is_pushed_before_the_first_import_has_ended() -> Result<()> {
    let p = empty().await?;
    let id = p.add("A").await?;
    p.kill_at("/events", Fate::KilledBefore);
    let _cut_off = p.connect(&ann()).await;
    if p.killed() == 0 {
        p.tick().await;
    }
    ensure!(p.killed() == 1, "the import was not cut off");
    p.poke(&id).await;
    ensure!(p.shown(EMAIL)?.is_empty(), "pushed");
    ensure!(
        p.row(&id).await?["sync_state"] == "pending",
        "not shown as waiting"
    );
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.len() == 1, "not one event");
    Ok(())
}

#[tokio::test]
async fn h21_a_connect_after_everything_was_forgotten_makes_no_meeting_twice() -> Result<()> {
    let p = play().await?;
    let id = p
        .insert(json!({"title": "A", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}))
        .await?;
    p.add("B").await?;
    p.rest().await?;
    p.sql("delete from tandem.changes; delete from tandem.open_changes; delete from tandem.work; delete from tandem.history;
        delete from tandem.links; delete from tandem.channels; delete from tandem.connections; delete from tandem.accounts").await?;
    p.edit(&id, "location = 'There'").await?;
    p.connect(&ann()).await?;
    p.rest().await?;
    ensure!(
        p.rows().await?.len() == 2 && p.shown(EMAIL)?.len() == 2,
        "{:?}",
        p.rows().await?
    );
    Ok(())
}

#[tokio::test]
async fn h23_an_outdated_refusal_does_not_end_a_new_connection() -> Result<()> {
    let p = play().await?;
    p.pass(3_500).await?;
    let id = p.add("A").await?;
    p.fault(json!({"method": "oauth.token", "status": 400, "reason": "invalid_grant"}))?;
    p.kill_at("POST /token", Fate::HeldAfter);
    let pushing = p.work(p.poking(&id)).await.err().context("it went on")?;
    p.connect(&ann()).await?;
    p.release();
    ensure!(p.work(pushing).await.is_ok(), "it stands still");
    let state = p.value("select state from tandem.accounts").await?;
    ensure!(state == "active", "{state}");
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.len() == 1, "not pushed");
    Ok(())
}

#[tokio::test]
async fn h24_the_first_message_of_an_unrecorded_channel_makes_it_known() -> Result<()> {
    let p = empty().await?;
    p.kill_at("/watch", Fate::KilledAfter);
    let _cut_off = p.connect(&ann()).await;
    ensure!(p.killed() == 1, "it was not cut off");
    ensure!(
        p.count("tandem.channels where state = 'creating'").await? == 1,
        "no channel was begun"
    );
    p.notify().await;
    let known = p
        .count("tandem.channels where state = 'active' and resource_id is not null")
        .await?;
    ensure!(known == 1, "the channel was not adopted");
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h24_each_attempt_at_a_channel_has_an_id_of_its_own() -> Result<()> {
    let p = empty().await?;
    p.kill_at("/watch", Fate::KilledAfter);
    let _cut_off = p.connect(&ann()).await;
    ensure!(p.killed() == 1, "it was not cut off");
    p.control("POST", "notifications", &json!({"drop": 1}))?;
    p.notify().await;
    for _ in 0..3 {
        p.pass(130).await?;
        p.tick().await;
    }
    ensure!(
        p.count("tandem.channels where state = 'active'").await? == 1,
        "no second channel"
    );
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h04_h4_another_google_account_is_a_connection_of_its_own() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    p.connect(&person(&ann().id, "ann.other@example.com"))
        .await?;
    let new = p.add("B").await?;
    p.edit(&id, "location = 'There'").await?;
    p.rest().await?;
    ensure!(p.count("tandem.accounts").await? == 2, "one account");
    ensure!(
        p.place(&id).await?.0 == EMAIL && p.place(&new).await?.0 == EMAIL,
        "an old link was taken over"
    );
    ensure!(
        p.shown("ann.other@example.com")?.is_empty(),
        "a copy in the other account"
    );
    Ok(())
}

#[tokio::test]
async fn h04_a_reconnect_of_the_same_account_merges_and_replays_nothing() -> Result<()> {
    let p = play().await?;
    let (gone, kept) = (p.add("Gone").await?, p.add("Kept").await?);
    p.rest().await?;
    p.control("POST", &format!("users/{EMAIL}/revoke"), &Value::Null)?;
    p.pass(3_700).await?;
    p.edit(&gone, "location = 'There'").await?;
    p.tick().await;
    ensure!(
        p.value("select state from tandem.accounts").await? == "reconnect_needed",
        "nobody noticed"
    );
    p.edit(&kept, "title = 'Kept there'").await?;
    p.ui("delete", &kept, json!({})).await?;
    p.delete(&gone).await?;
    p.connect(&ann()).await?;
    p.rest().await?;
    let rows = p.rows().await?;
    ensure!(
        rows.len() == 1 && rows[0]["title"] == "Kept there",
        "{rows:?}"
    );
    Ok(())
}

fn invitation() -> Value {
    json!({"title": "Meeting", "attendees": [{"email": bob().email}]})
}
