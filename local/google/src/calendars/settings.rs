//! `settings`: what a person chose in Google's web interface. All values are strings.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{self, ApiError};
use crate::events::tokens;
use crate::http_api::{Call, Caller, Reply};
use crate::push::Resource;
use crate::switches::Dial;
use crate::world::{Person, World};

/// What a person has changed, with the number of the change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    chosen: BTreeMap<String, (String, u64)>,
    change: u64,
}

/// Sorted by id; `timezone` is the person's.
const DEFAULTS: [(&str, &str); 12] = [
    ("autoAddHangouts", "true"),
    ("dateFieldOrder", "DMY"),
    ("defaultEventLength", "60"),
    ("format24HourTime", "true"),
    ("hideInvitations", "false"),
    ("hideWeekends", "false"),
    ("locale", "en"),
    ("remindOnRespondedEventsOnly", "false"),
    ("showDeclinedEvents", "true"),
    ("timezone", ""),
    ("useKeyboardShortcuts", "true"),
    ("weekStart", "1"),
];

/// Id, value and the change that set it, which is 0 for a default.
fn all(person: &Person) -> impl Iterator<Item = (&'static str, &str, u64)> {
    DEFAULTS.iter().map(|(id, default)| {
        let chosen = person.settings.chosen.get(*id);
        let (value, change) = chosen.map_or((*default, 0), |(value, at)| (value.as_str(), *at));
        let own = *id == "timezone";
        (*id, if own { &person.time_zone } else { value }, change)
    })
}

fn resource((id, value, change): (&str, &str, u64)) -> Value {
    let etag = format!("\"{change}\"");
    json!({"kind": "calendar#setting", "etag": etag, "id": id, "value": value})
}

fn person<'a>(world: &'a World, caller: &Caller) -> Result<&'a Person, ApiError> {
    let person = world.people.get(&caller.email);
    person.ok_or_else(error::not_found)
}

pub(super) fn list(world: &World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let person = person(world, caller)?;
    let size = call.query.size("maxResults", 100, 250)?;
    let (key, now) = (format!("settings {}", caller.email), world.time.now());
    let age = world.switches.number(Dial::SyncTokenAge);
    let token = call.query.filled("syncToken");
    let since = token
        .map(|token| tokens::read_simple(token, &key, now, age))
        .transpose()?;
    let sent = match call.query.filled("pageToken") {
        None => 0,
        Some(text) => tokens::read_page(text, &key)
            .ok_or_else(|| error::invalid("Invalid page token value."))?,
    };
    let wanted: Vec<_> = all(person)
        .filter(|(_, _, change)| since.is_none_or(|since| *change > since))
        .collect();
    let from = usize::try_from(sent).unwrap_or(usize::MAX);
    let items = wanted.iter().skip(from).take(size);
    let items: Vec<Value> = items.map(|setting| resource(*setting)).collect();
    let end = from.saturating_add(items.len());
    let mut body = json!({
        "kind": "calendar#settings",
        "etag": format!("\"p{}\"", person.settings.change),
        "items": items,
    });
    if end < wanted.len() {
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        body["nextPageToken"] = tokens::write_page(end, &key).into();
    } else {
        let token = tokens::write_simple(person.settings.change, &key, now);
        body["nextSyncToken"] = token.into();
    }
    Ok(Reply::Json(body))
}

pub(super) fn get(world: &World, caller: &Caller, id: &str) -> Result<Reply, ApiError> {
    let found = all(person(world, caller)?).find(|(name, _, _)| *name == id);
    Ok(Reply::Json(resource(found.ok_or_else(error::not_found)?)))
}

impl World {
    /// Changes settings as the person would in the web interface; all of them or none.
    pub(crate) fn choose(
        &mut self,
        email: &str,
        wanted: BTreeMap<String, String>,
    ) -> Result<Value, String> {
        let person = self.people.get_mut(email);
        let person = person.ok_or_else(|| format!("there is no user {email}"))?;
        for (id, value) in &wanted {
            if !DEFAULTS.iter().any(|(name, _)| name == id) {
                return Err(format!("there is no setting {id}"));
            }
            if id == "timezone" && value.parse::<Tz>().is_err() {
                return Err(format!("there is no time zone {value}"));
            }
        }
        for (id, value) in wanted {
            if id == "timezone" {
                person.time_zone.clone_from(&value);
            }
            person.settings.change += 1;
            let chosen = (value, person.settings.change);
            person.settings.chosen.insert(id, chosen);
        }
        let now = all(person).map(|(id, value, _)| (id.to_owned(), json!(value)));
        let now = Value::Object(now.collect());
        self.changed(&Resource::Settings(email.to_owned()), None);
        Ok(now)
    }
}
