//! Calendars, sharing, and many events at once.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, body};
use crate::calendars::{Calendar, Role};
use crate::http_api::Call;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCalendar {
    #[serde(default)]
    id: Option<String>,
    summary: String,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    time_zone: Option<String>,
    /// Read by everyone, cannot be watched.
    #[serde(default)]
    holiday: bool,
    /// Who else may do what.
    #[serde(default)]
    shared: Vec<Share>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    user: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    count: u32,
    /// The first event's start; the others follow hourly.
    #[serde(default)]
    from: Option<DateTime<Utc>>,
}

pub(super) fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    let done = match (call.method.as_str(), segments) {
        ("GET", ["calendars"]) => Ok(world.calendars.values().map(describe).collect()),
        ("POST", ["calendars"]) => body(call).and_then(|new| add(world, new)),
        ("DELETE", ["calendars", id]) => {
            world.remove_calendar(id);
            Ok(json!({}))
        }
        ("POST", ["calendars", id, "share"]) => body(call).and_then(|new| share(world, id, &new)),
        ("POST", ["calendars", id, "fill"]) => {
            body(call).and_then(|fill| add_many(world, id, &fill))
        }
        _ => return None,
    };
    Some(done)
}

fn describe(calendar: &Calendar) -> Value {
    let roles = calendar
        .rules()
        .filter(|(_, rule)| rule.role != Role::None)
        .map(|(key, rule)| (key.to_owned(), json!(rule.role.name())));
    json!({
        "id": calendar.id,
        "summary": calendar.summary,
        "owner": calendar.owner,
        "time_zone": calendar.time_zone,
        "holiday": calendar.holiday,
        "roles": roles.collect::<serde_json::Map<_, _>>(),
        "events": calendar.events().count(),
        "change": calendar.change,
    })
}

pub(super) fn add(world: &mut World, new: NewCalendar) -> Done {
    let owner = new.owner.unwrap_or_default().to_ascii_lowercase();
    if !owner.is_empty() && !world.people.contains_key(&owner) {
        return Err(format!("there is no user {owner}"));
    }
    if owner.is_empty() && !new.holiday {
        return Err("a calendar that is not a holiday calendar has an owner".into());
    }
    let zone = new.time_zone.unwrap_or_else(|| "UTC".into());
    zone.parse::<Tz>()
        .map_err(|_| format!("there is no time zone {zone}"))?;
    let id = new.id.unwrap_or_else(|| {
        let tail = world.random.base32hex(64);
        format!("c_{tail}@group.calendar.google.com")
    });
    if world.calendars.contains_key(&id) {
        return Err(format!("{id} is already there"));
    }
    let mut calendar = Calendar::new(&id, &owner, &new.summary, &zone);
    calendar.holiday = new.holiday;
    world.add_calendar(calendar);
    if new.holiday {
        let everyone: Vec<String> = world.people.keys().cloned().collect();
        for email in everyone {
            world.list_calendar(&email, &id);
        }
    }
    for rule in &new.shared {
        share(world, &id, rule)?;
    }
    world
        .calendars
        .get(&id)
        .map(describe)
        .ok_or_else(|| "the calendar was not stored".into())
}

fn share(world: &mut World, id: &str, new: &Share) -> Done {
    let role = Role::parse(&new.role).ok_or_else(|| format!("there is no role {}", new.role))?;
    if !world.calendars.contains_key(id) {
        return Err(format!("there is no calendar {id}"));
    }
    world.share(id, &new.user.to_ascii_lowercase(), role);
    Ok(json!({}))
}

/// Many plain events of one hour, without notifications or quota.
fn add_many(world: &mut World, id: &str, fill: &Fill) -> Done {
    let owner = match world.calendars.get(id) {
        Some(calendar) => calendar.owner.clone(),
        None => return Err(format!("there is no calendar {id}")),
    };
    let mut at = fill.from.unwrap_or_else(|| world.time.now());
    for number in 0..fill.count {
        let event_id = world.random.base32hex(26);
        let mut event = crate::events::plain(&event_id, id, &owner, &format!("Event {number}"), at);
        event.created = world.time.now();
        event.updated = event.created;
        world.store(id, event);
        at = at.checked_add_signed(TimeDelta::hours(1)).unwrap_or(at);
    }
    Ok(json!({ "added": fill.count }))
}
