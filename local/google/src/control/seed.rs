//! A seed: the clients, people, calendars and events a simulator starts with.

use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::calendars::NewCalendar;
use super::people::NewUser;
use super::{Done, add_client};
use crate::Simulator;
use crate::events;
use crate::http_api::{Call, Caller, Route};
use crate::oauth::Client;
use crate::world::World;

/// Entries are read one by one, so that a mistake is told with its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    clients: Vec<Value>,
    #[serde(default)]
    users: Vec<Value>,
    #[serde(default)]
    calendars: Vec<Value>,
    #[serde(default)]
    events: Vec<Value>,
}

impl Simulator {
    /// Adds what a seed names: all of it, or nothing. The README has the format.
    ///
    /// # Errors
    /// What is wrong, after the entry it is in: `events[2]: there is no calendar team`.
    pub fn seed(&self, seed: &str) -> Result<(), String> {
        self::seed(&mut self.lock(), seed).map(|_| ())
    }
}

pub(crate) fn seed(world: &mut World, text: &str) -> Done {
    let seed: Seed = serde_json::from_str(text).map_err(|error| error.to_string())?;
    world.whole_or_nothing(|world| {
        Ok(json!({
            "clients": each("clients", seed.clients, |new: Client| add_client(world, new))?,
            "users": each("users", seed.users, |new: NewUser| {
                super::people::add_user(world, new)
            })?,
            "calendars": each("calendars", seed.calendars, |new: NewCalendar| {
                super::calendars::add(world, new)
            })?,
            "events": each("events", seed.events, |new| add_event(world, new))?,
        }))
    })
}

/// How many were added, or which one could not be.
fn each<T: DeserializeOwned>(
    name: &str,
    entries: Vec<Value>,
    mut add: impl FnMut(T) -> Done,
) -> Result<usize, String> {
    let count = entries.len();
    for (at, entry) in entries.into_iter().enumerate() {
        let entry = serde_json::from_value(entry).map_err(|error| error.to_string());
        entry
            .and_then(&mut add)
            .map_err(|why| format!("{name}[{at}]: {why}"))?;
    }
    Ok(count)
}

/// Inserts an event as the calendar's owner would, without quota and mail.
fn add_event(world: &mut World, mut resource: Map<String, Value>) -> Done {
    let Some(Value::String(id)) = resource.remove("calendar") else {
        return Err("calendar is missing: the id of a calendar, or its owner's address".into());
    };
    let Some(calendar) = world.calendars.get(&id) else {
        return Err(format!("there is no calendar {id}"));
    };
    let caller = Caller {
        email: calendar.owner.clone(),
        client: String::new(),
        project: String::new(),
        scopes: [].into(),
    };
    let request = Request::post("/?conferenceDataVersion=1&supportsAttachments=true")
        .body(Bytes::from(Value::Object(resource).to_string()))
        .map_err(|error| error.to_string())?;
    let route = Route {
        method: "events.insert".into(),
        calendar: Some(id),
        ..Route::default()
    };
    events::answer(world, &caller, &Call::new(request), &route, "insert")
        .map(|_| Value::Null)
        .map_err(|error| format!("{} ({})", error.message, error.reason))
}
