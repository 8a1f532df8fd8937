//! What the clock finds to do.

use crate::{ConnectionId, EventId};
use serde::{Deserialize, Serialize};

/// The clock's question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDue {
    /// The deployment.
    pub instance: String,
    /// Families and connections at most, each.
    pub most: u32,
}

/// What is due, the live before the bulk, accounts in turn.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Due {
    /// Events with due work, one of each family.
    pub events: Vec<EventId>,
    /// Connections to list.
    pub connections: Vec<ConnectionId>,
    /// More is due than this.
    pub more: bool,
}
