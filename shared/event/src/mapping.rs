//! The two sides made comparable, by group.

use crate::{EventFields, Group, GroupValue, Status};

/// What the mapping needs to know beyond the event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The calendar's IANA zone, for timed events without one.
    pub time_zone: String,
    /// Names the write where it asks for a conference: a provider takes each request once.
    pub request_id: String,
}

/// Why an event cannot be mapped. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmappable {
    /// The row has no start or end.
    #[error("the event has no start or end time; set both")]
    RowWithoutTime,
    /// What the provider shows has no usable start or end.
    #[error("{0}: not a date or a time with an offset, of the years 1 to 9999")]
    RemoteTime(&'static str),
    /// Half of what the provider shows is all-day.
    #[error("one of start and end is a date, the other a time")]
    MixedTimes,
}

impl EventFields {
    /// What the provider is expected to show for one group; it may normalise it further.
    ///
    /// # Errors
    /// [`Unmappable::RowWithoutTime`], of [`Group::Time`] alone.
    pub fn expected(&self, group: Group, context: &Context) -> Result<GroupValue, Unmappable> {
        Ok(match group {
            Group::Title => GroupValue::Title(self.title.clone()),
            Group::Description => GroupValue::Description(self.description.clone()),
            Group::Location => GroupValue::Location(self.location.clone()),
            Group::Time => {
                let time = self.time.as_ref().ok_or(Unmappable::RowWithoutTime)?;
                GroupValue::Time(time.shown(&context.time_zone))
            }
            Group::Recurrence => GroupValue::Recurrence(self.recurrence.clone()),
            Group::Status => GroupValue::Status(self.status.clone()),
            Group::Visibility => GroupValue::Visibility(self.visibility.clone()),
            Group::Transparency => GroupValue::Transparency(self.transparency.clone()),
            Group::Color => GroupValue::Color(self.color.clone()),
            Group::Attendees => GroupValue::Attendees(self.attendees.canonical()),
            Group::Reminders => GroupValue::Reminders(self.reminders.clone()),
            Group::Conference => GroupValue::Conference(self.conference.clone()),
            Group::Organizer => GroupValue::Organizer {
                organizer: self.organizer.clone(),
                creator: self.creator.clone(),
            },
            Group::Attachments => GroupValue::Attachments(self.attachments.clone()),
            Group::References => GroupValue::References(self.references.clone()),
        })
    }

    /// Takes over one group of what the provider shows. The references are the CRM's own and stay.
    pub fn apply(&mut self, value: &GroupValue) {
        self.unknown = self.unknown.without(value.group());
        match value {
            GroupValue::Title(text) => self.title.clone_from(text),
            GroupValue::Description(text) => self.description.clone_from(text),
            GroupValue::Location(text) => self.location.clone_from(text),
            GroupValue::Time(time) => self.time = Some(time.for_row(self.time.as_ref())),
            GroupValue::Recurrence(lines) => self.recurrence.clone_from(lines),
            GroupValue::Status(status) => self.status = for_row(status),
            GroupValue::Visibility(word) => self.visibility.clone_from(word),
            GroupValue::Transparency(word) => self.transparency.clone_from(word),
            GroupValue::Color(color) => self.color.clone_from(color),
            GroupValue::Attendees(guests) => self.attendees.clone_from(guests),
            GroupValue::Reminders(reminders) => self.reminders.clone_from(reminders),
            GroupValue::Conference(conference) => self.conference.clone_from(conference),
            GroupValue::Organizer { organizer, creator } => {
                self.organizer.clone_from(organizer);
                self.creator.clone_from(creator);
            }
            GroupValue::Attachments(files) => self.attachments.clone_from(files),
            GroupValue::References(_) => {}
        }
    }
}

/// A word that a provider adds one day must not keep an event away: the row takes it for an event that
/// takes place, the base keeps it.
fn for_row(status: &Status) -> Status {
    match status {
        Status::Confirmed | Status::Tentative | Status::Cancelled => status.clone(),
        Status::Other(_) => Status::Confirmed,
    }
}
