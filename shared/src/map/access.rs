//! What of an event its calendar's user may change.

use super::Unit;
use crate::google::event::{Event, EventType};

/// What can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// What belongs to a guest's own copy, and the answer to the invitation.
    Guest,
    /// Nothing: an event that Google makes by itself, or one of a kind with rules of its own.
    Read,
}

impl Access {
    /// Of an event, as far as it says itself; its calendar may allow less.
    pub fn of(event: &Event) -> Self {
        let ordinary = event
            .event_type
            .as_ref()
            .is_none_or(|kind| *kind == EventType::Default);
        let ours = event.organizer.is_none() || event.is_organized_here();
        let open = event.guests_can_modify == Some(true) && event.locked != Some(true);
        match (ordinary, ours && event.locked != Some(true) || open) {
            (false, _) => Self::Read,
            (true, true) => Self::Full,
            (true, false) => Self::Guest,
        }
    }

    /// The name that bases and rows use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Guest => "guest",
            Self::Read => "read",
        }
    }

    /// The reverse; a name from elsewhere is taken for full, and Google has the last word.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some("guest") => Self::Guest,
            Some("read") => Self::Read,
            Some(_) | None => Self::Full,
        }
    }

    /// Whether a change of a unit can be written.
    pub fn allows(self, unit: Unit) -> bool {
        match self {
            Self::Full => true,
            Self::Read => false,
            Self::Guest => match unit {
                Unit::Visibility
                | Unit::Transparency
                | Unit::Color
                | Unit::Attendees
                | Unit::Reminders
                | Unit::Crm => true,
                Unit::Title
                | Unit::Description
                | Unit::Location
                | Unit::When
                | Unit::Recurrence
                | Unit::Status
                | Unit::Conference
                | Unit::Organizer
                | Unit::Attachments => false,
            },
        }
    }
}
