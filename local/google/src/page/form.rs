//! A posted form turned into an action of the web interface.

use serde_json::{Map, Value, json};

use crate::control::ui::{Act, Scope};
use crate::http_api::Query;
use crate::world::World;

pub(super) fn act(world: &World, form: &Query) -> Act {
    let text = |name: &str| form.get(name).unwrap_or_default().trim().to_owned();
    let (user, calendar) = (text("user"), text("calendar"));
    let zone = world
        .calendars
        .get(&calendar)
        .map(|calendar| calendar.time_zone.clone());
    let scope = match form.get("scope") {
        Some("all") => Scope::All,
        Some("following") => Scope::Following,
        _ => Scope::This,
    };
    let wants_changes = matches!(form.get("action"), Some("create" | "edit" | "split"));
    let mut fields = if wants_changes {
        changes(form, zone.as_deref().unwrap_or("UTC"))
    } else {
        Map::new()
    };
    let stored = world.calendars.get(&calendar).and_then(|calendar| {
        let event = world.find_event(calendar, form.get("event").unwrap_or_default())?;
        Some(event.to_body("", calendar.zone()))
    });
    if let Some(stored) = stored {
        keep_unchanged(&mut fields, &stored);
    }
    Act {
        user,
        calendar,
        id: text("event"),
        changes: fields,
        scope,
        response: text("response"),
        destination: text("destination"),
        notify: form.get("notify").is_some(),
    }
}

/// Only what the form holds; an empty field clears what was there.
fn changes(form: &Query, zone: &str) -> Map<String, Value> {
    let mut changes = Map::new();
    for name in ["summary", "location", "description"] {
        if let Some(text) = form.get(name) {
            changes.insert(name.into(), text.into());
        }
    }
    let all_day = form.get("all_day").is_some();
    for name in ["start", "end"] {
        if let Some(text) = form.filled(name) {
            changes.insert(name.into(), time(text, zone, all_day));
        }
    }
    if let Some(guests) = form.get("guests") {
        let emails = guests
            .split([',', ' ', '\n'])
            .filter(|email| !email.trim().is_empty());
        let guests: Vec<Value> = emails
            .map(|email| json!({ "email": email.trim() }))
            .collect();
        changes.insert("attendees".into(), guests.into());
    }
    if let Some(rule) = form.filled("rule") {
        let lines: Vec<Value> = rule.lines().map(|line| line.trim().into()).collect();
        changes.insert("recurrence".into(), lines.into());
    }
    changes
}

/// Leaves out times that are as they were, and keeps what else is known of a guest.
fn keep_unchanged(fields: &mut Map<String, Value>, stored: &Map<String, Value>) {
    for name in ["start", "end"] {
        let same = |key: &str| {
            let text = |value: Option<&Value>| {
                let text = value
                    .and_then(|value| value[key].as_str())
                    .unwrap_or_default();
                text.get(..16).unwrap_or(text).to_owned()
            };
            text(fields.get(name)) == text(stored.get(name))
        };
        if same("date") && same("dateTime") {
            fields.remove(name);
        }
    }
    let known = stored.get("attendees").and_then(Value::as_array);
    if let (Some(Value::Array(guests)), Some(known)) = (fields.get_mut("attendees"), known) {
        for guest in guests {
            if let Some(old) = known.iter().find(|old| old["email"] == guest["email"]) {
                guest.clone_from(old);
            }
        }
    }
}

/// What a `datetime-local` input gives, on the calendar's clock.
fn time(text: &str, zone: &str, all_day: bool) -> Value {
    let date = text.get(..10).unwrap_or(text);
    if all_day {
        return json!({"date": date, "dateTime": null, "timeZone": null});
    }
    let seconds = if text.len() == 16 { ":00" } else { "" };
    json!({"date": null, "dateTime": format!("{text}{seconds}"), "timeZone": zone})
}
