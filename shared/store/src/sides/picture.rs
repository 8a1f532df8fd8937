//! All that can be seen of a store.

use crate::{
    Attempt, Connection, EventId, Link, Parked, RemoteId, Row, Shown, SyncState, UserId, WorkState,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a store holds at a moment. Leases, fences and tokens are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// The CRM's rows.
    pub rows: BTreeMap<EventId, ShownRow>,
    /// By connection, then remote id.
    pub links: Vec<Link>,
    /// Open work by root.
    pub works: BTreeMap<EventId, OpenWork>,
    /// Events with changes that are not acknowledged.
    pub unacknowledged: BTreeSet<EventId>,
    /// Attempts by event.
    pub attempts: BTreeMap<EventId, Vec<Attempt>>,
    /// By connection, then remote id.
    pub parked: Vec<Parked>,
    /// In order.
    pub history: Vec<Noted>,
    /// By id.
    pub connections: Vec<Connection>,
}

/// A row with what it shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownRow {
    /// What it says.
    pub row: Row,
    /// What it shows of its sync.
    pub shown: Shown,
}

/// Open work of a family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenWork {
    /// Where it stands.
    pub state: WorkState,
    /// Not before.
    pub at: DateTime<Utc>,
    /// Since the last success or change.
    pub attempts: u32,
    /// The family that comes first.
    pub waits_for: Option<EventId>,
    /// Why, for people.
    pub reason: Option<String>,
    /// For the planner.
    pub notes: Map<String, Value>,
    /// It is one of many that a person did not ask for one by one.
    pub bulk: bool,
}

/// A line of an event's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// Which.
    pub event: EventId,
    /// Whose.
    pub owner: UserId,
    /// What happened.
    pub kind: String,
    /// Values.
    pub detail: Value,
    /// When.
    pub at: DateTime<Utc>,
}

impl ShownRow {
    /// A new row.
    #[must_use]
    pub fn new(row: Row) -> Self {
        let shown = Shown {
            state: SyncState::None,
            error: None,
            remote: None,
            calendar: None,
            access: None,
        };
        Self { row, shown }
    }
}

impl Picture {
    /// The link of a remote event in any connection.
    #[must_use]
    pub fn link(&self, remote: &RemoteId) -> Option<&Link> {
        self.links.iter().find(|link| link.remote == *remote)
    }
}
