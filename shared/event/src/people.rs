//! Organizer and creator: the provider's to say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The organizer or the creator of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// An address; a calendar's where a secondary calendar organizes.
    pub email: Option<String>,
    /// A name.
    pub display_name: Option<String>,
    /// It is the calendar that the event was read from.
    #[serde(rename = "self")]
    pub is_self: bool,
}

impl Person {
    /// Of a row; none where it is nothing that names a person.
    pub(crate) fn of_row(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok()
    }
}
