//! The mapped fields of an event's row, as `tandem.crm_fields` gives them.
//!
//! A row is kept as the JSON object it came as: bases of earlier versions may lack fields, and a
//! field that is absent there is unknown, not changed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The mapped fields of a row.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(pub Map<String, Value>);

impl Row {
    /// A text field; none if it is null, empty or absent.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str().filter(|text| !text.is_empty())
    }

    /// A flag; false if it is absent.
    pub fn flag(&self, field: &str) -> bool {
        self.0.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Any field; `Null` if it is absent.
    pub fn value(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::Null)
    }

    /// Whether it is an occurrence that differs from its series.
    pub fn is_exception(&self) -> bool {
        self.text("recurring_event_id").is_some()
    }

    /// Whether the event does not take place.
    pub fn is_cancelled(&self) -> bool {
        self.text("status") == Some("cancelled")
    }
}
