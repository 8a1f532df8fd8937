//! One call of each kind, with each outcome, on a database that is full already.

use crate::{manage, page};
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::sql::{DIGEST, Person, Session, cancelled, item, merge, synced, text};
use uuid::Uuid;

/// Makes them all; `name` is for people who were not there before.
pub async fn everything(session: &Session, name: &str) -> Result<()> {
    let ann = connected(session, name).await?;
    edits(session, ann).await?;
    outcomes(session, ann).await?;
    pages(session, ann).await?;
    channel(session, ann, name).await?;
    manage::everything(session, ann, name).await?;
    page::everything(session, ann).await?;
    the_rest(session, ann, name).await
}

/// Somebody who had an event before they connected, and whose first import is done.
async fn connected(session: &Session, name: &str) -> Result<Person> {
    let user = Uuid::new_v4();
    session.event(user).await?;
    session
        .call("tandem_oauth_use_state", json!({"nonce": name}))
        .await?;
    let account = session.account(user, name).await?;
    let calendar = session
        .calendar(account, &format!("{name}@calendar.example"))
        .await?;
    session.event(user).await?;
    session.pull(calendar, &[]).await?;
    Ok(Person {
        user,
        account,
        calendar,
    })
}

/// What the CRM and its users do.
async fn edits(session: &Session, ann: Person) -> Result<()> {
    let event = session.event(ann.user).await?;
    session
        .run(&format!("update public.events set title = 'New' where id = '{event}'; delete from public.events where id = '{event}'"))
        .await?;
    session.claim(event).await?;
    session
        .run(&format!(
            "select set_config('request.jwt.claims', '{{\"sub\": \"{}\"}}', false)",
            ann.user
        ))
        .await?;
    let own = session
        .list("select id from public.tandem_connections")
        .await?;
    ensure!(own.as_array().is_some_and(|own| own.len() == 1), "{own}");
    Ok(())
}

/// Records of every outcome.
async fn outcomes(session: &Session, ann: Person) -> Result<()> {
    let merged = json!({"title": {"title": "Merged"}});
    let google = json!({"id": "other", "etag": "e2", "updated": "2026-01-01T00:00:00Z", "ical_uid": "other"});
    for outcome in [
        json!({"outcome": "synced", "merged": merged}),
        json!({"outcome": "deleted", "by": "crm", "proof": "confirmed"}),
        json!({"outcome": "erased", "by": "google"}),
        json!({"outcome": "regenerate", "generation": 1}),
        json!({"outcome": "nothing", "notes": [{"kind": "note"}]}),
        json!({"outcome": "retry", "reason": "later", "delay_seconds": 1, "free": true, "not_written": true}),
        json!({"outcome": "failed", "reason": "never", "not_written": false}),
    ] {
        let event = session.event(ann.user).await?;
        let claimed = session.claim(event).await?;
        ensure!(claimed["outcome"] == "claimed", "{claimed}");
        let record = merge(synced(&claimed, "e1"), outcome);
        let recorded = session.record(&claimed, record).await?;
        ensure!(recorded["outcome"] == "recorded", "{recorded}");
        let late = session
            .record(&claimed, json!({"outcome": "nothing"}))
            .await?;
        ensure!(
            late["outcome"] == "fenced" || late["outcome"] == "recorded",
            "{late}"
        );
    }
    let event = session.pushed(ann.user).await?;
    session
        .run(&format!("delete from public.events where id = '{event}'"))
        .await?;
    let claimed = session.claim(event).await?;
    let fields = claimed["old_row"].clone();
    let revived =
        json!({"outcome": "revived", "google": google, "base_google": {}, "fields": fields});
    let recorded = session.record(&claimed, revived).await?;
    ensure!(recorded["outcome"] == "recorded", "{recorded}");
    Ok(())
}

/// Listings whose items meet every case.
async fn pages(session: &Session, ann: Person) -> Result<()> {
    let calendar = ann.calendar;
    let id = |name: &str| format!("{name}{}", calendar.simple());
    let open = session.pushed(ann.user).await?;
    let open_id = session.of_link(open, "google_id").await?;
    session
        .run(&format!(
            "update public.events set title = 'Open' where id = '{open}'"
        ))
        .await?;
    let lost = session.event(ann.user).await?;
    let derived = session
        .value(&format!("select tandem.google_id('{lost}', 0)"))
        .await?;
    let first = [
        item(&id("one"), "e1", "One"),
        item(&id("two"), "e1", "Two"),
        item(&id("three"), "e1", "Three"),
    ];
    counted(session, calendar, &first, json!({"created": 3})).await?;
    let mirror = merge(
        item(&id("mirror"), "e1", "One"),
        json!({"ical_uid": format!("{}@google.com", id("one"))}),
    );
    let ours = merge(
        item(text(&derived), "e1", "Lost"),
        json!({"derived_from": lost, "generation": 0}),
    );
    let second = [
        item(&id("one"), "e2", "Changed"),
        item(&id("two"), "e1", "Two"),
        cancelled(&id("three"), "e2"),
        mirror,
        ours,
        item(text(&open_id), "e9", "Parked"),
        merge(
            item(&id("bad"), "e1", "Bad"),
            json!({"unreadable": "start: missing"}),
        ),
        merge(
            item(&id("refused"), "e1", "Bad"),
            json!({"units": {"status": {"google": "x", "row": {"status": "x"}}}}),
        ),
    ];
    let counts = json!({"updated": 1, "echo": 1, "deleted": 1, "mirrored": 1, "parked": 2, "quarantined": 2});
    counted(session, calendar, &second, counts).await?;
    resync(session, calendar).await
}

async fn counted(session: &Session, calendar: Uuid, items: &[Value], counts: Value) -> Result<()> {
    let applied = session.pull(calendar, items).await?;
    ensure!(applied["counts"] == counts, "{applied}");
    Ok(())
}

/// A full listing that shows nothing, after a token that Google refused.
async fn resync(session: &Session, calendar: Uuid) -> Result<()> {
    let claimed = session.list_calendar(calendar).await?;
    let refused = json!({
        "calendar_id": calendar, "fence": claimed["fence"], "reason": "410", "delay_seconds": 0, "resync": true,
        "pause": {"account_id": claimed["token"]["account_id"], "seconds": 0},
    });
    session.call("tandem_pull_fail", refused).await?;
    session.pull(calendar, &[]).await?;
    Ok(())
}

/// A channel from its first note to its end, with a message.
async fn channel(session: &Session, ann: Person, name: &str) -> Result<()> {
    for id in [format!("{name}-old"), format!("{name}-new")] {
        let begin = json!({"calendar_id": ann.calendar, "channel_id": id});
        let begun = session.call("tandem_channel_begin", begin).await?;
        ensure!(begun["outcome"] == "begun", "{begun}");
        let soon = "select tandem.utc(tandem.clock() + interval '1 hour')";
        let record = json!({"channel_id": id, "resource_id": "resource", "expires_at": session.value(soon).await?});
        session.call("tandem_channel_record", record).await?;
    }
    session
        .call(
            "tandem_channel_stopped",
            json!({"channel_ids": [format!("{name}-old")]}),
        )
        .await?;
    let notice = json!({
        "channel_id": format!("{name}-new"), "resource_id": "resource", "message_number": 2, "state": "exists", "digest": DIGEST,
    });
    let claimed = session.call("tandem_pull_claim", notice).await?;
    ensure!(claimed["outcome"] == "claimed", "{claimed}");
    let end = json!({"sync_token": "s2", "channel_id": format!("{name}-new"), "message_number": 2});
    session.apply(&claimed, &[], end).await?;
    Ok(())
}

/// Ticks and tokens.
async fn the_rest(session: &Session, ann: Person, name: &str) -> Result<()> {
    let due = session.call("tandem_due", json!({"most": 50})).await?;
    for kind in ["events", "calendars", "channels"] {
        ensure!(
            due[kind].as_array().is_some_and(|due| !due.is_empty()),
            "{kind}: {due}"
        );
    }
    let token = json!({"account_id": ann.account, "generation": 1, "access_token": name, "expires_in": 3600});
    session
        .call("tandem_token_store", json!({"token": token}))
        .await?;
    let refused = json!({"account_id": ann.account, "generation": 2, "reason": "invalid_grant"});
    session.call("tandem_token_refused", refused).await?;
    decisions(session, ann).await?;
    let waiting = session.event(ann.user).await?;
    let claimed = session.claim(waiting).await?;
    ensure!(claimed["outcome"] == "waiting", "{claimed}");
    session.account(ann.user, name).await?;
    manage::disconnected(session, ann).await
}

/// What people decide on the page.
async fn decisions(session: &Session, ann: Person) -> Result<()> {
    for decision in ["keep", "apply"] {
        let p = json!({"user_id": ann.user, "calendar_id": ann.calendar, "decision": decision});
        session.call("tandem_confirm", p).await?;
    }
    let event = session.event(ann.user).await?;
    session.call("tandem_due", json!({})).await?;
    let bad = format!("bad{}", ann.calendar.simple());
    for p in [
        json!({"event_id": event}),
        json!({"calendar_id": ann.calendar, "google_id": bad}),
    ] {
        let p = merge(p, json!({"user_id": ann.user}));
        session.call("tandem_retry", p).await?;
    }
    Ok(())
}
