//! What the clock finds to do.

use crate::{ConnectionId, EventId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The clock's question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDue {
    /// The deployment.
    pub instance: String,
    /// Who asks, until nothing is found: there are not many at once.
    pub tick: Uuid,
    /// Families and connections at most, each; with none the caller asks no more.
    pub most: u32,
}

/// What is due, the live before the bulk, accounts in turn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Due {
    /// Events with due work, one of each family.
    pub events: Vec<EventId>,
    /// Connections to list.
    pub connections: Vec<ConnectionId>,
}

impl Due {
    /// Whether nothing is due.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.connections.is_empty()
    }
}
