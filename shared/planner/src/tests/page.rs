//! What a page leaves for people.

use crate::listing::{PageInput, plan_page};
use crate::plan::World;
use provider::{Listed, Unreadable};
use serde_json::json;
use std::collections::BTreeSet;
use store::{Connection, Loaded, ParkedState, RemoteId};
use uuid::Uuid;

fn connection() -> Connection {
    serde_json::from_value(json!({
        "id": Uuid::nil(), "user": "ann", "account": Uuid::nil(), "calendar": "ann@example.com", "time_zone": "UTC",
        "access_role": "owner", "choices": {}, "state": "active", "is_target": true, "imported_at": null, "listed": 0,
        "listed_at": null, "failures": 0, "linked": 0, "deleted_by_crm": 0, "deleted_by_remote": 0,
    }))
    .unwrap()
}

fn loaded() -> Loaded {
    serde_json::from_value(json!({
        "now": "2031-03-01T08:00:00Z", "as_of": 1, "families": [], "skipped": [], "connections": [], "accounts": [],
        "parked": [],
    }))
    .unwrap()
}

fn unreadable(raw: &str) -> Listed {
    Listed {
        raw: raw.to_owned(),
        event: Err(Unreadable {
            id: None,
            etag: None,
            why: "no id".to_owned(),
        }),
    }
}

/// Under which ids the unreadable items of a page wait for a person.
fn quarantined(items: &[&str]) -> BTreeSet<RemoteId> {
    let (connection, loaded) = (connection(), loaded());
    let world = World {
        now: loaded.now,
        as_of: loaded.as_of,
        instance: "i",
        connections: &[],
        accounts: &[],
        event_url: None,
        fraction: 0.0,
        remote_deletions: 0,
        notified_at: None,
        new_id: &Uuid::nil,
    };
    let input = PageInput {
        connection: &connection,
        items: items.iter().map(|raw| unreadable(raw)).collect(),
        is_read: false,
        as_of: 1,
        import_from: None,
        loaded: &loaded,
    };
    let parked = plan_page(&world, &input).park.into_iter();
    parked
        .inspect(|parked| assert_eq!(parked.state, ParkedState::Quarantined))
        .map(|parked| parked.remote)
        .collect()
}

#[test]
fn what_has_no_id_waits_under_one_of_its_own() {
    assert_eq!(quarantined(&["{\"a\":1}", "{\"a\":2}"]).len(), 2);
    assert_eq!(quarantined(&["{\"a\":1}"]), quarantined(&["{\"a\":1}"]));
}
