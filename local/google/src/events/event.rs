//! The stored event.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::When;

/// `Event.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Confirmed,
    Tentative,
    Cancelled,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Tentative => "tentative",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Confirmed, Self::Tentative, Self::Cancelled]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// One guest as the client gave it, with a normalised `email`.
pub(crate) type Guest = Map<String, Value>;

/// One copy of an event in one calendar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    /// Change number of the calendar at the latest change.
    pub(crate) change: u64,
    /// Change number at creation.
    pub(crate) born: u64,
    pub(crate) version: u64,
    pub(crate) status: Status,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: DateTime<Utc>,
    pub(crate) ical_uid: String,
    pub(crate) sequence: i64,
    pub(crate) creator: String,
    /// The organizing calendar's id.
    pub(crate) organizer: String,
    pub(crate) start: When,
    pub(crate) end: When,
    pub(crate) recurrence: Vec<String>,
    pub(crate) recurring_event_id: Option<String>,
    pub(crate) original_start: Option<When>,
    pub(crate) guests: Vec<Guest>,
    /// By person, because every reader of a calendar has reminders of their own.
    pub(crate) reminders: BTreeMap<String, Value>,
    /// All other writable fields, defaults left out.
    pub(crate) fields: Map<String, Value>,
    /// When a pending conference becomes ready.
    pub(crate) conference_ready: Option<DateTime<Utc>>,
    /// False for an occurrence that only follows its series.
    pub(crate) stored: bool,
    /// An exception that was deleted together with its series.
    pub(crate) fell_with_series: bool,
    /// The trash was emptied: the event cannot come back.
    pub(crate) purged: bool,
    /// Until then reads show `previous`, or nothing.
    pub(crate) visible_from: DateTime<Utc>,
    pub(crate) previous: Option<Box<Event>>,
    /// As it was replayed: then this is what is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) raw: Option<Map<String, Value>>,
}

impl Event {
    pub(crate) fn cancelled(&self) -> bool {
        self.status == Status::Cancelled
    }

    /// A series' master.
    pub(crate) fn is_series(&self) -> bool {
        !self.recurrence.is_empty()
    }

    pub(crate) fn is_exception(&self) -> bool {
        self.recurring_event_id.is_some()
    }

    pub(crate) fn event_type(&self) -> &str {
        self.fields
            .get("eventType")
            .and_then(Value::as_str)
            .unwrap_or("default")
    }

    /// Another calendar's copy of the same meeting: an id and a UID can be chosen by anybody, but a creator
    /// cannot be (discovery document, `Event.creator`, read-only).
    pub(crate) fn is_copy_of(&self, other: &Self) -> bool {
        self.ical_uid == other.ical_uid && self.creator == other.creator
    }

    /// What a reader sees at `now`.
    pub(crate) fn visible(&self, now: DateTime<Utc>) -> Option<&Self> {
        if self.visible_from <= now {
            Some(self)
        } else {
            self.previous.as_deref()
        }
    }

    pub(crate) fn summary(&self) -> &str {
        self.fields
            .get("summary")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn flag(&self, name: &str, default: bool) -> bool {
        self.fields
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(default)
    }

    pub(crate) fn guest(&self, email: &str) -> Option<&Guest> {
        self.guests.iter().find(|guest| guest_email(guest) == email)
    }

    pub(crate) fn guest_mut(&mut self, email: &str) -> Option<&mut Guest> {
        self.guests
            .iter_mut()
            .find(|guest| guest_email(guest) == email)
    }

    pub(crate) fn guest_emails(&self) -> Vec<String> {
        self.guests
            .iter()
            .map(|guest| guest_email(guest).to_owned())
            .collect()
    }

    /// The zone a series is expanded in.
    pub(crate) fn zone(&self, calendar: Tz) -> Tz {
        self.start.zone().unwrap_or(calendar)
    }

    /// Start and end as instants.
    pub(crate) fn span(&self, calendar: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.start.instant(calendar), self.end.instant(calendar))
    }

    /// The writable fields as a client would send them, to merge a patch into.
    pub(crate) fn to_body(&self, email: &str, zone: Tz) -> Map<String, Value> {
        let mut body = self.fields.clone();
        body.insert("status".into(), self.status.name().into());
        body.insert("start".into(), self.start.render(zone));
        body.insert("end".into(), self.end.render(zone));
        if self.is_series() {
            body.insert("recurrence".into(), self.recurrence.clone().into());
        }
        if !self.guests.is_empty() {
            let guests = self.guests.iter().cloned().map(Value::Object);
            body.insert("attendees".into(), guests.collect::<Vec<_>>().into());
        }
        let reminders = self.reminders.get(email).cloned();
        body.insert(
            "reminders".into(),
            reminders.unwrap_or(json!({"useDefault": true})),
        );
        body
    }

    /// Everything that counts as content: two events with the same are the same event.
    pub(crate) fn content(&self) -> Map<String, Value> {
        let mut body = self.to_body("", Tz::UTC);
        body.remove("reminders");
        body
    }
}

pub(crate) fn guest_email(guest: &Guest) -> &str {
    guest
        .get("email")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(crate) fn response(guest: &Guest) -> &str {
    guest
        .get("responseStatus")
        .and_then(Value::as_str)
        .unwrap_or("needsAction")
}
