//! The mapped fields of a row: how they are compared and taken over.

use crate::registry::from_row;
use crate::row::to_row;
use crate::{EventFields, EventTime, FieldSet, Group, GroupValue, OriginalStart, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What of the CRM an event belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct References {
    /// The contact.
    pub contact_id: Option<String>,
    /// The company.
    pub company_id: Option<String>,
    /// The deal.
    pub deal_id: Option<String>,
}

impl EventFields {
    /// Whether the event does not take place.
    pub fn is_cancelled(&self) -> bool {
        self.status == Status::Cancelled
    }

    /// Whether it is a series.
    pub fn is_series(&self) -> bool {
        !self.recurrence.is_empty()
    }

    /// Whether any field of a group is known.
    pub fn knows(&self, group: Group) -> bool {
        let mut fields = group.fields();
        fields.any(|field| !self.unknown.contains(field.name))
    }

    /// Whether a group differs from `base`. Fields that the base does not know do not; guests do where the
    /// row says less of them, too.
    pub fn differs(&self, base: &Self, group: Group) -> bool {
        let known = |name: &str| !base.unknown.contains(name);
        if !base.knows(group) {
            return false;
        }
        if group == Group::Time {
            return time_differs(self, base);
        }
        match (self.value(group), base.value(group)) {
            (Some(GroupValue::Attendees(ours)), Some(GroupValue::Attendees(theirs))) => {
                ours.canonical() != theirs.canonical()
            }
            // Of several fields the base may know some.
            (Some(GroupValue::Organizer { .. }), _) => {
                known("organizer") && self.organizer != base.organizer
                    || known("creator") && self.creator != base.creator
            }
            (Some(GroupValue::References(ours)), Some(GroupValue::References(theirs))) => {
                known("contact_id") && ours.contact_id != theirs.contact_id
                    || known("company_id") && ours.company_id != theirs.company_id
                    || known("deal_id") && ours.deal_id != theirs.deal_id
            }
            (ours, theirs) => ours != theirs,
        }
    }

    /// Takes one group over from another row.
    pub fn set(&mut self, group: Group, other: &Self) {
        match other.value(group) {
            Some(value) => self.put(value),
            None => self.time = None,
        }
        self.unknown = FieldSet::of(|name| {
            let taken = group.fields().any(|field| field.name == name);
            if taken {
                other.unknown.contains(name)
            } else {
                self.unknown.contains(name)
            }
        });
    }

    /// The row's JSON of some groups alone: what is to be written of it.
    pub fn only(&self, groups: &[Group]) -> Map<String, Value> {
        let mut row = to_row(self);
        row.retain(|name, _| {
            let mut fields = groups.iter().flat_map(|group| group.fields());
            fields.any(|field| field.name == name)
        });
        row
    }

    /// A series' plain occurrence, one that no side has changed.
    #[must_use]
    pub fn occurrence(&self, original: OriginalStart) -> Self {
        let time = self.time.as_ref();
        Self {
            time: time.map(|time| time.occurrence(original)),
            recurrence: Vec::new(),
            ..self.clone()
        }
    }
}

/// All-day events have no zone with the provider, and a base without a place for the zone of the end says
/// nothing about it.
fn time_differs(row: &EventFields, base: &EventFields) -> bool {
    if let (
        Some(EventTime::AllDay { start, end, .. }),
        Some(EventTime::AllDay {
            start: from,
            end: to,
            ..
        }),
    ) = (&row.time, &base.time)
    {
        return (start, end) != (from, to);
    }
    let without_end_zone = |time: &Option<EventTime>| match time.clone() {
        Some(EventTime::Timed {
            start,
            end,
            start_zone,
            ..
        }) => Some(EventTime::timed(start, end, start_zone, None)),
        other @ (Some(EventTime::AllDay { .. }) | None) => other,
    };
    if base.unknown.contains("end_time_zone") {
        without_end_zone(&row.time) != without_end_zone(&base.time)
    } else {
        row.time != base.time
    }
}

impl From<Map<String, Value>> for EventFields {
    fn from(row: Map<String, Value>) -> Self {
        from_row(&row)
    }
}

impl From<EventFields> for Map<String, Value> {
    fn from(fields: EventFields) -> Self {
        to_row(&fields)
    }
}
