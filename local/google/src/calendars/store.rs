//! One calendar: its events by id, an index by change number, and who may do what.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::Role;
use crate::events::Event;

/// An access rule.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// [`Role::None`] once it has ended.
    pub(crate) role: Role,
    pub(crate) change: u64,
    pub(crate) version: u64,
}

/// Whose rules hold for a person: the address, its domain, everyone.
fn keys(email: &str) -> [String; 3] {
    let domain = email.split_once('@').map_or("", |(_, domain)| domain);
    [
        email.to_owned(),
        format!("domain:{domain}"),
        "default".into(),
    ]
}

/// A calendar and its events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Calendar {
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) location: String,
    pub(crate) time_zone: String,
    /// Email of the data owner; empty for a public calendar.
    pub(crate) owner: String,
    /// A calendar of public holidays: everyone reads it, nobody watches it.
    pub(crate) holiday: bool,
    /// `labelProperties.eventLabels`.
    #[serde(default)]
    pub(crate) labels: Vec<Value>,
    pub(crate) version: u64,
    pub(crate) updated: DateTime<Utc>,
    /// By address, or by the rule's id where it is not about one person; ended ones stay.
    rules: BTreeMap<String, Rule>,
    /// Grows with every change of a rule.
    pub(crate) rule_change: u64,
    /// Grows when a person's access changes; sync tokens of before are void.
    epochs: BTreeMap<String, u64>,
    events: BTreeMap<String, Event>,
    /// The latest change of every event.
    by_change: BTreeMap<u64, String>,
    /// Exceptions by the series they belong to.
    exceptions: BTreeMap<String, BTreeSet<String>>,
    /// The number of the newest change.
    pub(crate) change: u64,
}

impl Calendar {
    pub(crate) fn new(id: &str, owner: &str, summary: &str, time_zone: &str) -> Self {
        Self {
            id: id.to_owned(),
            summary: summary.to_owned(),
            description: String::new(),
            location: String::new(),
            time_zone: time_zone.to_owned(),
            owner: owner.to_owned(),
            holiday: false,
            labels: Vec::new(),
            version: 0,
            updated: DateTime::UNIX_EPOCH,
            rules: BTreeMap::new(),
            rule_change: 0,
            epochs: BTreeMap::new(),
            events: BTreeMap::new(),
            by_change: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            change: 0,
        }
    }

    /// The zone times are shown in.
    pub(crate) fn zone(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    pub(crate) fn primary(&self) -> bool {
        self.id == self.owner
    }

    pub(crate) fn role(&self, email: &str) -> Role {
        let given = |key: &String| self.rules.get(key).map(|rule| rule.role);
        let given = keys(email).iter().filter_map(given).max();
        let given = given.unwrap_or(Role::None);
        if self.holiday {
            given.max(Role::Reader)
        } else {
            given
        }
    }

    /// Gives a role, or takes it away with [`Role::None`].
    pub(crate) fn share(&mut self, key: &str, role: Role, version: u64) {
        let before = self.rules.get(key).map_or(Role::None, |rule| rule.role);
        if before == role {
            return;
        }
        *self.epochs.entry(key.to_owned()).or_default() += 1;
        self.rule_change += 1;
        let rule = Rule {
            role,
            change: self.rule_change,
            version,
        };
        self.rules.insert(key.to_owned(), rule);
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, Rule)> {
        self.rules.iter().map(|(key, rule)| (key.as_str(), *rule))
    }

    /// A rule in force.
    pub(crate) fn rule(&self, key: &str) -> Option<Rule> {
        let rule = self.rules.get(key).copied();
        rule.filter(|rule| rule.role != Role::None)
    }

    pub(crate) fn epoch(&self, email: &str) -> u64 {
        let epochs = keys(email).into_iter();
        epochs.filter_map(|key| self.epochs.get(&key)).sum()
    }

    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        self.events.get(id)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    /// Ids from one on, in their order.
    pub(crate) fn ids_from<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.events
            .range(id.to_owned()..)
            .map(|(id, _)| id.as_str())
    }

    pub(crate) fn event_mut(&mut self, id: &str) -> Option<&mut Event> {
        self.events.get_mut(id)
    }

    /// Stores an event under a new change number.
    pub(crate) fn put(&mut self, mut event: Event) {
        self.change += 1;
        if let Some(old) = self.events.get(&event.id) {
            self.by_change.remove(&old.change);
            event.born = old.born;
            let left = old.recurring_event_id.as_ref();
            if let Some(left) = left.filter(|of| event.recurring_event_id.as_ref() != Some(*of))
                && let Some(exceptions) = self.exceptions.get_mut(left)
            {
                exceptions.remove(&event.id);
            }
        } else {
            event.born = self.change;
        }
        event.change = self.change;
        event.stored = true;
        self.updated = self.updated.max(event.updated);
        self.by_change.insert(self.change, event.id.clone());
        if let Some(series) = &event.recurring_event_id {
            self.exceptions
                .entry(series.clone())
                .or_default()
                .insert(event.id.clone());
        }
        self.events.insert(event.id.clone(), event);
    }

    /// Stores an event without a new change number, so that no delta shows it; one that is new, as an occurrence is
    /// that differs for the first time, has to have one.
    pub(crate) fn put_silently(&mut self, event: Event) {
        if self.events.contains_key(&event.id) {
            self.events.insert(event.id.clone(), event);
        } else {
            self.put(event);
        }
    }

    /// Exceptions of a series, cancelled ones included.
    pub(crate) fn exceptions(&self, series: &str) -> impl Iterator<Item = &Event> {
        let ids = self.exceptions.get(series).into_iter().flatten();
        ids.filter_map(|id| self.events.get(id))
    }

    /// Events whose latest change is `from` or later, in the order of their changes.
    pub(crate) fn changes(&self, from: u64) -> impl Iterator<Item = &Event> {
        self.by_change
            .range(from..)
            .filter_map(|(_, id)| self.events.get(id))
    }

    /// A copy to try changes of the calendar itself on.
    pub(crate) fn clone_without_events(&self) -> Self {
        Self {
            description: self.description.clone(),
            location: self.location.clone(),
            labels: self.labels.clone(),
            version: self.version,
            ..Self::new(&self.id, &self.owner, &self.summary, &self.time_zone)
        }
    }

    pub(crate) fn resource(&self) -> Value {
        let mut value = json!({
            "kind": "calendar#calendar",
            "etag": format!("\"{}\"", self.version),
            "id": self.id,
            "summary": self.summary,
            "timeZone": self.time_zone,
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        });
        for (name, text) in [
            ("description", &self.description),
            ("location", &self.location),
        ] {
            if !text.is_empty() {
                value[name] = text.clone().into();
            }
        }
        if !self.labels.is_empty() {
            value["labelProperties"] = json!({ "eventLabels": self.labels });
        }
        if !self.owner.is_empty() {
            value["dataOwner"] = self.owner.clone().into();
        }
        value
    }
}
