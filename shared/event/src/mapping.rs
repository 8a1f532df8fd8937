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
        let mut value = self.value(group).ok_or(Unmappable::RowWithoutTime)?;
        if let GroupValue::Time(time) = &mut value {
            *time = time.shown(&context.time_zone);
        }
        if let GroupValue::Attendees(guests) = &mut value {
            *guests = guests.canonical();
        }
        Ok(value)
    }

    /// Takes over one group of what the provider shows. The references are the CRM's own and stay.
    pub fn apply(&mut self, value: &GroupValue) {
        self.unknown = self.unknown.without(value.group());
        let mut value = value.clone();
        if let GroupValue::Time(time) = &mut value {
            *time = time.for_row(self.time.as_ref());
        }
        if let GroupValue::Status(status) = &mut value {
            *status = for_row(status);
        }
        if value.group() != Group::References {
            self.put(value);
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
