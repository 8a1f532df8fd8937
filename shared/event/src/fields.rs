//! The mapped fields of a row.

use crate::row::{from_row, to_row};
use crate::{
    Attendees, EventTime, FieldSet, Group, OriginalStart, Person, Reminders, Status, Transparency,
    Visibility,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The mapped fields of a row. In JSON as the CRM's adapter gives them, by the names in
/// [`FIELDS`](crate::FIELDS); an empty text is none, and a value of a wrong type is as none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct EventFields {
    /// The title.
    pub title: Option<String>,
    /// Text; HTML where it came from the provider.
    pub description: Option<String>,
    /// Free text.
    pub location: Option<String>,
    /// None where the row has no start or end, which no provider takes.
    pub time: Option<EventTime>,
    /// RFC 5545 lines of a series; none of a single event.
    pub recurrence: Vec<String>,
    /// Whether it takes place.
    pub status: Status,
    /// Who sees the details.
    pub visibility: Visibility,
    /// Whether it takes up time.
    pub transparency: Transparency,
    /// A key into the provider's palette.
    pub color: Option<String>,
    /// The guests, as far as the row says something of them.
    pub attendees: Attendees,
    /// When the user is reminded.
    pub reminders: Reminders,
    /// The provider's, or a request for one.
    pub conference: Option<Value>,
    /// Whose event it is.
    pub organizer: Option<Person>,
    /// Who made it.
    pub creator: Option<Person>,
    /// The provider's files, as they came.
    pub attachments: Vec<Value>,
    /// What of the CRM it belongs to.
    pub references: References,
    /// Fields that the JSON lacked: a base of an earlier version does not know them, so that they differ
    /// from nothing. Not written again.
    pub unknown: FieldSet,
}

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
        match group {
            Group::Title => self.title != base.title,
            Group::Description => self.description != base.description,
            Group::Location => self.location != base.location,
            Group::Time => time_differs(self, base),
            Group::Recurrence => self.recurrence != base.recurrence,
            Group::Status => self.status != base.status,
            Group::Visibility => self.visibility != base.visibility,
            Group::Transparency => self.transparency != base.transparency,
            Group::Color => self.color != base.color,
            Group::Attendees => self.attendees.canonical() != base.attendees.canonical(),
            Group::Reminders => self.reminders != base.reminders,
            Group::Conference => self.conference != base.conference,
            Group::Organizer => {
                known("organizer") && self.organizer != base.organizer
                    || known("creator") && self.creator != base.creator
            }
            Group::Attachments => self.attachments != base.attachments,
            Group::References => {
                let (ours, theirs) = (&self.references, &base.references);
                known("contact_id") && ours.contact_id != theirs.contact_id
                    || known("company_id") && ours.company_id != theirs.company_id
                    || known("deal_id") && ours.deal_id != theirs.deal_id
            }
        }
    }

    /// Takes one group over from another row.
    pub fn set(&mut self, group: Group, other: &Self) {
        match group {
            Group::Title => self.title.clone_from(&other.title),
            Group::Description => self.description.clone_from(&other.description),
            Group::Location => self.location.clone_from(&other.location),
            Group::Time => self.time.clone_from(&other.time),
            Group::Recurrence => self.recurrence.clone_from(&other.recurrence),
            Group::Status => self.status.clone_from(&other.status),
            Group::Visibility => self.visibility.clone_from(&other.visibility),
            Group::Transparency => self.transparency.clone_from(&other.transparency),
            Group::Color => self.color.clone_from(&other.color),
            Group::Attendees => self.attendees.clone_from(&other.attendees),
            Group::Reminders => self.reminders.clone_from(&other.reminders),
            Group::Conference => self.conference.clone_from(&other.conference),
            Group::Organizer => {
                self.organizer.clone_from(&other.organizer);
                self.creator.clone_from(&other.creator);
            }
            Group::Attachments => self.attachments.clone_from(&other.attachments),
            Group::References => self.references.clone_from(&other.references),
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
        let all = to_row(self).into_iter();
        all.filter(|(name, _)| {
            let mut fields = groups.iter().flat_map(|group| group.fields());
            fields.any(|field| field.name == name)
        })
        .collect()
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

/// A base without a place for the zone of the end says nothing about it.
fn time_differs(row: &EventFields, base: &EventFields) -> bool {
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
