//! What an edit of an event, of one occurrence, of it and the following, or of a whole series means for
//! the rows. Pure: rows as read and a wanted in, the rows to write out.

mod edit;
mod lines;
mod patch;
mod remove;
mod rule;
mod target;
mod when;

#[cfg(test)]
mod tests;

pub use edit::{create, edit};
pub use remove::remove;
pub use target::{EditTarget, Scope};
pub use when::Start;

use crate::crm::Row;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// An event as it was read, with its series.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// By id: the event, its master and all exceptions of that.
    pub rows: BTreeMap<Uuid, Row>,
    /// The zone of timed rows that name none.
    pub zone: String,
}

/// One row to write.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum Write {
    /// A new row.
    Insert {
        /// Its key.
        id: Uuid,
        /// All its fields.
        fields: Map<String, Value>,
    },
    /// Other values of some fields.
    Update {
        /// Which row.
        id: Uuid,
        /// The fields.
        fields: Map<String, Value>,
    },
    /// The row goes.
    Delete {
        /// Which row.
        id: Uuid,
    },
}

impl Write {
    /// The row.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Insert { id, .. } | Self::Update { id, .. } | Self::Delete { id } => *id,
        }
    }
}

/// What an edit comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The row that shows the edited event.
    pub main: Uuid,
    /// In this order, in one transaction.
    pub writes: Vec<Write>,
}

/// Why an edit is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A value that does not fit.
    #[error("{reason}")]
    Invalid {
        /// Where.
        field: &'static str,
        /// What to do.
        reason: String,
    },
    /// There is no such event.
    #[error("there is no such event among yours")]
    Unknown,
    /// It cannot be done with this event as it is.
    #[error("{0}")]
    State(String),
}

impl Refusal {
    /// A value that does not fit.
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            reason: reason.into(),
        }
    }
}
