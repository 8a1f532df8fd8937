//! A page of a listing with one item, in a connection that knows nothing.

use planner::{PageInput, World, plan_page};
use provider::Listed;
use serde_json::json;
use store::{Connection, Loaded};
use uuid::Uuid;

/// Plans the page: what cannot be read waits for a person, and nothing is deleted.
pub fn planned(item: &Listed) {
    let (connection, loaded) = (connection(), loaded());
    let connections = [connection.clone()];
    let world = World {
        now: loaded.now,
        as_of: loaded.as_of,
        instance: "i",
        connections: &connections,
        accounts: &[],
        event_url: None,
        fraction: 0.0,
        remote_deletions: 0,
        notified_at: None,
        new_id: &Uuid::nil,
    };
    let input = PageInput {
        connection: &connection,
        items: vec![item.clone()],
        is_read: false,
        as_of: 1,
        import_from: None,
        loaded: &loaded,
    };
    let plan = plan_page(&world, &input);
    match &item.event {
        Ok(_) => assert!(plan.families.len() + plan.park.len() <= 1),
        Err(_) => assert_eq!((plan.families.len(), plan.park.len()), (0, 1)),
    }
}

fn connection() -> Connection {
    let json = json!({
        "id": Uuid::nil(), "user": "ann", "account": Uuid::nil(), "calendar": "ann@example.com",
        "time_zone": "Europe/Berlin", "access_role": "owner", "choices": {}, "state": "active", "is_target": true,
        "imported_at": null, "listed": 0, "listed_at": null, "failures": 0, "linked": 0, "deleted_by_crm": 0,
        "deleted_by_remote": 0,
    });
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}

fn loaded() -> Loaded {
    let json = json!({
        "now": "2031-03-01T08:00:00Z", "as_of": 1, "families": [], "skipped": [], "connections": [], "accounts": [],
        "parked": [],
    });
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{error}"))
}
