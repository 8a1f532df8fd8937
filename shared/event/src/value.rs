//! One group's value as JSON.

use crate::{Group, GroupValue};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

impl GroupValue {
    /// As bases and histories keep it.
    pub fn to_json(&self) -> Value {
        let named = json!(self);
        let value = named.as_object().and_then(|named| named.values().next());
        value.cloned().unwrap_or_default()
    }

    /// The reverse; none where it is of another form, which makes it unknown.
    pub fn from_json(group: Group, json: &Value) -> Option<Self> {
        serde_json::from_value(json!({group.name(): json})).ok()
    }
}

/// It has to be there, be it null.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(from)
}
