//! The event resource as one caller sees it.

use chrono::SecondsFormat;
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::event::{Event, Guest, guest_email};
use super::{Status, etag};
use crate::calendars::{Calendar, Role};
use crate::error::{self, ApiError};
use crate::http_api::{Caller, Query};
use crate::world::World;

/// Who looks, and how.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    pub(crate) world: &'a World,
    pub(crate) calendar: &'a Calendar,
    pub(crate) email: &'a str,
    pub(crate) role: Role,
    pub(crate) zone: Tz,
    max_attendees: usize,
}

impl<'a> View<'a> {
    /// The view of a request; `timeZone` and `maxAttendees` come from its query.
    pub(crate) fn new(
        world: &'a World,
        calendar: &'a Calendar,
        caller: &'a Caller,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let zone = match query.filled("timeZone") {
            None => calendar.zone(),
            Some(name) => name.parse().map_err(|_| {
                error::invalid_parameter("timeZone", format!("Invalid value '{name}'"))
            })?,
        };
        Ok(Self {
            world,
            calendar,
            email: &caller.email,
            role: calendar.role(&caller.email),
            zone,
            max_attendees: query.size("maxAttendees", usize::MAX, usize::MAX)?,
        })
    }

    /// The full resource, or only the time for a reader who may not see more.
    pub(crate) fn resource(&self, event: &Event) -> Value {
        if let Some(replayed) = event.replayed() {
            return replayed;
        }
        let visibility = event.fields.get("visibility").and_then(Value::as_str);
        let private =
            matches!(visibility, Some("private" | "confidential")) && self.role < Role::Writer;
        let mut value = self.bare(event);
        self.add_times(&mut value, event);
        self.add_origin(&mut value, event);
        if self.role < Role::Reader || private {
            if private {
                value.insert("visibility".into(), "private".into());
            }
            return Value::Object(value);
        }
        value.extend(event.fields.clone());
        value.insert("eventType".into(), event.event_type().into());
        if event.is_series() {
            value.insert("recurrence".into(), event.recurrence.clone().into());
        }
        self.add_people(&mut value, event);
        let reminders = event.reminders.get(self.email).cloned();
        value.insert(
            "reminders".into(),
            reminders.unwrap_or(json!({"useDefault": true})),
        );
        self.settle_conference(&mut value, event);
        Value::Object(value)
    }

    /// What every entry of a list has, deleted ones included.
    pub(crate) fn tombstone(&self, event: &Event) -> Value {
        if let Some(replayed) = event.replayed() {
            return replayed;
        }
        Value::Object(self.bare(event))
    }

    /// A cancelled exception: its series and planned time, nothing else.
    pub(crate) fn cancelled_instance(&self, event: &Event) -> Value {
        if let Some(replayed) = event.replayed() {
            return replayed;
        }
        let mut value = self.bare(event);
        self.add_origin(&mut value, event);
        Value::Object(value)
    }

    fn bare(&self, event: &Event) -> Map<String, Value> {
        let mut value = Map::new();
        value.insert("kind".into(), "calendar#event".into());
        value.insert("etag".into(), etag(event.version).into());
        value.insert("id".into(), event.id.clone().into());
        value.insert("status".into(), event.status.name().into());
        value
    }

    fn add_times(&self, value: &mut Map<String, Value>, event: &Event) {
        value.insert("start".into(), event.start.render(self.zone));
        value.insert("end".into(), event.end.render(self.zone));
        let created = event.created.to_rfc3339_opts(SecondsFormat::Secs, true);
        let updated = event.updated.to_rfc3339_opts(SecondsFormat::Millis, true);
        value.insert("created".into(), created.into());
        value.insert("updated".into(), updated.into());
        value.insert("iCalUID".into(), event.ical_uid.clone().into());
        value.insert("sequence".into(), event.sequence.into());
        let eid = STANDARD_NO_PAD.encode(format!("{} {}", event.id, self.calendar.id));
        let link = format!("https://www.google.com/calendar/event?eid={eid}");
        value.insert("htmlLink".into(), link.into());
    }

    fn add_origin(&self, value: &mut Map<String, Value>, event: &Event) {
        if let (Some(series), Some(start)) = (&event.recurring_event_id, &event.original_start) {
            value.insert("recurringEventId".into(), series.clone().into());
            value.insert("originalStartTime".into(), start.render(self.zone));
        }
    }

    fn add_people(&self, value: &mut Map<String, Value>, event: &Event) {
        value.insert("creator".into(), self.person(&event.creator));
        value.insert("organizer".into(), self.person(&event.organizer));
        let mut shown: Vec<Value> = Vec::new();
        let hides =
            event.organizer != self.calendar.id && !event.flag("guestsCanSeeOtherGuests", true);
        for guest in &event.guests {
            let me = guest_email(guest) == self.calendar.id;
            let organizer = guest_email(guest) == event.organizer;
            let beyond = event.guests.len() > self.max_attendees && !me;
            if beyond || (hides && !me && !organizer) {
                continue;
            }
            shown.push(Value::Object(marked(guest, me, organizer)));
        }
        if shown.len() < event.guests.len() {
            value.insert("attendeesOmitted".into(), true.into());
        }
        if !shown.is_empty() {
            value.insert("attendees".into(), shown.into());
        }
    }

    /// A person or a calendar; `self` marks the calendar of the request.
    fn person(&self, email: &str) -> Value {
        let mut person = json!({ "email": email });
        if email != self.calendar.id {
            let calendar = self
                .world
                .calendars
                .get(email)
                .filter(|other| !other.primary());
            if let Some(calendar) = calendar {
                person["displayName"] = calendar.summary.clone().into();
            }
        } else {
            if !self.calendar.primary() {
                person["displayName"] = self.calendar.summary.clone().into();
            }
            person["self"] = true.into();
        }
        person
    }

    fn settle_conference(&self, value: &mut Map<String, Value>, event: &Event) {
        if let Some(data) = value.get_mut("conferenceData") {
            let ready = event
                .conference_ready
                .is_none_or(|at| at <= self.world.time.now());
            if !ready {
                super::conference::show_pending(data);
                return;
            }
            if let Some(uri) = super::conference::video_link(data) {
                value.insert("hangoutLink".into(), uri.into());
            }
        }
    }

    /// The resource of a live event, or what a list shows of a cancelled one with all details.
    pub(crate) fn any(&self, event: &Event) -> Value {
        let bare_exception = event.status == Status::Cancelled && self.role < Role::Reader;
        if bare_exception {
            self.cancelled_instance(event)
        } else {
            self.resource(event)
        }
    }
}

fn marked(guest: &Guest, me: bool, organizer: bool) -> Guest {
    let mut guest = guest.clone();
    if me {
        guest.insert("self".into(), true.into());
    }
    if organizer {
        guest.insert("organizer".into(), true.into());
    }
    guest
}
