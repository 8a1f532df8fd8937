//! Whose event it is and where: 10, 25.

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};
use tests::play::{ann, bob, list, play, play_with_bob, text};

#[tokio::test]
async fn h10_an_event_that_is_moved_in_google_keeps_its_row() -> Result<()> {
    for crash in [None, Some("GET /calendar"), Some("tandem_commit")] {
        let p = play().await?;
        let second = p.add_calendar(&ann(), "Second").await?;
        p.rest().await?;
        let id = p.insert(json!({"title": "A", "deal_id": "d"})).await?;
        p.rest().await?;
        p.ui("move", &id, json!({"destination": second})).await?;
        if let Some(call) = crash {
            p.notify_and_kill(call).await?;
        }
        p.rest().await?;
        let row = p.row(&id).await?;
        ensure!(
            row["google_calendar_id"] == second.as_str() && row["deal_id"] == "d",
            "{crash:?} {row}"
        );
    }
    Ok(())
}

/// Google ids stand in every guest's invitation, and may be chosen where somebody may write.
#[tokio::test]
async fn h10_an_event_that_another_makes_under_a_used_id_is_no_move() -> Result<()> {
    let p = play_with_bob().await?;
    let team = p.add_calendar(&ann(), "Team").await?;
    let share = json!({"user": "bob@example.com", "role": "writer"});
    p.control("POST", &format!("calendars/{team}/share"), &share)?;
    p.rest().await?;
    let id = p.insert(json!({"title": "A", "deal_id": "d"})).await?;
    p.rest().await?;
    let (_, google_id) = p.place(&id).await?;
    p.ui("delete", &id, json!({})).await?;
    let forged = json!({"id": google_id, "summary": "forged",
        "start": {"dateTime": "2031-03-03T09:00:00Z", "timeZone": "UTC"},
        "end": {"dateTime": "2031-03-03T10:00:00Z", "timeZone": "UTC"}});
    let events = format!("calendars/{team}/events");
    p.google_as("bob@example.com", Method::POST, &events, &forged)?;
    p.rest().await?;
    ensure!(p.row(&id).await?.is_null(), "it is deleted, as in Google");
    let rows = p.rows().await?;
    ensure!(
        rows.len() == 1 && rows[0]["title"] == "forged" && rows[0]["deal_id"].is_null(),
        "{rows:?}"
    );
    Ok(())
}

#[tokio::test]
async fn h10_a_series_that_is_moved_in_google_keeps_its_row() -> Result<()> {
    let p = play().await?;
    let second = p.add_calendar(&ann(), "Second").await?;
    p.rest().await?;
    let id = p
        .insert(json!({"title": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}))
        .await?;
    p.insert(
        json!({"title": "Other", "recurring_event_id": id, "original_start": "2031-03-04T09:00:00Z",
        "starts_at": "2031-03-04T11:00:00Z", "ends_at": "2031-03-04T12:00:00Z"}),
    )
    .await?;
    p.rest().await?;
    p.ui("move", &id, json!({"destination": second})).await?;
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(row["google_calendar_id"] == second.as_str(), "{row}");
    Ok(())
}

#[tokio::test]
async fn h10_h3_a_new_owner_gets_the_event_and_the_old_one_loses_it() -> Result<()> {
    for (call, fate) in [
        ("nothing", Fate::KilledBefore),
        ("POST /calendar", Fate::KilledBefore),
        ("POST /calendar", Fate::KilledAfter),
        ("tandem_commit", Fate::KilledAfter),
        ("DELETE", Fate::KilledBefore),
        ("DELETE", Fate::KilledAfter),
    ] {
        let p = play_with_bob().await?;
        let id = p.add("A").await?;
        p.rest().await?;
        p.edit(&id, &format!("owner_id = '{}'", bob().id)).await?;
        p.poke_with(&id, call, fate).await;
        p.rest().await?;
        ensure!(
            p.shown(EMAIL)?.is_empty(),
            "{call} {fate:?}: Ann's copy stays"
        );
        ensure!(
            p.shown(&bob().email)?.len() == 1,
            "{call} {fate:?}: Bob has none"
        );
    }
    Ok(())
}

#[tokio::test]
async fn h10_h3_a_series_changes_hands_with_its_exceptions() -> Result<()> {
    let p = play_with_bob().await?;
    let id = p
        .insert(json!({"title": "Series", "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}))
        .await?;
    p.insert(
        json!({"title": "Other", "recurring_event_id": id, "original_start": "2031-03-04T09:00:00Z",
        "starts_at": "2031-03-04T11:00:00Z", "ends_at": "2031-03-04T12:00:00Z"}),
    )
    .await?;
    p.rest().await?;
    p.sql(&format!(
        "update public.events set owner_id = '{}'",
        bob().id
    ))
    .await?;
    p.rest().await?;
    ensure!(p.shown(EMAIL)?.is_empty(), "Ann's copy stays");
    ensure!(
        p.shown(&bob().email)?.len() == 2,
        "{:?}",
        p.shown(&bob().email)?
    );
    Ok(())
}

#[tokio::test]
async fn h10_h3_an_event_that_changes_hands_there_and_back_is_there_once() -> Result<()> {
    for fate in [Fate::KilledBefore, Fate::KilledAfter] {
        for call in ["tandem_load", "POST /calendar", "tandem_commit", "DELETE"] {
            let p = play_with_bob().await?;
            let id = p.add("A").await?;
            p.rest().await?;
            p.edit(&id, &format!("owner_id = '{}'", bob().id)).await?;
            p.poke_with(&id, call, fate).await;
            p.edit(&id, &format!("owner_id = '{}'", ann().id)).await?;
            p.rest().await?;
            ensure!(p.shown(EMAIL)?.len() == 1, "{call} {fate:?}: Ann has none");
            ensure!(
                p.shown(&bob().email)?.is_empty(),
                "{call} {fate:?}: Bob's copy stays"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn h25_a_stale_row_that_a_client_saves_does_not_unlink_it() -> Result<()> {
    let p = play_with_bob().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    let before = p.row(&id).await?;
    p.edit(
        &id,
        &format!(
            "google_event_id = null, google_calendar_id = '{}', sync_state = 'none', title = 'B'",
            bob().email
        ),
    )
    .await?;
    for rested in [false, true] {
        if rested {
            p.rest().await?;
        }
        let row = p.row(&id).await?;
        for column in ["google_event_id", "google_calendar_id"] {
            ensure!(row[column] == before[column], "{column}: {row}");
        }
        let state = if rested { "synced" } else { "pending" };
        ensure!(row["sync_state"] == state, "{row}");
    }
    ensure!(p.shown(&bob().email)?.is_empty(), "it is in Bob's calendar");
    Ok(())
}

#[tokio::test]
async fn h25_an_edit_of_what_can_only_be_read_is_refused_with_a_note() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    p.google_add(
        &bob().email,
        json!({"summary": "Theirs", "attendees": [{"email": EMAIL}]}),
    )?;
    p.rest().await?;
    let id = text(&p.rows().await?.first().context("no row")?["id"]);
    p.edit(&id, "title = 'Mine', color = '3'").await?;
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(row["title"] == "Theirs" && row["color"] == "3", "{row}");
    ensure!(
        p.count("tandem.history where kind = 'refused'").await? == 1,
        "nobody is told"
    );
    Ok(())
}

#[tokio::test]
async fn h25_nothing_of_a_calendar_that_can_only_be_read_is_changed() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    let made = p.control("POST", "calendars", &json!({"summary": "Team", "owner": bob().email, "shared": [{"user": EMAIL, "role": "reader"}]}))?;
    let team = text(&made["id"]);
    p.connect_calendar(&ann(), &team, "Team", "reader").await?;
    let changes = json!({"summary": "Theirs", "start": {"dateTime": "2031-03-04T09:00:00Z"}, "end": {"dateTime": "2031-03-04T10:00:00Z"}});
    p.control(
        "POST",
        "ui/create",
        &json!({"user": bob().email, "calendar": team, "notify": false, "changes": changes}),
    )?;
    p.rest().await?;
    let id = text(&p.rows().await?.first().context("no row")?["id"]);
    p.edit(&id, "title = 'Mine', color = '3'").await?;
    p.rest().await?;
    let row = p.row(&id).await?;
    ensure!(
        row["title"] == "Theirs" && row["google_access"] == "read",
        "{row}"
    );
    p.delete(&id).await?;
    let written = p.rest().await?;
    ensure!(written.is_empty(), "{written:?}");
    ensure!(
        list(
            &p.value("select jsonb_agg(title) from public.events")
                .await?
        ) == ["Theirs"],
        "{:?}",
        p.rows().await?
    );
    Ok(())
}

#[tokio::test]
async fn h25_a_copied_row_brings_no_google_id_along() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    let mut copy: Value = p.row(&id).await?;
    tests::play::put(
        &mut copy,
        json!({"id": "e0000000-0000-4000-8000-000000000001", "title": "Copy"}),
    );
    let copy = p.insert(copy).await?;
    p.rest().await?;
    ensure!(
        p.place(&copy).await? != p.place(&id).await?,
        "two rows of one event"
    );
    ensure!(p.shown(EMAIL)?.len() == 2, "not two events");
    Ok(())
}
