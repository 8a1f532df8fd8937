//! `events.import` and `events.quickAdd`.

use chrono::{DurationRound, TimeDelta};
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::write::{self, LONGEST_ID};
use crate::calendars::Role;
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::random::base32hex;
use crate::switches::Switch;
use crate::world::World;

/// Adds a private copy of an event that lives elsewhere; changes of it go to nobody.
///
/// The same UID again updates the stored copy, or is a duplicate (switch).
pub(super) fn import(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let calendar = world.open(written, caller, Role::WriterWithoutPrivateAccess)?;
    let body = call.object()?;
    let uid = body
        .get("iCalUID")
        .and_then(Value::as_str)
        .filter(|uid| !uid.is_empty());
    let uid = uid.ok_or_else(|| error::required("Missing iCal UID."))?;
    if body.get("id").is_some_and(|id| !id.is_null()) {
        return Err(error::invalid("Invalid resource id value."));
    }
    world.check_body(&body)?;
    let mut draft = Draft::read(&body)?;
    // Only default events can be imported; others lose their type (discovery document, `events.import`).
    draft.fields.remove("eventType");
    let organizer = body
        .get("organizer")
        .and_then(|organizer| organizer["email"].as_str());
    let organizer = organizer.map_or_else(|| calendar.clone(), str::to_lowercase);
    let invited = draft
        .guests
        .iter()
        .any(|guest| super::event::guest_email(guest) == calendar);
    if organizer != calendar && !invited {
        return Err(ApiError::new(
            400,
            "global",
            "participantIsNeitherOrganizerNorAttendee",
            "The owner of the calendar must either be the organizer or an attendee of an event \
             that is imported.",
        ));
    }
    let stored = world.calendar(&calendar)?;
    let known = stored
        .events()
        .find(|event| event.ical_uid == uid && !event.is_exception());
    let known = known.map(|event| (event.id.clone(), event.created, event.creator.clone()));
    if known.is_some() && world.switches.is(Switch::ImportAgain, "duplicate") {
        return Err(error::duplicate());
    }
    let id = match &known {
        Some((id, ..)) => id.clone(),
        None => imported_id(uid),
    };
    let mut event = write::fresh(world, caller, &calendar, &id, &body, draft);
    if let Some((_, created, creator)) = known {
        (event.created, event.creator) = (created, creator);
    }
    if organizer != calendar {
        event.fields.insert("privateCopy".into(), true.into());
    }
    event.organizer = organizer;
    let event = world.store(&calendar, event);
    world.changed_events(&calendar, event.event_type());
    write::reply(world, caller, call, &calendar, &id)
}

/// The same in every calendar: who chooses the UID chooses the id. `_60q30c1g60o30e1i60o4ac1g…` in captures
/// (phw198/OutlookGoogleCalendarSync#1145) is base32hex of `040000008200E…`, with which Outlook's UIDs begin.
fn imported_id(uid: &str) -> String {
    let mut id = base32hex(uid.as_bytes());
    id.truncate(LONGEST_ID - 1);
    format!("_{id}")
}

/// Makes an hour from the next full hour on, with the text as its title.
pub(super) fn quick_add(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let text = call.query.filled("text");
    let text = text.ok_or_else(|| error::required("Required parameter: text"))?;
    let now = world.time.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let after = |hours: i64| {
        hour.checked_add_signed(TimeDelta::hours(hours))
            .unwrap_or(hour)
    };
    let body = json!({
        "summary": text,
        "start": {"dateTime": after(1).to_rfc3339()},
        "end": {"dateTime": after(2).to_rfc3339()},
    });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    write::insert_body(world, caller, call, written, &body)
}
