//! A family as the planner sees it: the store's, with everything typed, and what has changed in it since.

use crate::standing::Standing;
use chrono::{DateTime, Utc};
use event::EventFields;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use store::{ConnectionId, EventId, Parked, RemoteId, Side, UserId};

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its mapped fields.
    pub fields: EventFields,
    /// The same as the store gave them.
    pub raw: Map<String, Value>,
    /// Whose it is.
    pub owner: UserId,
    /// It is for the provider.
    pub enabled: bool,
    /// The master that it names.
    pub series: Option<EventId>,
    /// Which occurrence.
    pub original_start: Option<String>,
}

/// An event of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    pub event: EventId,
    /// The row as the commit leaves it; none where there is none.
    pub row: Option<Row>,
    /// The row as it was deleted.
    pub deleted: Option<Row>,
    /// What a commit acknowledges.
    pub rev: i64,
    /// Open changes, by field.
    pub changed: BTreeMap<String, DateTime<Utc>>,
    pub links: Vec<Link>,
    /// Writes that were never acknowledged, without this load's own.
    pub attempts: Vec<Attempt>,
    /// Remote versions that wait.
    pub parked: Vec<Parked>,
    /// Which occurrence it is, canonical.
    pub original_start: Option<String>,
    /// The event must be read before anything else.
    pub must_read: bool,
    /// This planning adds it.
    pub is_new: bool,
    /// The provider has shown it during this planning.
    pub was_read: bool,
}

/// Which remote event an event is.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub connection: ConnectionId,
    pub remote: RemoteId,
    /// Where it was born.
    pub origin: Side,
    /// Identity of the meeting.
    pub ical_uid: Option<String>,
    /// Where it stands.
    pub standing: Standing,
    /// Acknowledged last.
    pub synced_rev: i64,
    /// The store's sequence when it was stored.
    pub recorded: i64,
}

/// A write that was never acknowledged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What its stamp says.
    pub rev: i64,
    /// What it may have written; none for a deletion.
    pub row: Option<EventFields>,
}

impl Member {
    /// A change that is not acknowledged, or a write whose outcome is unknown.
    pub fn is_dirty(&self) -> bool {
        !self.changed.is_empty() || self.deleted.is_some() || !self.attempts.is_empty()
    }

    /// The same without what this planning deletes.
    pub fn has_open_changes(&self) -> bool {
        !self.changed.is_empty() || !self.attempts.is_empty()
    }

    /// There is a row, or was one until it was deleted.
    pub fn has_had_row(&self) -> bool {
        self.row.is_some() || self.deleted.is_some()
    }

    /// There is a row, and it is for the provider.
    pub fn is_for_provider(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.enabled)
    }

    /// The link in a connection.
    pub fn link_in(&self, connection: &ConnectionId) -> Option<usize> {
        self.links
            .iter()
            .position(|link| link.connection == *connection)
    }
}
