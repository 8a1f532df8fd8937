//! Events exactly as somebody captured them, also what the API would refuse.
//!
//! The text is kept and shown as it is. Beside it stands what can be read of it, so that lists have an order,
//! series have occurrences, and a write has something to be checked against.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use super::draft::{Draft, read_fields, read_reminders};
use super::event::{Event, Guest, Status};
use super::{When, etag, plain};
use crate::error::ApiError;
use crate::world::World;

impl World {
    /// Puts an event into a calendar as it is written; what has no id gets one. Nobody is mailed, and no guest gets
    /// a copy.
    pub(crate) fn replay(&mut self, calendar: &str, item: &Map<String, Value>) -> String {
        let id = text(item, "id").map_or_else(|| self.random.base32hex(26), str::to_owned);
        let now = self.time.now();
        let mut event = plain(&id, calendar, calendar, "", now);
        read(&mut event, item, now);
        let known = self.calendars.get(calendar);
        let known = known.and_then(|calendar| calendar.event(&id));
        event.created = known.map_or(event.created, |known| known.created);
        event.raw = Some(item.clone());
        let stored = self.store(calendar, event);
        self.changed_events(calendar, stored.event_type());
        id
    }
}

fn text<'a>(item: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    item.get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// What can be read of an item; the rest stays as a new event has it.
fn read(event: &mut Event, item: &Map<String, Value>, now: DateTime<Utc>) {
    let start = item.get("start").and_then(when);
    let end = item.get("end").and_then(when);
    let at = When::Time {
        at: now,
        zone: None,
    };
    event.start = start.clone().or(end.clone()).unwrap_or(at);
    event.end = end
        .filter(|end| end.is_day() == event.start.is_day())
        .unwrap_or_else(|| event.start.clone());
    let status = text(item, "status").and_then(Status::parse);
    event.status = status.unwrap_or(Status::Confirmed);
    let instant = |name: &str| text(item, name)?.parse::<DateTime<Utc>>().ok();
    event.created = instant("created").unwrap_or(now);
    event.updated = instant("updated").unwrap_or(now);
    if let Some(uid) = text(item, "iCalUID") {
        uid.clone_into(&mut event.ical_uid);
    }
    let sequence = item.get("sequence").and_then(Value::as_i64);
    event.sequence = sequence.unwrap_or_default();
    for (name, email) in [
        ("creator", &mut event.creator),
        ("organizer", &mut event.organizer),
    ] {
        let given = item.get(name).and_then(|person| person["email"].as_str());
        given
            .into_iter()
            .for_each(|given| *email = given.to_lowercase());
    }
    let lines = item.get("recurrence").and_then(Value::as_array);
    let lines = lines.into_iter().flatten().filter_map(Value::as_str);
    event.recurrence = lines.map(str::to_owned).collect();
    event.recurring_event_id = text(item, "recurringEventId").map(str::to_owned);
    event.original_start = item.get("originalStartTime").and_then(when);
    let guests = item.get("attendees").and_then(Value::as_array);
    let guests = guests.into_iter().flatten().filter_map(guest);
    event.guests = guests.collect();
    let reminders = item.get("reminders").map(read_reminders);
    if let Some(Ok(reminders)) = reminders.filter(|_| item["reminders"]["useDefault"] == false) {
        event.reminders.insert(event.creator.clone(), reminders);
    }
    for (name, value) in item {
        let one = Map::from_iter([(name.clone(), value.clone())]);
        event.fields.extend(read_fields(&one).unwrap_or_default());
    }
}

fn guest(entry: &Value) -> Option<Guest> {
    let is_address = |email: &&str| {
        let parts = email.split('@').filter(|part| !part.is_empty());
        parts.count() == 2 && !email.contains(' ')
    };
    let email = entry["email"].as_str().filter(is_address)?;
    let mut guest = entry.as_object()?.clone();
    guest.insert("email".into(), email.to_lowercase().into());
    guest.retain(|name, _| !["self", "organizer"].contains(&name.as_str()));
    Some(guest)
}

/// A date or a moment; of a zone that nobody knows the moment is left.
fn when(value: &Value) -> Option<When> {
    if let Ok(when) = When::parse(value, "start") {
        return Some(when);
    }
    if let Some(date) = value["date"].as_str() {
        return date.parse::<NaiveDate>().ok().map(When::Day);
    }
    let at = DateTime::parse_from_rfc3339(value["dateTime"].as_str()?).ok()?;
    Some(When::Time {
        at: at.with_timezone(&Utc),
        zone: None,
    })
}

impl Event {
    /// The text that was replayed, as this version.
    pub(super) fn replayed(&self) -> Option<Value> {
        let mut shown = self.raw.clone()?;
        shown.insert("id".into(), self.id.clone().into());
        shown.insert("etag".into(), etag(self.version).into());
        if self.cancelled() {
            shown.insert("status".into(), self.status.name().into());
        }
        Some(Value::Object(shown))
    }

    /// The event that a write asks for. What a patch of a replayed one does not name is not judged: it is there.
    pub(super) fn draft(
        &self,
        whole: &Map<String, Value>,
        patch: &Map<String, Value>,
    ) -> Result<Draft, ApiError> {
        let times = ["start", "end", "recurrence"];
        if self.raw.is_none() || times.iter().any(|name| patch.contains_key(*name)) {
            return Draft::read(whole);
        }
        let mut readable = whole.clone();
        readable.remove("recurrence");
        if let Some(start) = whole.get("start") {
            readable.insert("end".into(), start.clone());
        }
        Ok(Draft {
            start: self.start.clone(),
            end: self.end.clone(),
            recurrence: self.recurrence.clone(),
            ..Draft::read(&readable)?
        })
    }

    /// Brings the text in step with a write: what a patch names, and what follows from it.
    pub(super) fn rewrite(&mut self, patch: &Map<String, Value>) {
        let Some(raw) = &mut self.raw else { return };
        super::draft::merge(raw, patch);
        let updated = self
            .updated
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        raw.insert("updated".into(), updated.into());
        raw.insert("sequence".into(), self.sequence.into());
        raw.insert("status".into(), self.status.name().into());
    }
}
