//! The event as it is on the wire. Reading is tolerant: an absent field is `None`, an unknown value
//! or field is kept. A field of a wrong type makes that one event unreadable, with a reason that names
//! the field. Absent means Google's default, never "unknown".
//!
//! Source: Google's reference page of the Events resource and the discovery document.

pub use super::vocabulary::{
    AccessRole, EventType, ReminderMethod, ResponseStatus, Status, Transparency, Visibility,
};

use super::id::{Etag, EventId};
use super::wire;
use chrono::{DateTime, NaiveDate, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

wire::wire_object! {
    /// An event, an exception of a series, or a tombstone that holds little more than its id.
    pub struct Event {
        required {
            /// Unique within its calendar.
            id: EventId = "id",
        }
        optional {
            /// Follows every change.
            etag: Etag = "etag",
            /// Absent: confirmed.
            status: Status = "status",
            /// Link to the event in Google Calendar's own pages.
            html_link: String = "htmlLink",
            /// RFC 3339.
            created: String = "created",
            /// RFC 3339; stays when only reminders change.
            updated: String = "updated",
            /// The title.
            summary: String = "summary",
            /// May hold HTML.
            description: String = "description",
            /// Free text.
            location: String = "location",
            /// A key into the palette of event colours.
            color_id: String = "colorId",
            /// Who made it.
            creator: Person = "creator",
            /// Whose event it is; only their copy may change what all guests see.
            organizer: Person = "organizer",
            /// Inclusive; the first occurrence of a series.
            start: EventTime = "start",
            /// Exclusive.
            end: EventTime = "end",
            /// An end is sent although there is none.
            end_time_unspecified: bool = "endTimeUnspecified",
            /// RRULE, EXRULE, RDATE and EXDATE lines; on series only.
            recurrence: Vec<String> = "recurrence",
            /// The series this is an exception of.
            recurring_event_id: EventId = "recurringEventId",
            /// When this exception would start by the rule; stays when it is moved.
            original_start_time: EventTime = "originalStartTime",
            /// Absent: opaque.
            transparency: Transparency = "transparency",
            /// Absent: the calendar's default.
            visibility: Visibility = "visibility",
            /// The UID of iCalendar, shared by all copies and occurrences.
            ical_uid: String = "iCalUID",
            /// iCalendar's revision number.
            sequence: i64 = "sequence",
            /// The guests; the list is always replaced whole.
            attendees: Vec<Attendee> = "attendees",
            /// The guest list is not complete.
            attendees_omitted: bool = "attendeesOmitted",
            /// The application's own data.
            extended_properties: ExtendedProperties = "extendedProperties",
            /// Link to the video call.
            hangout_link: String = "hangoutLink",
            /// The conference, as it came.
            conference_data: Value = "conferenceData",
            /// Old flag; absent: no.
            anyone_can_add_self: bool = "anyoneCanAddSelf",
            /// Absent: yes.
            guests_can_invite_others: bool = "guestsCanInviteOthers",
            /// Absent: no.
            guests_can_modify: bool = "guestsCanModify",
            /// Absent: yes.
            guests_can_see_other_guests: bool = "guestsCanSeeOtherGuests",
            /// Changes are not passed on to other copies.
            private_copy: bool = "privateCopy",
            /// Title, text, place, times and rule of this copy cannot be changed.
            locked: bool = "locked",
            /// Of the signed-in user.
            reminders: Reminders = "reminders",
            /// The page it was made from.
            source: Source = "source",
            /// Files; changed only with `supportsAttachments=true`.
            attachments: Vec<Value> = "attachments",
            /// Never changes. Absent: default.
            event_type: EventType = "eventType",
        }
    }
}

/// An event that cannot be read. Its raw text is all there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable event: {why}")]
pub struct Unreadable {
    /// If at least that could be read.
    pub id: Option<EventId>,
    /// Begins with the name of the field.
    pub why: String,
}

impl Event {
    /// Whether only when it takes place is shown: somebody's private event, or a calendar whose free and busy times
    /// alone are shared. An event that is shown has an organizer and a creator (both are read-only in the discovery
    /// document, and set by Google).
    pub fn is_busy_only(&self) -> bool {
        let says_who = self.organizer.is_some() || self.creator.is_some();
        let says_what = self.summary.is_some()
            || self.description.is_some()
            || self.location.is_some()
            || self.color_id.is_some()
            || self.attendees.is_some()
            || self.attachments.is_some()
            || self.conference_data.is_some()
            || self.extended_properties.is_some();
        !self.is_cancelled() && !says_who && !says_what
    }

    /// Reads one event from its JSON text.
    ///
    /// # Errors
    /// [`Unreadable`] when the id is missing, a field is of a wrong type, or a text cannot be
    /// stored (a lone surrogate, U+0000).
    pub fn read(raw: &str) -> Result<Self, Unreadable> {
        let fields = wire::raw_fields(raw).map_err(|why| Unreadable { id: None, why })?;
        let id = fields.get("id").and_then(|id| wire::parse("id", id).ok());
        let mut map = Map::new();
        for (name, value) in fields {
            match wire::parse(&name, value) {
                Ok(value) => map.insert(name, value),
                Err(why) => return Err(Unreadable { id, why }),
            };
        }
        Self::from_map(map).map_err(|why| Unreadable { id, why })
    }

    /// Deleted, or a cancelled occurrence of a series.
    pub fn is_cancelled(&self) -> bool {
        self.status == Some(Status::Cancelled)
    }

    /// Whether the calendar it was read from is the organizer's.
    pub fn is_organized_here(&self) -> bool {
        self.organizer.as_ref().and_then(|o| o.is_self) == Some(true)
    }

    /// A private property by its key.
    pub fn private_property(&self, key: &str) -> Option<&str> {
        let private = self.extended_properties.as_ref()?.private.as_ref()?;
        private.get(key).map(String::as_str)
    }

    /// The instant of `updated`; none if it is absent or odd.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        instant(self.updated.as_deref()?)
    }

    /// The instant of `created`; none if it is absent or odd.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        instant(self.created.as_deref()?)
    }
}

/// When an event starts or ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventTime {
    /// All-day: a date, the same for every reader. A zone beside it means nothing and is dropped.
    Date {
        /// As `yyyy-mm-dd`.
        date: NaiveDate,
    },
    /// A point in time.
    DateTime {
        /// RFC 3339 as it came; the offset is that of the calendar, not of the writer.
        #[serde(rename = "dateTime")]
        date_time: String,
        /// An IANA name; a series is expanded in it.
        #[serde(rename = "timeZone", skip_serializing_if = "Option::is_none")]
        time_zone: Option<String>,
    },
}

impl EventTime {
    /// The point in time; none for a date and for a time without an offset.
    pub fn instant(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Date { .. } => None,
            Self::DateTime { date_time, .. } => instant(date_time),
        }
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            date: Option<NaiveDate>,
            date_time: Option<String>,
            time_zone: Option<String>,
        }
        let wire = Wire::deserialize(from)?;
        match (wire.date, wire.date_time) {
            (Some(date), None) => Ok(Self::Date { date }),
            (None, Some(date_time)) => Ok(Self::DateTime {
                date_time,
                time_zone: wire.time_zone,
            }),
            (None, None) => Err(D::Error::custom("neither date nor dateTime")),
            (Some(_), Some(_)) => Err(D::Error::custom("both date and dateTime")),
        }
    }
}

wire::wire_object! {
    /// The creator or the organizer.
    #[derive(Default)]
    pub struct Person {
        optional {
            /// A profile id.
            id: String = "id",
            /// An address; of the calendar when the organizer is a secondary calendar.
            email: String = "email",
            /// A name.
            display_name: String = "displayName",
            /// Is the calendar the event was read from.
            is_self: bool = "self",
        }
    }
}

wire::wire_object! {
    /// A guest.
    #[derive(Default)]
    pub struct Attendee {
        optional {
            /// A profile id.
            id: String = "id",
            /// The address; the local part comes back in lower case.
            email: String = "email",
            /// A name.
            display_name: String = "displayName",
            /// Is the organizer.
            organizer: bool = "organizer",
            /// Is the calendar the event was read from.
            is_self: bool = "self",
            /// A room or a thing.
            resource: bool = "resource",
            /// Need not come.
            optional: bool = "optional",
            /// The answer to the invitation.
            response_status: ResponseStatus = "responseStatus",
            /// A note to the answer.
            comment: String = "comment",
            /// How many more they bring.
            additional_guests: i64 = "additionalGuests",
        }
    }
}

wire::wire_object! {
    /// Key and value pairs of applications.
    #[derive(Default)]
    pub struct ExtendedProperties {
        optional {
            /// Of one calendar's copy.
            private: BTreeMap<String, String> = "private",
            /// Seen on every guest's copy.
            shared: BTreeMap<String, String> = "shared",
        }
    }
}

wire::wire_object! {
    /// When the signed-in user is reminded.
    #[derive(Default)]
    pub struct Reminders {
        optional {
            /// As the calendar's default says.
            use_default: bool = "useDefault",
            /// Instead of the default; at most five.
            overrides: Vec<Reminder> = "overrides",
        }
    }
}

wire::wire_object! {
    /// One reminder.
    #[derive(Default)]
    pub struct Reminder {
        optional {
            /// How.
            method: ReminderMethod = "method",
            /// How long before the start, 0 to 40320.
            minutes: i64 = "minutes",
        }
    }
}

wire::wire_object! {
    /// The page an event was made from.
    #[derive(Default)]
    pub struct Source {
        optional {
            /// The page's title.
            title: String = "title",
            /// The page's address.
            url: String = "url",
        }
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.with_timezone(&Utc))
}
