//! `events.insert`, `events.update` and `events.patch`.

use serde_json::{Map, Value};

use super::draft::{Draft, merge};
use super::event::{Event, Status};
use super::gated::{self, Options};
use super::guests::Written;
use super::view::View;
use super::{Place, check_if_match};
use crate::calendars::Role;
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::switches::Switch;
use crate::world::World;

/// PUT or PATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Replace,
    Merge,
}

pub(super) fn insert(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let body = call.object()?;
    insert_body(world, caller, call, written, &body)
}

/// Inserts a body; the call gives the parameters.
pub(super) fn insert_body(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
    body: &Map<String, Value>,
) -> Result<Reply, ApiError> {
    let options = Options::read(&call.query)?;
    let calendar = world.open(written, caller, Role::WriterWithoutPrivateAccess)?;
    let refuses = world.switches.is(Switch::InsertWithCreated, "refused");
    if refuses && (body.contains_key("created") || body.contains_key("updated")) {
        return Err(error::bad_request("Bad Request"));
    }
    let id = match body.get("id").filter(|id| !id.is_null()) {
        Some(id) => id.as_str().filter(|id| valid_id(id)).map(str::to_owned),
        None => Some(world.random.base32hex(26)),
    };
    let id = id.ok_or_else(|| error::invalid("Invalid resource id value."))?;
    world.check_body(body)?;
    let draft = Draft::read(body)?;
    world.check_guests(caller, &draft, &[])?;
    let mut event = fresh(world, caller, &calendar, &id, body, draft);
    if let Some(existing) = world.calendar(&calendar)?.event(&id) {
        let just_now = existing.created == event.created;
        if !just_now || world.switches.is(Switch::DuplicateRace, "detected") {
            return Err(error::duplicate());
        }
    }
    gated::apply(world, &mut event, body, None, &options)?;
    let stored = world.store(&calendar, event);
    world.written(
        &calendar,
        &stored,
        None,
        &Written {
            by: &caller.email,
            updates: options.updates,
        },
    );
    reply(world, caller, call, &calendar, &id)
}

pub(super) const LONGEST_ID: usize = 1024;

/// Base32hex, 5 to 1024 characters (discovery document, `Event.id`).
pub(super) fn valid_id(id: &str) -> bool {
    (5..=LONGEST_ID).contains(&id.len())
        && id.bytes().all(|b| matches!(b, b'a'..=b'v' | b'0'..=b'9'))
}

pub(super) fn fresh(
    world: &mut World,
    caller: &Caller,
    calendar: &str,
    id: &str,
    body: &Map<String, Value>,
    draft: Draft,
) -> Event {
    let mut event = super::plain(id, calendar, &caller.email, "", world.time.now());
    let uid = body
        .get("iCalUID")
        .and_then(Value::as_str)
        .filter(|uid| !uid.is_empty());
    event.ical_uid = uid.map_or(event.ical_uid, str::to_owned);
    event.status = draft.status;
    event.sequence = draft.sequence.unwrap_or(0);
    event.start = draft.start;
    event.end = draft.end;
    event.recurrence = draft.recurrence;
    event.guests = draft.guests;
    event.fields = draft.fields;
    let own = draft
        .reminders
        .filter(|reminders| reminders["useDefault"] != true);
    event
        .reminders
        .extend(own.map(|reminders| (caller.email.clone(), reminders)));
    event
}

pub(super) fn change(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    at: Place<'_>,
    kind: Kind,
) -> Result<Reply, ApiError> {
    let options = Options::read(&call.query)?;
    let id = world.open(at.calendar, caller, Role::WriterWithoutPrivateAccess)?;
    let body = call.object()?;
    let calendar = world.calendar(&id)?;
    let stored = world
        .find_event(calendar, at.event)
        .ok_or_else(error::not_found)?;
    if stored.visible(world.time.now()).is_none() {
        return Err(error::not_found());
    }
    let whole = whole_body(world, caller, &stored, &body, kind, calendar.zone());
    let own_response = body.get("attendeesOmitted") == Some(&Value::Bool(true));
    if stored.is_exception() && whole.get("recurrence").is_some_and(|rule| !rule.is_null()) {
        return Err(error::invalid(
            "Cannot turn an instance of a recurring event into a recurring event itself.",
        ));
    }
    world.check_body(&whole)?;
    let mut draft = stored.draft(&whole, &body)?;
    check_sequence(&stored, &draft, body.contains_key("sequence"))?;
    check_if_match(call, stored.version)?;
    check_restore(world, &stored, &draft)?;
    if own_response {
        keep_other_guests(&stored, &mut draft, &id);
    }
    world.check_guests(caller, &draft, &stored.guests)?;
    let mut event = apply(world, caller, &stored, draft);
    let stricter = world.instance_visibility(&stored, &mut event);
    gated::apply(world, &mut event, &whole, Some(&stored), &options)?;
    world.check_copy(&id, &stored, &mut event)?;
    let same = event.content() == stored.content() && event.sequence == stored.sequence;
    let reminders_only = same && event.reminders != stored.reminders;
    if same && !reminders_only && world.switches.is(Switch::NoopWrite, "sameEtag") {
        return reply(world, caller, call, &id, &stored.id);
    }
    if !reminders_only {
        event.updated = world.time.now();
    } else if world.switches.is(Switch::ReminderInDelta, "hidden") {
        world.store_silently(&id, event);
        return reply(world, caller, call, &id, &stored.id);
    }
    match kind {
        Kind::Replace => event.raw = None,
        Kind::Merge => event.rewrite(&body),
    }
    let saved = world.store(&id, event);
    let written = Written {
        by: &caller.email,
        updates: options.updates,
    };
    world.written(&id, &saved, Some(&stored), &written);
    if let (Some(visibility), Some(series)) = (stricter, &saved.recurring_event_id) {
        world.restrict_series(&id, series, &visibility, &written);
    }
    reply(world, caller, call, &id, &saved.id)
}

/// The complete body a write asks for.
fn whole_body(
    world: &World,
    caller: &Caller,
    stored: &Event,
    body: &Map<String, Value>,
    kind: Kind,
    zone: chrono_tz::Tz,
) -> Map<String, Value> {
    if kind == Kind::Replace {
        return body.clone();
    }
    let mut whole = stored.to_body(&caller.email, zone);
    if world.switches.is(Switch::PatchMixedTime, "replaced") {
        for (end, other) in [("date", "dateTime"), ("dateTime", "date")] {
            for name in ["start", "end"] {
                let given = body.get(name).and_then(|time| time.get(end));
                if let (Some(Value::String(_)), Some(time)) = (given, whole.get_mut(name)) {
                    time.as_object_mut().map(|time| time.remove(other));
                }
            }
        }
    }
    merge(&mut whole, body);
    whole
}

fn check_sequence(stored: &Event, draft: &Draft, given: bool) -> Result<(), ApiError> {
    if given
        && draft
            .sequence
            .is_some_and(|sequence| sequence < stored.sequence)
    {
        return Err(error::invalid(
            "Invalid sequence value. The specified sequence number is below the current sequence \
             number of the resource. Re-fetch the resource and use its sequence number on the \
             following request.",
        ));
    }
    Ok(())
}

/// A tombstone comes back with `status: confirmed`, unless its trash was emptied.
fn check_restore(world: &World, stored: &Event, draft: &Draft) -> Result<(), ApiError> {
    let revives = stored.cancelled() && draft.status != Status::Cancelled;
    let refused = stored.purged || world.switches.is(Switch::Restore, "forbidden");
    if revives && refused {
        Err(error::forbidden())
    } else {
        Ok(())
    }
}

/// `attendeesOmitted` in a body: only the caller's own response counts (discovery document, `Event`).
fn keep_other_guests(stored: &Event, draft: &mut Draft, own: &str) {
    let mine = draft
        .guests
        .iter()
        .find(|guest| super::event::guest_email(guest) == own)
        .cloned();
    draft.guests.clone_from(&stored.guests);
    for guest in &mut draft.guests {
        if let Some(mine) = mine
            .as_ref()
            .filter(|_| super::event::guest_email(guest) == own)
        {
            guest.clone_from(mine);
        }
    }
}

/// The stored event with a draft's content; when the sequence grows is a switch.
fn apply(world: &World, caller: &Caller, stored: &Event, draft: Draft) -> Event {
    let mut event = stored.clone();
    event.previous = None;
    let moved = world.switches.is(Switch::SequenceGrowth, "always")
        || draft.start != stored.start
        || draft.end != stored.end
        || draft.recurrence != stored.recurrence
        || draft.status != stored.status
        || draft.fields.get("location") != stored.fields.get("location");
    let base = draft
        .sequence
        .unwrap_or(stored.sequence)
        .max(stored.sequence);
    event.sequence = base + i64::from(moved && draft.sequence.is_none_or(|n| n <= stored.sequence));
    event.status = draft.status;
    event.start = draft.start;
    event.end = draft.end;
    event.recurrence = draft.recurrence;
    event.guests = draft.guests;
    event.fields = draft.fields;
    // Neither ever changes after the event was made (discovery document, `events.update`).
    for name in ["eventType", "privateCopy"] {
        event.fields.remove(name);
        let kept = stored.fields.get(name).cloned();
        event
            .fields
            .extend(kept.map(|kept| (name.to_owned(), kept)));
    }
    match draft.reminders {
        Some(reminders) if reminders["useDefault"] == true => {
            event.reminders.remove(&caller.email);
        }
        Some(reminders) => {
            event.reminders.insert(caller.email.clone(), reminders);
        }
        None => {
            event.reminders.remove(&caller.email);
        }
    }
    let first_change = stored.is_exception() && !stored.stored;
    if first_change && world.switches.is(Switch::ExceptionProperties, "dropped") {
        super::properties::drop_private(&mut event.fields);
    }
    event
}

/// The written event as the caller sees it, read lag or not.
pub(super) fn reply(
    world: &World,
    caller: &Caller,
    call: &Call,
    calendar: &str,
    id: &str,
) -> Result<Reply, ApiError> {
    let calendar = world.calendar(calendar)?;
    let view = View::new(world, calendar, caller, &call.query)?;
    let event = world
        .find_event(calendar, id)
        .ok_or_else(error::not_found)?;
    Ok(Reply::Json(view.any(&event)))
}
