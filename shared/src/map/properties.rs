//! Private extended properties: which row an event belongs to, which attempt wrote it, and the CRM's
//! own references. They belong to one calendar's copy and are invisible to guests.

use crate::crm::{Row, RowId};
use crate::google::event::Event;
use serde_json::{Map, Value, json};

const EVENT: &str = "crmflowEventId";
const REV: &str = "crmflowRev";
const REFERENCES: [(&str, &str); 3] = [
    ("contact_id", "crmflowContactId"),
    ("company_id", "crmflowCompanyId"),
    ("deal_id", "crmflowDealId"),
];

/// The rev whose attempt wrote what Google shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub i64);

impl Stamp {
    /// Reads it from an event; none where nobody of ours ever wrote it.
    pub fn of(event: &Event) -> Option<Self> {
        event.private_property(REV)?.parse().ok().map(Self)
    }
}

/// Which row an event says it belongs to. A hint: people copy events together with their properties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkBack {
    /// It says nothing.
    None,
    /// This row.
    Row(RowId),
    /// Something that is no id of ours.
    Foreign(String),
}

impl LinkBack {
    /// Reads it from an event. Exceptions carry a copy of their series' and say nothing themselves.
    pub fn of(event: &Event) -> Self {
        if event.recurring_event_id.is_some() {
            return Self::None;
        }
        match event.private_property(EVENT) {
            None => Self::None,
            Some(text) => match text.parse() {
                Ok(id) => Self::Row(RowId(id)),
                Err(_) => Self::Foreign(text.to_owned()),
            },
        }
    }

    /// Whether it names another row than `row`.
    pub fn is_foreign_to(&self, row: RowId) -> bool {
        match self {
            Self::None => false,
            Self::Row(id) => *id != row,
            Self::Foreign(_) => true,
        }
    }
}

/// What every write adds to the body: the stamp, the references, and the link-back unless it is
/// somebody else's.
pub fn body(id: RowId, stamp: Stamp, row: &Row, link_back: &LinkBack) -> Value {
    let mut private = Map::from_iter([(REV.to_owned(), json!(stamp.0.to_string()))]);
    if !link_back.is_foreign_to(id) {
        private.insert(EVENT.to_owned(), json!(id.to_string()));
    }
    for (field, key) in REFERENCES {
        private.insert(
            key.to_owned(),
            row.text(field).map_or(Value::Null, Value::from),
        );
    }
    json!({"private": private})
}

pub fn shown(event: &Event) -> Value {
    let value = |key| event.private_property(key);
    REFERENCES
        .iter()
        .map(|(field, key)| ((*field).to_owned(), json!(value(key))))
        .collect::<Map<_, _>>()
        .into()
}

pub fn expected(row: &Row) -> Value {
    REFERENCES
        .iter()
        .map(|(field, _)| ((*field).to_owned(), json!(row.text(field))))
        .collect::<Map<_, _>>()
        .into()
}
