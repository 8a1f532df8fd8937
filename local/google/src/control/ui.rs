//! `/_sim/ui`: a person at Google's web interface.
//!
//! It goes through the same methods as the API, but as the web interface does: guests are mailed,
//! the organizer is on the guest list, times carry the calendar's zone, a split makes `_R` ids.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, body};
use crate::calendars::Role;
use crate::events;
use crate::http_api::{Call, Caller, Query, Reply, Route};
use crate::world::World;

/// What a person does; which fields count depends on the action.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    pub(crate) user: String,
    #[serde(default = "primary")]
    pub(crate) calendar: String,
    #[serde(default)]
    pub(crate) id: String,
    /// The event to create, or the fields to change, as the API writes them.
    #[serde(default)]
    pub(crate) changes: Map<String, Value>,
    /// `this` (default), `all` or `following`, for occurrences of a series.
    #[serde(default)]
    pub(crate) scope: Scope,
    /// `accepted`, `declined`, `tentative` or `needsAction`.
    #[serde(default)]
    pub(crate) response: String,
    #[serde(default)]
    pub(crate) destination: String,
    /// Whether guests are mailed; the web interface asks.
    #[serde(default = "yes")]
    pub(crate) notify: bool,
}

/// Which occurrences of a series an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    #[default]
    This,
    All,
    Following,
}

fn primary() -> String {
    "primary".into()
}

fn yes() -> bool {
    true
}

pub(super) fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    match (call.method.as_str(), segments) {
        ("POST", ["ui", action]) => {
            Some(body::<Act>(call).and_then(|act| perform(world, action, &act)))
        }
        _ => None,
    }
}

/// Does one thing and returns the event, or what the web interface would complain about.
pub(crate) fn perform(world: &mut World, action: &str, act: &Act) -> Done {
    let email = act.user.to_ascii_lowercase();
    if !world.people.contains_key(&email) {
        return Err(format!("there is no user {email}"));
    }
    let calendar = world.calendar_id(&act.calendar, &email);
    let act = &Act {
        id: world.occurrence_id(&calendar, &act.id),
        ..act.clone()
    };
    let act = Person {
        calendar,
        email,
        act,
    };
    match action {
        "create" => act.create(world),
        "open" => act.run(world, "get", &act.act.id, &[], &Value::Null),
        "edit" => act.edit(world),
        "delete" => act.delete(world),
        "restore" => act.patch(world, &act.act.id, json!({"status": "confirmed"})),
        "answer" => act.answer(world),
        "split" => act.split(world),
        "move" => act.transfer(world),
        "copy" => act.copy(world),
        _ => Err(format!("the web interface cannot {action}")),
    }
}

struct Person<'a> {
    email: String,
    calendar: String,
    act: &'a Act,
}

impl Person<'_> {
    fn run(
        &self,
        world: &mut World,
        verb: &str,
        id: &str,
        more: &[(&str, &str)],
        body: &Value,
    ) -> Done {
        let updates = if self.act.notify { "all" } else { "none" };
        let mut query = vec![("sendUpdates", updates), ("conferenceDataVersion", "1")];
        query.extend(more);
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let call = Call {
            method: Method::POST,
            path: String::new(),
            segments: Vec::new(),
            query: Query(query.collect()),
            headers: HeaderMap::new(),
            body: Bytes::from(if body.is_null() {
                String::new()
            } else {
                body.to_string()
            }),
        };
        let caller = Caller {
            email: self.email.clone(),
            client: String::new(),
            project: String::new(),
            scopes: std::collections::BTreeSet::new(),
        };
        let route = Route {
            method: format!("events.{verb}"),
            calendar: Some(self.calendar.clone()),
            item: Some(id.to_owned()),
            oauth: None,
        };
        match events::answer(world, &caller, &call, &route, verb) {
            Ok(Reply::Json(value)) => Ok(value),
            Ok(Reply::Empty | Reply::NotModified) => Ok(json!({})),
            Err(error) => Err(format!(
                "{} {}: {}",
                error.status, error.reason, error.message
            )),
        }
    }

    fn patch(&self, world: &mut World, id: &str, changes: Value) -> Done {
        self.run(world, "patch", id, &[], &changes)
    }

    fn create(&self, world: &mut World) -> Done {
        let mut event = self.act.changes.clone();
        let zone = world
            .calendars
            .get(&self.calendar)
            .map(|calendar| calendar.time_zone.clone());
        for name in ["start", "end"] {
            let time = event.get_mut(name).and_then(Value::as_object_mut);
            if let (Some(time), Some(zone)) = (time, &zone)
                && time.contains_key("dateTime")
            {
                time.entry("timeZone")
                    .or_insert_with(|| zone.clone().into());
            }
        }
        let organizer = json!({"email": self.calendar, "responseStatus": "accepted"});
        match event.get_mut("attendees") {
            Some(Value::Array(guests)) if !guests.is_empty() => guests.push(organizer),
            _ => {}
        }
        self.run(world, "insert", "", &[], &Value::Object(event))
    }

    fn edit(&self, world: &mut World) -> Done {
        match self.act.scope {
            Scope::This => {
                let changes = Value::Object(self.act.changes.clone());
                self.patch(world, &self.act.id, changes)
            }
            Scope::Following => self.split(world),
            Scope::All => self.edit_all(world),
        }
    }

    fn edit_all(&self, world: &mut World) -> Done {
        let found = world.series_changes(&self.calendar, &self.act.id, &self.act.changes);
        let (id, changes) = found.ok_or("there is no such event")?;
        self.patch(world, &id, Value::Object(changes))
    }

    fn delete(&self, world: &mut World) -> Done {
        let id = &self.act.id;
        let tail = match self.act.scope {
            Scope::This => Some(id.clone()),
            Scope::All => None,
            Scope::Following => world.split_series(&self.calendar, id, &self.email),
        };
        let id = match tail {
            Some(id) => id,
            None => {
                let found = world.series_changes(&self.calendar, id, &Map::new());
                found.ok_or("there is no such event")?.0
            }
        };
        self.run(world, "delete", &id, &[], &Value::Null)
    }

    /// "This and following" from the first occurrence on is the whole series.
    fn split(&self, world: &mut World) -> Done {
        if world.role(&self.calendar, &self.email) < Role::Writer {
            return Err("this calendar can only be read".to_owned());
        }
        match world.split_series(&self.calendar, &self.act.id, &self.email) {
            Some(tail) => {
                let changes = Value::Object(self.act.changes.clone());
                self.patch(world, &tail, changes)
            }
            None => self.edit_all(world),
        }
    }

    /// Answers an invitation, for one occurrence or for all.
    fn answer(&self, world: &mut World) -> Done {
        let id = match self.act.scope {
            Scope::This | Scope::Following => self.act.id.clone(),
            Scope::All => {
                let found = world.series_changes(&self.calendar, &self.act.id, &Map::new());
                found.ok_or("there is no such event")?.0
            }
        };
        let mine = json!({"email": self.calendar, "responseStatus": self.act.response});
        let body = json!({"attendeesOmitted": true, "attendees": [mine]});
        self.patch(world, &id, body)
    }

    fn transfer(&self, world: &mut World) -> Done {
        let to = [("destination", self.act.destination.as_str())];
        self.run(world, "move", &self.act.id, &to, &Value::Null)
    }

    /// Duplicates an event with everything in it, properties included.
    fn copy(&self, world: &mut World) -> Done {
        let calendar = world
            .calendars
            .get(&self.calendar)
            .ok_or("there is no such calendar")?;
        let event = world
            .find_event(calendar, &self.act.id)
            .ok_or("there is no such event")?;
        let mut body = event.to_body(&self.email, calendar.zone());
        body.extend(self.act.changes.clone());
        self.run(world, "insert", "", &[], &Value::Object(body))
    }
}
