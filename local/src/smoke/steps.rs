//! The steps of the round trip.

use super::World;
use crate::relay::RelayFaults;
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;

type Step = for<'a> fn(&'a World) -> Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Name and function of each step.
pub const ALL: [(&str, Step); 12] = [
    (
        "a timed CRM event appears in Google with its link-back, changes and is deleted there",
        |w| Box::pin(crm_event(w, timed())),
    ),
    ("an all-day CRM event does the same", |w| {
        Box::pin(crm_event(w, all_day()))
    }),
    (
        "a timed Google event appears in the CRM, changes and is deleted there",
        |w| Box::pin(google_event(w, google_timed())),
    ),
    ("an all-day Google event does the same", |w| {
        Box::pin(google_event(w, google_all_day()))
    }),
    ("google_sync_enabled = false keeps an event out", |w| {
        Box::pin(opted_out(w))
    }),
    (
        "opting out later removes it from Google, opting in brings the same one back",
        |w| Box::pin(opted_out_later(w)),
    ),
    (
        "edits of different fields on both sides are both kept",
        |w| Box::pin(both_sides(w)),
    ),
    (
        "a refused event shows error and a reason, and recovers with the next edit",
        |w| Box::pin(refused(w)),
    ),
    ("a lost poke costs time only", |w| Box::pin(lost_poke(w))),
    ("doubled and reordered pokes change nothing", |w| {
        Box::pin(doubled_pokes(w))
    }),
    (
        "a lost notification costs time only, a doubled one nothing",
        |w| Box::pin(notifications(w)),
    ),
    ("an expired access token is refreshed", |w| {
        Box::pin(expired_token(w))
    }),
];

fn timed() -> Value {
    json!({"title": "Call Bob", "description": "About <b>prices</b>", "location": "Room 1", "time_zone": "Europe/Berlin",
        "starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T10:00:00Z",
        "contact_id": "c-1", "company_id": "co-1", "deal_id": "d-1"})
}

fn all_day() -> Value {
    json!({"title": "Fair", "all_day": true, "starts_at": "2031-03-03T00:00:00Z", "ends_at": "2031-03-05T00:00:00Z"})
}

fn google_timed() -> Value {
    json!({"summary": "Lunch", "start": {"dateTime": "2031-04-04T12:00:00+02:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2031-04-04T13:00:00+02:00", "timeZone": "Europe/Berlin"}})
}

fn google_all_day() -> Value {
    json!({"summary": "Holiday", "start": {"date": "2031-05-01"}, "end": {"date": "2031-05-02"}})
}

async fn crm_event(w: &World, columns: Value) -> Result<()> {
    let id = w.crm.create(&w.ann, &columns).await?;
    w.crm.wait_state(&id, "synced").await?;
    let event = only(w.google.of_row(&id).await?)?;
    ensure!(
        event["summary"] == columns["title"],
        "the title differs: {event}"
    );
    for (column, key) in [
        ("contact_id", "crmflowContactId"),
        ("company_id", "crmflowCompanyId"),
        ("deal_id", "crmflowDealId"),
    ] {
        let found = event
            .pointer(&format!("/extendedProperties/private/{key}"))
            .cloned()
            .unwrap_or_default();
        ensure!(found == columns[column], "{key} is {found}");
    }
    if columns["all_day"] == true {
        ensure!(
            event["start"]["date"] == "2031-03-03" && event["end"]["date"] == "2031-03-05",
            "the dates differ: {event}"
        );
    } else {
        ensure!(
            event["start"]["timeZone"] == "Europe/Berlin",
            "the zone differs: {event}"
        );
    }
    let row = w.crm.event(&id).await?;
    ensure!(
        row["google_event_id"] == event["id"],
        "the row does not show the Google id: {row}"
    );
    w.crm.run(&format!("update public.events set title = 'Changed', ends_at = ends_at + interval '1 day' where id = '{id}'")).await?;
    w.crm.wait_state(&id, "synced").await?;
    let google_id = event["id"].as_str().context("id")?.to_owned();
    let changed = w.google.get(&google_id).await?;
    ensure!(
        changed["summary"] == "Changed" && changed["end"] != event["end"],
        "the change did not arrive: {changed}"
    );
    w.crm
        .run(&format!("delete from public.events where id = '{id}'"))
        .await?;
    w.rest().await?;
    ensure!(
        w.google.get(&google_id).await?["status"] == "cancelled",
        "it is still in Google"
    );
    Ok(())
}

async fn google_event(w: &World, body: Value) -> Result<()> {
    let event = w.google.insert(&body).await?;
    let id = event["id"].as_str().context("id")?;
    let state = format!(
        "select e.title from public.events e where e.google_event_id = '{id}' and sync_state = 'synced'"
    );
    w.crm.wait(&state, &body["summary"]).await?;
    if let Some(date) = body.pointer("/start/date") {
        let day = format!(
            "select (starts_at at time zone 'UTC')::date from public.events where all_day and google_event_id = '{id}'"
        );
        w.crm.wait(&day, date).await?;
    }
    w.google
        .patch(id, &json!({"summary": "Moved", "location": "Elsewhere"}))
        .await?;
    w.crm
        .wait(
            &format!("select title || location from public.events where google_event_id = '{id}'"),
            &json!("MovedElsewhere"),
        )
        .await?;
    w.google.delete(id).await?;
    w.crm
        .wait(
            &format!("select count(*) from public.events where google_event_id = '{id}'"),
            &json!(0),
        )
        .await
}

async fn opted_out(w: &World) -> Result<()> {
    let mut columns = timed();
    columns["google_sync_enabled"] = json!(false);
    let id = w.crm.create(&w.ann, &columns).await?;
    w.rest().await?;
    w.crm.wait_state(&id, "none").await?;
    ensure!(w.google.of_row(&id).await?.is_empty(), "it is in Google");
    Ok(())
}

async fn opted_out_later(w: &World) -> Result<()> {
    let id = created(w).await?;
    let before = only(w.google.of_row(&id).await?)?;
    w.crm
        .run(&format!(
            "update public.events set google_sync_enabled = false where id = '{id}'"
        ))
        .await?;
    w.crm.wait_state(&id, "none").await?;
    ensure!(
        w.google.of_row(&id).await?.is_empty(),
        "it is still in Google"
    );
    w.crm
        .run(&format!(
            "update public.events set google_sync_enabled = true, title = 'Back' where id = '{id}'"
        ))
        .await?;
    w.crm.wait_state(&id, "synced").await?;
    let after = only(w.google.of_row(&id).await?)?;
    ensure!(
        after["id"] == before["id"] && after["summary"] == "Back",
        "another one came back: {after}"
    );
    Ok(())
}

async fn both_sides(w: &World) -> Result<()> {
    let id = created(w).await?;
    let event = only(w.google.of_row(&id).await?)?;
    let google_id = event["id"].as_str().context("id")?;
    // Neither side hears of the other's edit before both are made.
    w.stack.relay.set_faults(RelayFaults {
        drop_percent: 100,
        ..RelayFaults::default()
    });
    w.google
        .control(Method::POST, "notifications", &json!({"drop": 1000}))
        .await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'CRM title' where id = '{id}'"
        ))
        .await?;
    w.google
        .patch(google_id, &json!({"location": "Google place"}))
        .await?;
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(10))
        .await?;
    w.stack.relay.set_faults(RelayFaults::default());
    w.google
        .control(Method::POST, "notifications", &json!({}))
        .await?;
    w.stack.tick().await?;
    w.crm.wait_state(&id, "synced").await?;
    let row = w.crm.event(&id).await?;
    let event = w.google.get(google_id).await?;
    ensure!(
        row["title"] == "CRM title" && row["location"] == "Google place",
        "the row lost an edit: {row}"
    );
    ensure!(
        event["summary"] == "CRM title" && event["location"] == "Google place",
        "Google lost an edit: {event}"
    );
    Ok(())
}

async fn refused(w: &World) -> Result<()> {
    let body = json!({"error": {"errors": [{"domain": "global", "reason": "invalid", "message": "Invalid value"}], "code": 400, "message": "Invalid value"}});
    w.google.control(Method::POST, "faults", &json!({"method": "events.insert", "count": 2, "status": 400, "body": body.to_string()})).await?;
    let id = w.crm.create(&w.ann, &timed()).await?;
    w.crm.wait_state(&id, "error").await?;
    let row = w.crm.event(&id).await?;
    ensure!(
        row["sync_error"]
            .as_str()
            .is_some_and(|reason| reason.len() > 20),
        "no reason: {row}"
    );
    w.google
        .control(Method::DELETE, "faults", &Value::Null)
        .await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'Once more' where id = '{id}'"
        ))
        .await?;
    w.crm.wait_state(&id, "synced").await?;
    ensure!(
        w.crm.event(&id).await?["sync_error"].is_null(),
        "the reason is still there"
    );
    Ok(())
}

async fn lost_poke(w: &World) -> Result<()> {
    w.stack.relay.set_faults(RelayFaults {
        drop_percent: 100,
        ..RelayFaults::default()
    });
    let id = w.crm.create(&w.ann, &timed()).await?;
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(10))
        .await?;
    w.stack.relay.set_faults(RelayFaults::default());
    w.crm.wait_state(&id, "pending").await?;
    w.stack.tick().await?;
    w.crm.wait_state(&id, "synced").await
}

async fn doubled_pokes(w: &World) -> Result<()> {
    w.stack.relay.set_faults(RelayFaults {
        double_percent: 100,
        reorder: true,
        ..RelayFaults::default()
    });
    let id = w.crm.create(&w.ann, &timed()).await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'One' where id = '{id}'"
        ))
        .await?;
    w.crm
        .run(&format!(
            "update public.events set title = 'Two' where id = '{id}'"
        ))
        .await?;
    w.stack
        .relay
        .wait_until_idle(std::time::Duration::from_secs(10))
        .await?;
    w.stack.relay.set_faults(RelayFaults::default());
    w.stack.tick().await?;
    w.crm.wait_state(&id, "synced").await?;
    let event = only(w.google.of_row(&id).await?)?;
    ensure!(
        event["summary"] == "Two",
        "the last edit is not in Google: {event}"
    );
    Ok(())
}

async fn notifications(w: &World) -> Result<()> {
    w.google
        .control(Method::POST, "notifications", &json!({"drop": 1000}))
        .await?;
    let lost = w.google.insert(&google_timed()).await?;
    w.google
        .control(Method::POST, "notifications", &json!({"double": 1000}))
        .await?;
    let doubled = w.google.insert(&google_all_day()).await?;
    for event in [lost, doubled] {
        let count = format!(
            "select count(*) from public.events where google_event_id = {}",
            quoted(&event["id"])
        );
        w.crm.wait(&count, &json!(1)).await?;
    }
    w.google
        .control(Method::POST, "notifications", &json!({}))
        .await?;
    Ok(())
}

async fn expired_token(w: &World) -> Result<()> {
    w.crm
        .run("update tandem.accounts set access_expires_at = tandem.clock() - interval '1 minute'")
        .await?;
    w.stack.calls.reset();
    let id = w.crm.create(&w.ann, &timed()).await?;
    w.crm.wait_state(&id, "synced").await?;
    let generation = w
        .crm
        .value("select max(token_generation) from tandem.accounts")
        .await?;
    ensure!(generation.as_i64() > Some(1), "no new token was stored");
    Ok(())
}

async fn created(w: &World) -> Result<String> {
    let id = w.crm.create(&w.ann, &timed()).await?;
    w.crm.wait_state(&id, "synced").await?;
    w.rest().await?;
    Ok(id)
}

fn only(mut events: Vec<Value>) -> Result<Value> {
    ensure!(
        events.len() == 1,
        "expected one event in Google, found {}: {events:?}",
        events.len()
    );
    events.pop().context("one")
}

fn quoted(text: &Value) -> String {
    text.to_string().replace('"', "'")
}
