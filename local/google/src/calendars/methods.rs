//! `calendars` and `colors`.

use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::{Calendar, Role};
use crate::error::{self, ApiError};
use crate::http_api::{Call, Caller, Reply};
use crate::world::World;

pub(super) fn get(world: &World, caller: &Caller, written: &str) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::FreeBusyReader)?;
    Ok(Reply::Json(world.calendar(&id)?.resource()))
}

pub(super) fn insert(world: &mut World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let mut body = call.object()?;
    complete_labels(world, &mut body)?;
    let summary = body
        .get("summary")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if summary.is_empty() {
        return Err(error::required("Missing title."));
    }
    world.charge_calendar(&caller.email)?;
    let hash = world.random.base32hex(64);
    let id = format!("c_{hash}@group.calendar.google.com");
    let mut calendar = Calendar::new(&id, &caller.email, summary, "UTC");
    apply(&mut calendar, &body)?;
    world.add_calendar(calendar);
    get(world, caller, &id)
}

pub(super) fn patch(
    world: &mut World,
    caller: &Caller,
    call: &Call,
    written: &str,
) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    let mut body = call.object()?;
    complete_labels(world, &mut body)?;
    let mut calendar = world.calendar(&id)?.clone_without_events();
    let before = calendar.resource();
    crate::events::check_if_match(call, calendar.version)?;
    apply(&mut calendar, &body)?;
    if calendar.resource() != before {
        let version = world.version();
        let stored = world.calendars.get_mut(&id).ok_or_else(error::not_found)?;
        stored.version = version;
        apply(stored, &body)?;
    }
    get(world, caller, &id)
}

/// Checks labels and names new ones (discovery document, `LabelProperties`).
fn complete_labels(world: &mut World, body: &mut Map<String, Value>) -> Result<(), ApiError> {
    let labels = body.get_mut("labelProperties");
    let labels = labels.and_then(|all| all.get_mut("eventLabels"));
    let Some(Value::Array(labels)) = labels else {
        return Ok(());
    };
    if labels.len() > 200 {
        return Err(error::invalid("Too many event labels."));
    }
    for label in labels {
        let label = label.as_object_mut();
        let label = label.ok_or_else(|| error::invalid("Invalid event label."))?;
        let name = label.get("name").and_then(Value::as_str);
        if name.is_some_and(|name| name.chars().count() > 50) {
            return Err(error::invalid("Invalid event label name."));
        }
        match label.get("id").map(|id| id.as_str().is_some_and(is_uuid)) {
            Some(true) => {}
            Some(false) => return Err(error::invalid("Invalid event label id.")),
            None => {
                label.insert("id".into(), new_uuid(world).into());
            }
        }
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|letter| letter == b'-' || letter.is_ascii_hexdigit())
}

fn new_uuid(world: &mut World) -> String {
    let (high, low) = (world.random.next(), world.random.next());
    let [a, b, c] = [high >> 32, high >> 16 & 0xffff, high & 0xfff];
    let [d, e] = [low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff];
    format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}

fn apply(calendar: &mut Calendar, body: &Map<String, Value>) -> Result<(), ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(zone) = text("timeZone") {
        zone.parse::<Tz>()
            .map_err(|_| error::invalid("Invalid time zone definition."))?;
        calendar.time_zone = zone;
    }
    calendar.summary = text("summary").unwrap_or(calendar.summary.clone());
    calendar.description = text("description").unwrap_or(calendar.description.clone());
    calendar.location = text("location").unwrap_or(calendar.location.clone());
    if let Some(Value::Array(labels)) = body.get("labelProperties").map(|all| &all["eventLabels"]) {
        calendar.labels.clone_from(labels);
    }
    Ok(())
}

pub(super) fn delete(world: &mut World, caller: &Caller, written: &str) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    if world.calendar(&id)?.primary() {
        return Err(ApiError::new(
            403,
            "calendar",
            "cannotDeletePrimaryCalendar",
            "The primary calendar of a user cannot be deleted.",
        ));
    }
    world.remove_calendar(&id);
    Ok(Reply::Empty)
}

pub(super) fn clear(world: &mut World, caller: &Caller, written: &str) -> Result<Reply, ApiError> {
    let id = world.open(written, caller, Role::Owner)?;
    if !world.calendar(&id)?.primary() {
        return Err(error::invalid("Only the primary calendar can be cleared."));
    }
    world.clear_events(&id, &caller.email);
    Ok(Reply::Empty)
}

impl World {
    /// Removes a calendar with all its events; everyone's list shows it as deleted.
    pub(crate) fn remove_calendar(&mut self, id: &str) {
        self.calendars.remove(id);
        let listed: Vec<String> = self
            .people
            .values()
            .filter(|person| person.calendar_list.contains_key(id))
            .map(|person| person.email.clone())
            .collect();
        for email in listed {
            self.unlist_calendar(&email, id);
        }
    }
}

pub(super) fn colors() -> Reply {
    let palette = |count: usize| -> Map<String, Value> {
        (1..=count)
            .map(|id| {
                let shade = 0x40 + id * 7;
                let background = format!("#{shade:02x}{:02x}e0", 0xf0 - id * 5);
                (
                    id.to_string(),
                    json!({"background": background, "foreground": "#1d1d1d"}),
                )
            })
            .collect()
    };
    Reply::Json(json!({
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": palette(24),
        "event": palette(11),
    }))
}
