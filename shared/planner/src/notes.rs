//! What the planner leaves in a family's open work for itself.

use crate::situation::Decision;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use store::Side;
use uuid::Uuid;

/// What the planner leaves in a family's open work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// Events that must be read before anything else.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub reads: BTreeSet<Uuid>,
    /// Events that cannot be done until they change.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<Uuid, Refused>,
    /// What a person said about a deletion that was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Which side's deletion is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Side>,
    /// How often in a row the provider was out of order.
    #[serde(skip_serializing_if = "is_none_yet")]
    pub outages: u32,
    /// How often in a row it met a quota.
    #[serde(skip_serializing_if = "is_none_yet")]
    pub limited: u32,
    /// Part of a first export: nobody gets mail.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

fn is_none_yet(count: &u32) -> bool {
    *count == 0
}

/// An event that cannot be done until it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// Up to this rev.
    pub rev: i64,
    /// Why, for people.
    pub reason: String,
    /// The calendar could only be read: it is tried again when it can be written to.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Notes {
    /// Reads what the store kept; what is not understood is dropped.
    pub fn of(notes: &Map<String, Value>) -> Self {
        serde_json::from_value(Value::Object(notes.clone())).unwrap_or_default()
    }

    /// As the store keeps it.
    pub fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            Ok(_) | Err(_) => Map::new(),
        }
    }
}
