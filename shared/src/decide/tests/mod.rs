//! Claims and events for the cases, and what a decision is told as.

mod choice;
mod moves;
mod push;
mod refusal;

use super::push::{Method, Seen, Step, decide};
use crate::db::push_claim::{Claimed, DeletedBy, Proof};
use crate::db::push_record::Outcome;
use crate::google::Event;
use serde_json::{Value, json};

const ID: &str = "0123e567-e89b-12d3-a456-426614174000";

/// The row and event of all cases: synced under etag "1".
pub(super) fn row() -> Value {
    json!({"title": "Call", "all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04", "status": "confirmed",
        "attendees": [], "enabled": true, "owner_id": ID, "description": null, "location": null, "recurrence": null,
        "time_zone": null, "visibility": "default", "transparency": "opaque", "color": null, "reminders": null,
        "organizer": {"email": null, "display_name": null, "self": true}, "creator": null})
}

pub(super) fn event() -> Value {
    json!({"id": "e1", "etag": "\"1\"", "status": "confirmed", "summary": "Call", "updated": "2031-01-01T12:00:00Z",
        "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}, "organizer": {"self": true}})
}

pub(super) fn base_google() -> Value {
    let base = crate::db::push_record::base_google(&read(&event())).unwrap();
    Value::Object(base)
}

pub(super) fn read(event: &Value) -> Event {
    Event::read(&event.to_string()).unwrap()
}

/// A claim of the synced event; `change` makes it the case.
pub(super) fn claimed(change: impl FnOnce(&mut Value)) -> Claimed {
    let mut claim = json!({
        "event_id": ID, "rev": 10, "fence": 1, "now": "2031-01-01T13:00:00Z", "row": row(), "old_row": null, "look": false,
        "unclear": false, "attempt": 1, "attempts": [{"rev": 10, "row": row()}], "changed_at": {"title": "2031-01-01T12:30:00Z"},
        "inbox": null, "calendar": {"google_id": "ann@example.com", "time_zone": "UTC", "access_role": "owner"},
        "connection": {"policy": "latest", "send_updates": "none", "opt_out": "remove"}, "decision": null, "quiet": false,
        "unowned": false, "series": null, "moved_to": null, "organizer": null, "elsewhere": false, "unlisted": [],
        "token": {"account_id": ID, "generation": 1, "refresh": false, "access_token": "k.a", "refresh_token": "k.r"},
        "link": {"id": ID, "root_id": ID, "leaving": false, "original_start": null, "google_id": "e1", "organized": true, "generation": 0, "state": "live", "etag": "\"1\"", "google_updated": "2031-01-01T12:00:00Z",
            "base_crm": row(), "base_google": base_google(), "deleted_by": null, "proof": null},
    });
    change(&mut claim);
    serde_json::from_value(claim).unwrap()
}

pub(super) fn seen(change: impl FnOnce(&mut Value)) -> Seen {
    let mut event = event();
    change(&mut event);
    Seen::Event(Box::new(read(&event)))
}

/// In one word, with what matters of it.
pub(super) fn told(claimed: &Claimed, seen: &Seen) -> String {
    match decide(claimed, seen).unwrap() {
        Step::Read => "read".to_owned(),
        Step::Write(write) => {
            let mut fields: Vec<&str> = write
                .body
                .keys()
                .map(String::as_str)
                .filter(|key| *key != "extendedProperties")
                .collect();
            fields.sort_unstable();
            let crm: Vec<&str> = write.merged.to_crm.keys().map(|unit| unit.name()).collect();
            let method = match write.method {
                Method::Insert => "insert".to_owned(),
                Method::Patch(etag) => format!("patch {etag}"),
                Method::Restore(etag) => format!("restore {etag}"),
                Method::Delete(etag, _) => format!("delete {etag}"),
            };
            format!("{method} google={} crm={}", fields.join(","), crm.join(","))
        }
        Step::Record(Outcome::Synced { merged, .. }, _) => {
            let crm: Vec<&str> = merged.keys().map(|unit| unit.name()).collect();
            format!("synced crm={}", crm.join(","))
        }
        Step::Record(outcome, _) => match outcome {
            Outcome::Deleted {
                by: DeletedBy::Crm,
                proof: Proof::NeverSeen,
                ..
            } => "deleted, never seen".to_owned(),
            Outcome::Deleted { .. } => "deleted".to_owned(),
            Outcome::Erased { .. } => "erased".to_owned(),
            Outcome::Revived { .. } => "revived".to_owned(),
            Outcome::Regenerate { generation } => format!("generation {generation}"),
            Outcome::Nothing => "nothing".to_owned(),
            Outcome::Moved { .. } => "moved".to_owned(),
            Outcome::Kept => "kept".to_owned(),
            Outcome::Elsewhere => "elsewhere".to_owned(),
            outcome @ (Outcome::Synced { .. } | Outcome::Retry { .. } | Outcome::Failed { .. }) => {
                format!("{outcome:?}")
            }
        },
    }
}

pub(super) fn check(claim: impl FnOnce(&mut Value), seen: &Seen, expected: &str) {
    assert_eq!(told(&claimed(claim), seen), expected);
}

pub(super) fn edited(claim: &mut Value) {
    claim["row"]["title"] = json!("Changed");
}

pub(super) fn removed(claim: &mut Value) {
    claim["old_row"] = row();
    claim["row"] = Value::Null;
    claim["attempts"] = json!([{"rev": 10, "row": null}]);
}

pub(super) fn reserved(claim: &mut Value) {
    for field in ["etag", "base_crm", "base_google", "google_updated"] {
        claim["link"][field] = Value::Null;
    }
    claim["link"]["state"] = json!("reserved");
}

pub(super) fn gone(claim: &mut Value) {
    claim["link"]["state"] = json!("gone");
    claim["link"]["proof"] = json!("confirmed");
}

pub(super) fn cancelled() -> Seen {
    seen(|event| {
        event["status"] = json!("cancelled");
        event["etag"] = json!("\"2\"");
    })
}

pub(super) fn renamed() -> Seen {
    seen(|event| {
        event["summary"] = json!("Google's");
        event["etag"] = json!("\"2\"");
    })
}
