//! Everything that is there when a history is at rest.

use super::kept::brief;
use super::run::{Run, Violation, violation};
use super::step::Which;
use anyhow::Result;
use http::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use store::sides::Picture;
use store::{ConnectionId, EventId, Link, LinkState, RemoteId};

/// Everything that is there.
pub(super) struct Found {
    pub(super) picture: Picture,
    /// What Google shows by connection and id, cancelled occurrences included.
    pub(super) events: BTreeMap<(ConnectionId, RemoteId), Value>,
    /// The user of a connection.
    pub(super) users: BTreeMap<ConnectionId, usize>,
}

impl Run {
    pub(super) fn look(&self) -> Result<Found> {
        let picture = self.world.look();
        let (mut events, mut users) = (BTreeMap::new(), BTreeMap::new());
        let mut listed: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
        for (user, (person, calendars)) in self.people.iter().zip(&self.calendars).enumerate() {
            let is_there = |(_, calendar): &&(_, String)| !self.is_apart(calendar);
            for (connection, calendar) in calendars.iter().filter(is_there) {
                users.insert(connection.clone(), user);
                let key = (person.email.clone(), calendar.clone());
                let items = match listed.get(&key) {
                    Some(items) => items,
                    None => {
                        let path = format!("calendars/{calendar}/events?maxResults=2500");
                        let list =
                            self.world
                                .google(&person.email, Method::GET, &path, &Value::Null)?;
                        listed
                            .entry(key)
                            .or_insert(list["items"].as_array().cloned().unwrap_or_default())
                    }
                };
                for event in items {
                    let id = event["id"].as_str().unwrap_or_default().to_owned();
                    events.insert((connection.clone(), RemoteId(id)), event.clone());
                }
            }
        }
        self.add_plain(&picture, &users, &mut events);
        Ok(Found {
            picture,
            events,
            users,
        })
    }

    /// Of what was in a deleted calendar, or goes one way only, nothing can be said; which events that is.
    pub(super) fn leave_out(&self, found: &mut Found) -> BTreeSet<Which> {
        let (apart, waits) = self.all_of(&found.picture, |calendar| self.is_apart(calendar));
        let links = found.picture.links.iter();
        let links = links.filter(|link| waits.contains(&link.event) || waits.contains(&link.root));
        let at: BTreeSet<_> = links
            .map(|link| (link.connection.clone(), link.remote.clone()))
            .collect();
        // What was moved out of a deleted calendar cannot be followed: nobody says that it has left that.
        let moved: BTreeSet<_> = at.iter().map(|(_, remote)| remote.clone()).collect();
        let linked = |place: &(ConnectionId, RemoteId)| {
            let mut links = found.picture.links.iter();
            links.any(|link| link.connection == place.0 && link.remote == place.1)
        };
        found
            .events
            .retain(|place, _| !at.contains(place) && (!moved.contains(&place.1) || linked(place)));
        found
            .picture
            .links
            .retain(|link| !at.contains(&(link.connection.clone(), link.remote.clone())));
        found.picture.rows.retain(|id, _| !waits.contains(id));
        let is_left_out = |which: &&Which| {
            let master = Which::Event(which.event());
            let place = self.place(master);
            let rows = [self.row(**which), self.row(master)];
            place.is_some_and(|(calendar, _)| self.is_apart(&calendar))
                || rows.iter().flatten().any(|row| waits.contains(row))
        };
        if apart.is_empty() {
            return BTreeSet::new();
        }
        self.lives.keys().filter(is_left_out).copied().collect()
    }

    /// An exception that says nothing else than its series is an occurrence, which no list shows, but for a deleted
    /// one of the series that it was split off, with its id.
    fn add_plain(
        &self,
        picture: &Picture,
        users: &BTreeMap<ConnectionId, usize>,
        events: &mut BTreeMap<(ConnectionId, RemoteId), Value>,
    ) {
        for link in &picture.links {
            let key = (link.connection.clone(), link.remote.clone());
            let unlisted = link.state == LinkState::Live
                && link.remote.0.contains('_')
                && events.get(&key).is_none_or(is_cancelled);
            let user = users.get(&link.connection).filter(|_| unlisted);
            let Some(user) = user.copied() else { continue };
            let mut calendars = self.calendars[user].iter();
            let calendar = calendars
                .find(|(id, _)| *id == link.connection)
                .map(|(_, calendar)| calendar);
            let path = format!(
                "calendars/{}/events/{}",
                calendar.map_or("", String::as_str),
                link.remote
            );
            let email = &self.people[user].email;
            if let Ok(event) = self.world.google(email, Method::GET, &path, &Value::Null) {
                let mut roots = picture.links.iter();
                let root = roots.find(|root| root.event == link.root && root.connection == key.0);
                let is_of = root.is_none_or(|root| event["recurringEventId"] == root.remote.0);
                if is_of || !events.contains_key(&key) {
                    events.insert(key, event);
                }
            }
        }
    }
}

impl Found {
    pub(super) fn links_of(&self, row: &EventId) -> Vec<&Link> {
        self.picture
            .links
            .iter()
            .filter(|link| link.event == *row)
            .collect()
    }

    pub(super) fn link(&self, at: &(ConnectionId, RemoteId)) -> Option<&Link> {
        let mut links = self.picture.links.iter();
        links.find(|link| link.connection == at.0 && link.remote == at.1)
    }

    /// The live event of a row.
    pub(super) fn event_of(&self, row: &EventId) -> Option<&Value> {
        let mut links = self.picture.links.iter();
        let link = links.find(|link| link.event == *row && link.state == LinkState::Live)?;
        let event = self
            .events
            .get(&(link.connection.clone(), link.remote.clone()))?;
        Some(event).filter(|event| event["status"] != "cancelled")
    }

    /// No row is two events.
    pub(super) fn one_each(&self) -> Result<(), Violation> {
        let mut taken = BTreeMap::new();
        for link in self
            .picture
            .links
            .iter()
            .filter(|link| link.state == LinkState::Live)
        {
            if let Some(other) = taken.insert(&link.event, link) {
                return Err(violation(
                    "no row is two events",
                    format!("{link:?} {other:?}"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn told(&self) -> String {
        let all: Vec<String> = self.events.values().map(brief).collect();
        all.join(" ")
    }
}

fn is_cancelled(event: &Value) -> bool {
    event["status"] == "cancelled"
}
