//! The CRM's side: a row of its events table as the database's adapter shows it, and the body that
//! its triggers post.

pub mod poke;
mod row;

pub use row::Row;

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The id of an event in the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(pub Uuid);

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
