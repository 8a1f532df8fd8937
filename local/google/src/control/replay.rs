//! `/_sim/replay`: captured events, put into calendars as they are.

use serde_json::{Map, Value, json};

use super::{Done, body};
use crate::Simulator;
use crate::calendars::Calendar;
use crate::http_api::Call;
use crate::world::{Consent, World};

/// Who there is where nobody is.
const SOMEBODY: &str = "ann@example.com";

impl Simulator {
    /// Puts the events of a JSON text into calendars exactly as they are written, as `POST /_sim/replay` does.
    ///
    /// # Errors
    /// What is wrong with the text: all of it goes in, or nothing.
    pub fn replay(&self, cases: &str) -> Result<Value, String> {
        let cases = serde_json::from_str(cases).map_err(|error| error.to_string())?;
        replay(&mut self.lock(), cases)
    }
}

pub(super) fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    match (call.method.as_str(), segments) {
        ("POST", ["replay"]) => Some(body(call).and_then(|cases| replay(world, cases))),
        _ => None,
    }
}

/// The ids by calendar.
fn replay(world: &mut World, cases: Value) -> Done {
    let cases = match cases {
        Value::Array(items) => {
            let first = world.people.keys().next().cloned();
            let first = first.unwrap_or_else(|| SOMEBODY.to_owned());
            Map::from_iter([(first, Value::Array(items))])
        }
        Value::Object(cases) => cases,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err("an array of events, or {calendar: [events]}".into());
        }
    };
    let mut read = Vec::new();
    for (calendar, items) in cases {
        let Value::Array(items) = items else {
            return Err(format!("{calendar}: an array of events"));
        };
        for (at, item) in items.into_iter().enumerate() {
            let Value::Object(item) = item else {
                return Err(format!("{calendar}[{at}]: an event is an object"));
            };
            read.push((calendar.clone(), item));
        }
    }
    let mut ids = Map::new();
    for (calendar, item) in read {
        make(world, &calendar);
        let id = world.replay(&calendar, &item);
        let of = ids.entry(calendar).or_insert_with(|| json!([]));
        of.as_array_mut()
            .into_iter()
            .for_each(|of| of.push(json!(id)));
    }
    Ok(Value::Object(ids))
}

/// A calendar that is not there: an address is a new person's, any other belongs to whoever is first.
fn make(world: &mut World, calendar: &str) {
    if world.calendars.contains_key(calendar) {
        return;
    }
    let is_secondary = !calendar.contains('@') || calendar.ends_with(".calendar.google.com");
    if !is_secondary {
        world.add_person(calendar, calendar, "UTC", Consent::All);
        return;
    }
    let owner = world.people.keys().next().cloned();
    let owner = owner.unwrap_or_else(|| SOMEBODY.to_owned());
    if !world.people.contains_key(&owner) {
        world.add_person(&owner, &owner, "UTC", Consent::All);
    }
    world.add_calendar(Calendar::new(calendar, &owner, calendar, "UTC"));
}
