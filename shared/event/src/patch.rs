//! What a write changes, typed: the provider turns it into a body.

use crate::{
    Attendees, EventFields, EventTime, Group, Reminders, Status, Transparency, Visibility,
    is_conference_request,
};
use serde_json::Value;

/// What a write does to one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leaves it.
    #[default]
    Keep,
    /// Gives it a value.
    Set(T),
    /// Takes its value away.
    Clear,
}

impl<T> Change<T> {
    /// Sets what there is, and clears what there is not.
    pub fn to(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// Whether the field is left as it is.
    pub fn is_keep(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Set(_) | Self::Clear => false,
        }
    }
}

/// What a write changes of an event. What only the provider makes has no place in it.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the fields")]
pub struct EventPatch {
    pub title: Change<String>,
    pub description: Change<String>,
    pub location: Change<String>,
    pub time: Change<EventTime>,
    pub recurrence: Change<Vec<String>>,
    pub status: Change<Status>,
    pub visibility: Change<Visibility>,
    pub transparency: Change<Transparency>,
    pub color: Change<String>,
    pub attendees: Change<Attendees>,
    pub reminders: Change<Reminders>,
    /// Set: a request for a new one.
    pub conference: Change<Value>,
    pub contact_id: Change<String>,
    pub company_id: Change<String>,
    pub deal_id: Change<String>,
}

impl EventPatch {
    /// Makes some groups what the row says. A conference of the row's that is not a request is its own
    /// and stays here.
    pub fn of(groups: &[Group], row: &EventFields) -> Self {
        let mut patch = Self::default();
        for group in groups {
            patch.change(*group, row);
        }
        patch
    }

    /// Makes everything what the row says.
    pub fn whole(row: &EventFields) -> Self {
        Self::of(&Group::ALL, row)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds a group to what is changed.
    pub fn change(&mut self, group: Group, row: &EventFields) {
        let text = |text: &Option<String>| Change::to(text.clone());
        match group {
            Group::Title => self.title = text(&row.title),
            Group::Description => self.description = text(&row.description),
            Group::Location => self.location = text(&row.location),
            Group::Time => self.time = row.time.clone().map_or(Change::Keep, Change::Set),
            Group::Recurrence => {
                let lines = Some(row.recurrence.clone());
                self.recurrence = Change::to(lines.filter(|lines| !lines.is_empty()));
            }
            Group::Status => self.status = Change::Set(row.status.clone()),
            Group::Visibility => self.visibility = Change::Set(row.visibility.clone()),
            Group::Transparency => self.transparency = Change::Set(row.transparency.clone()),
            Group::Color => self.color = text(&row.color),
            Group::Attendees => {
                let guests = Some(row.attendees.canonical());
                self.attendees = Change::to(guests.filter(|guests| !guests.is_empty()));
            }
            Group::Reminders => self.reminders = Change::Set(row.reminders.clone()),
            Group::Conference => {
                self.conference = match &row.conference {
                    None => Change::Clear,
                    Some(request) if is_conference_request(request) => Change::Set(request.clone()),
                    Some(_) => Change::Keep,
                }
            }
            Group::References => {
                self.contact_id = text(&row.references.contact_id);
                self.company_id = text(&row.references.company_id);
                self.deal_id = text(&row.references.deal_id);
            }
            Group::Organizer | Group::Attachments => {}
        }
    }
}
