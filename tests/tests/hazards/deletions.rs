//! What goes, and what must not: 3, 8, 15.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::inprocess::{EMAIL, Fate};
use tests::play::{Play, ann, bob, list, play, text};

#[tokio::test]
async fn h03_an_event_made_during_a_resync_is_not_swept() -> Result<()> {
    let p = play().await?;
    let old = p.add("Old").await?;
    p.rest().await?;
    expire_token(&p)?;
    p.pass(3_700).await?;
    let refused = "tandem_fail";
    p.kill_at(refused, Fate::KilledAfter);
    p.tick().await;
    p.kill_at("GET /calendar", Fate::HeldAfter);
    let resync = p.work(p.ticking()).await.err().context("it went on")?;
    let new = p.add("New").await?;
    p.poke(&new).await;
    ensure!(p.event(&new).await?["summary"] == "New", "not pushed");
    p.release();
    ensure!(p.work(resync).await.is_ok(), "it stands still");
    p.rest().await?;
    ensure!(
        !p.row(&old).await?.is_null() && !p.row(&new).await?.is_null(),
        "swept"
    );
    Ok(())
}

#[tokio::test]
async fn h03_a_resync_that_ends_anywhere_is_resumed() -> Result<()> {
    for (call, skip) in [
        ("tandem_commit", 0),
        ("GET /calendar", 1),
        ("tandem_commit", 1),
        ("GET /calendar", 2),
    ] {
        let p = play().await?;
        let gone = p.add("Gone").await?;
        p.rest().await?;
        p.control(
            "POST",
            &format!("calendars/{EMAIL}/fill"),
            &json!({"count": 300}),
        )?;
        p.control("POST", "notifications", &json!({"drop": 1000}))?;
        p.ui("delete", &gone, json!({})).await?;
        expire_token(&p)?;
        p.kill_after(skip, call, Fate::KilledBefore);
        p.pass(3_700).await?;
        p.tick().await;
        p.rest_but(&[tests::field::Field::When]).await?;
        ensure!(p.killed() == 1, "{call} {skip}: it was not cut off");
        ensure!(
            p.rows().await?.len() == 300,
            "{call} {skip}: {} rows",
            p.rows().await?.len()
        );
    }
    Ok(())
}

#[tokio::test]
async fn h03_h2_a_resync_keeps_events_of_long_ago() -> Result<()> {
    let p = play().await?;
    let past = json!({"title": "Past", "starts_at": "1999-03-03T09:00:00Z", "ends_at": "1999-03-03T10:00:00Z"});
    let past = p.insert(past).await?;
    p.rest().await?;
    expire_token(&p)?;
    p.pass(3_700).await?;
    p.rest().await?;
    ensure!(!p.row(&past).await?.is_null(), "swept");
    Ok(())
}

#[tokio::test]
async fn h03_what_a_resync_does_not_show_goes_only_when_google_says_that_it_is_gone() -> Result<()>
{
    let p = play().await?;
    let (gone, stays) = (p.add("Gone").await?, p.add("Stays").await?);
    p.rest().await?;
    p.ui("delete", &gone, json!({})).await?;
    p.control("POST", "notifications", &json!({"drop": 100}))?;
    // A listing that shows neither.
    let empty = json!({"kind": "calendar#events", "accessRole": "owner", "timeZone": "UTC", "items": [], "nextSyncToken": "s"});
    p.fault(json!({"method": "events.list", "status": 410, "reason": "fullSyncRequired"}))?;
    p.fault(json!({"method": "events.list", "body": empty.to_string()}))?;
    p.pass(3_700).await?;
    p.rest().await?;
    ensure!(p.row(&gone).await?.is_null(), "it stays");
    ensure!(!p.row(&stays).await?.is_null(), "swept");
    Ok(())
}

#[tokio::test]
async fn h03_h3_a_calendar_that_shows_free_and_busy_only_takes_nothing_away() -> Result<()> {
    let p = play().await?;
    let team = shared(&p, "writer").await?;
    p.control("POST", "ui/create", &json!({"user": bob().email, "calendar": team, "notify": false, "changes": {"summary": "Theirs",
        "start": {"dateTime": "2031-03-04T09:00:00Z"}, "end": {"dateTime": "2031-03-04T10:00:00Z"}}}))?;
    p.rest().await?;
    ensure!(p.rows().await?.len() == 1, "not imported");
    share(&p, &team, "freeBusyReader")?;
    expire_token(&p)?;
    for _ in 0..4 {
        p.pass(3_700).await?;
        p.tick().await;
    }
    let rows = p.rows().await?;
    ensure!(rows.len() == 1 && rows[0]["title"] == "Theirs", "{rows:?}");
    share(&p, &team, "writer")?;
    p.rest().await.map(drop)
}

#[tokio::test]
async fn h08_an_answer_does_not_undo_a_deletion() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    let id = meeting(&p).await?;
    p.rest().await?;
    p.delete(&id).await?;
    answer(&p, &id).await?;
    p.rest().await?;
    ensure!(p.rows().await?.is_empty(), "the row came back");
    ensure!(p.shown(EMAIL)?.is_empty(), "the meeting stays");
    Ok(())
}

#[tokio::test]
async fn h08_h2_a_meeting_that_its_organizer_cancelled_is_not_made_again() -> Result<()> {
    let p = play().await?;
    p.simulator.add_user(&bob().email, "Bob", true);
    let theirs = p.google_add(
        &bob().email,
        json!({"summary": "Theirs", "attendees": [{"email": EMAIL}]}),
    )?;
    p.rest().await?;
    let id = text(&p.rows().await?.first().context("no row")?["id"]);
    p.edit(&id, "title = 'Mine'").await?;
    p.control(
        "POST",
        "ui/delete",
        &json!({"user": bob().email, "id": theirs, "notify": true}),
    )?;
    p.rest().await?;
    ensure!(p.rows().await?.is_empty(), "the row stays");
    ensure!(p.shown(EMAIL)?.is_empty(), "a second meeting");
    Ok(())
}

#[tokio::test]
async fn h08_h3_the_tombstone_of_an_earlier_id_deletes_nothing() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    let (_, first) = p.place(&id).await?;
    p.switch(json!({"restore": "forbidden"}))?;
    p.ui("delete", &id, json!({})).await?;
    p.edit(&id, "title = 'B'").await?;
    p.poke(&id).await;
    p.rest().await?;
    ensure!(p.place(&id).await?.1 != first, "the id was used again");
    ensure!(p.row(&id).await?["title"] == "B", "the row is gone");
    ensure!(p.shown(EMAIL)?.len() == 1, "not one event");
    Ok(())
}

#[tokio::test]
async fn h15_a_cascade_that_empties_a_calendar_waits_for_a_person() -> Result<()> {
    for (decision, left) in [("apply", 2), ("keep", 16)] {
        let p = play().await?;
        fill(&p).await?;
        p.sql("delete from public.events where contact_id = 'c'")
            .await?;
        p.quiet().await?;
        ensure!(p.shown(EMAIL)?.len() == 16, "deleted without a question");
        ensure!(
            p.count("tandem.work where state = 'held'").await? == 14,
            "not held"
        );
        confirm(&p, decision).await?;
        p.rest().await?;
        ensure!(p.shown(EMAIL)?.len() == left, "{decision}");
        ensure!(p.rows().await?.len() == left, "{decision}");
    }
    Ok(())
}

#[tokio::test]
async fn h15_a_calendar_that_is_emptied_in_google_waits_for_a_person() -> Result<()> {
    for (decision, left) in [("apply", 2), ("keep", 16)] {
        let p = play().await?;
        fill(&p).await?;
        let events = p
            .value("select jsonb_agg(id) from public.events where contact_id = 'c'")
            .await?;
        p.control("POST", "notifications", &json!({"drop": 100}))?;
        for id in list(&events) {
            p.ui("delete", &text(&id), json!({})).await?;
        }
        p.pass(3_700).await?;
        p.quiet().await?;
        ensure!(p.rows().await?.len() == 16, "deleted without a question");
        confirm(&p, decision).await?;
        p.rest().await?;
        ensure!(p.shown(EMAIL)?.len() == left, "{decision}");
        ensure!(p.rows().await?.len() == left, "{decision}");
    }
    Ok(())
}

#[tokio::test]
async fn h15_the_events_of_a_user_who_is_gone_stay_in_google() -> Result<()> {
    let p = play().await?;
    fill(&p).await?;
    p.sql(&format!(
        "create schema auth; create table auth.users (id uuid primary key); insert into auth.users values ('{0}');
         begin; delete from auth.users; delete from public.events where owner_id = '{0}'; commit",
        ann().id
    ))
    .await?;
    p.quiet().await?;
    ensure!(p.shown(EMAIL)?.len() == 16, "deleted");
    let written = p.take_written();
    ensure!(
        written.iter().all(|one| one.method != http::Method::DELETE),
        "{written:?}"
    );
    Ok(())
}

#[tokio::test]
async fn h15_linked_events_cannot_be_truncated() -> Result<()> {
    let p = play().await?;
    let id = p.add("A").await?;
    p.rest().await?;
    ensure!(p.sql("truncate public.events").await.is_err(), "truncated");
    p.delete(&id).await?;
    p.rest().await?;
    p.sql("truncate public.events").await
}

/// Two events, and fourteen of one contact.
async fn fill(p: &Play) -> Result<()> {
    p.sql(&format!(
        "insert into public.events (owner_id, title, starts_at, ends_at, time_zone, contact_id)
         select '{}', 'Event ' || n, '2031-01-01T10:00Z'::timestamptz + n * interval '1 day',
           '2031-01-01T11:00Z'::timestamptz + n * interval '1 day', 'UTC', case when n > 2 then 'c' end from generate_series(1, 16) n",
        ann().id
    ))
    .await?;
    p.rest().await.map(drop)
}

async fn confirm(p: &Play, decision: &str) -> Result<()> {
    let connection: Value = p.value("select id from tandem.connections").await?;
    let said = json!({"user_id": ann().id, "connection_id": connection, "decision": decision});
    let confirmed = p.call("tandem_confirm", said).await?;
    ensure!(confirmed["events"] == 14, "{confirmed}");
    Ok(())
}

async fn meeting(p: &Play) -> Result<String> {
    p.insert(json!({"title": "Meeting", "attendees": [{"email": bob().email}]}))
        .await
}

/// Bob accepts in his own calendar.
async fn answer(p: &Play, meeting: &str) -> Result<()> {
    let act = json!({"calendar": bob().email, "user": bob().email, "response": "accepted"});
    p.ui("answer", meeting, act).await?;
    let event = p.event(meeting).await?;
    ensure!(
        event["attendees"].to_string().contains("accepted"),
        "{event}"
    );
    Ok(())
}

/// Ann syncs a calendar of Bob's, who does not use the CRM.
async fn shared(p: &Play, role: &str) -> Result<String> {
    p.simulator.add_user(&bob().email, "Bob", true);
    let made = p.control(
        "POST",
        "calendars",
        &json!({"summary": "Team", "owner": bob().email}),
    )?;
    let id = text(&made["id"]);
    share(p, &id, role)?;
    p.connect_calendar(&ann(), &id, "Team", role).await?;
    Ok(id)
}

fn share(p: &Play, calendar: &str, role: &str) -> Result<()> {
    let path = format!("calendars/{calendar}/share");
    p.control("POST", &path, &json!({"user": EMAIL, "role": role}))
        .map(drop)
}

/// Google's next answer to a sync token is that it is too old.
fn expire_token(p: &Play) -> Result<()> {
    p.fault(json!({"method": "events.list", "status": 410, "reason": "fullSyncRequired"}))
}
