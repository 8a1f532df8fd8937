//! Transactions of the CRM.

use crate::{EventId, Row, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A statement of a CRM's transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// Adds a row.
    Insert {
        /// Its key.
        event: EventId,
        /// What it says.
        row: Row,
    },
    /// Changes a row; nothing where there is none.
    Update {
        /// Which.
        event: EventId,
        /// What of it.
        edit: Edit,
    },
    /// Deletes a row; nothing where there is none.
    Delete {
        /// Which.
        event: EventId,
    },
}

/// New values of a row; what is none or not named stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Mapped fields.
    pub fields: Map<String, Value>,
    /// Its new owner.
    pub owner: Option<UserId>,
    /// Whether it is for the provider.
    pub enabled: Option<bool>,
    /// The master that it names from now on; `Some(None)`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<Option<EventId>>,
    /// Which occurrence of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_start: Option<Option<String>>,
}

/// Why a CRM's transaction was rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// A row has this key already.
    #[error("there is a row {0} already")]
    KeyTaken(EventId),
    /// The series has a row of this occurrence already.
    #[error("{0} has a row of {1} already")]
    OccurrenceTaken(EventId, String),
}
