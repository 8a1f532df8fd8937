//! A simulator's lasting state as JSON, so that it can go on after a restart or go back to before.
//! What is under way (messages, delayed propagation, quotas) and what belongs to a test (faults,
//! switches, clock, logs) is not in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendars::Calendar;
use crate::oauth::Grants;
use crate::push::Channel;
use crate::quota::Windows;
use crate::random::Random;
use crate::world::{Person, World};
use crate::{Options, Simulator};

#[derive(Serialize)]
struct Saved<'a> {
    random: &'a Random,
    people: &'a BTreeMap<String, Person>,
    grants: &'a Grants,
    calendars: &'a BTreeMap<String, Calendar>,
    channels: &'a [Channel],
    last_version: u64,
}

#[derive(Deserialize)]
struct Loaded {
    random: Random,
    people: BTreeMap<String, Person>,
    grants: Grants,
    calendars: BTreeMap<String, Calendar>,
    channels: Vec<Channel>,
    last_version: u64,
}

impl Loaded {
    fn read(saved: &str) -> Result<Self, String> {
        serde_json::from_str(saved).map_err(|error| error.to_string())
    }

    fn put(self, world: &mut World) {
        world.random = self.random;
        world.people = self.people;
        world.grants = self.grants;
        world.calendars = self.calendars;
        world.push.channels = self.channels;
        world.last_version = self.last_version;
    }
}

impl World {
    pub(crate) fn save(&self) -> String {
        let saved = Saved {
            random: &self.random,
            people: &self.people,
            grants: &self.grants,
            calendars: &self.calendars,
            channels: &self.push.channels,
            last_version: self.last_version,
        };
        // Every key is a text, so this cannot fail.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Goes on from what [`World::save`] gave; nothing happens when it is not that.
    ///
    /// What a test has set (clock, switches, faults, what happens to notifications) and what it
    /// reads afterwards (log, counters, mail) stays. What is under way belongs to the state that
    /// is given up, and ends with it.
    pub(crate) fn load(&mut self, saved: &str) -> Result<(), String> {
        Loaded::read(saved)?.put(self);
        self.push.forget_messages();
        self.later.clear();
        self.windows = Windows::default();
        Ok(())
    }

    /// Does `work`; when it fails, people, grants, calendars and channels are as before.
    pub(crate) fn whole_or_nothing<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let before = self.save();
        let later = self.later.len();
        work(self).inspect_err(|_| {
            if let Ok(before) = Loaded::read(&before) {
                before.put(self);
            }
            self.later.truncate(later);
        })
    }
}

impl Simulator {
    /// People, grants, calendars with their events, and channels, as JSON.
    pub fn save(&self) -> String {
        self.lock().save()
    }

    /// A simulator that goes on from what [`Simulator::save`] gave.
    ///
    /// # Errors
    /// When `saved` is not that; says where.
    pub fn load(options: Options, saved: &str) -> Result<Self, String> {
        let simulator = Self::new(options);
        simulator.lock().load(saved)?;
        Ok(simulator)
    }
}

/// A map whose keys are no texts, as a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::Request;

    fn listed(simulator: &Simulator, token: &str) -> Bytes {
        let request = Request::get("/calendar/v3/calendars/primary/events")
            .header("authorization", format!("Bearer {token}"));
        let request = request.body(Bytes::new()).unwrap();
        simulator.handle(request).into_body()
    }

    #[test]
    fn a_loaded_simulator_shows_the_same_events_and_knows_the_same_tokens() {
        let simulator = Simulator::new(Options::default());
        simulator.add_user("ann@example.com", "Ann", true);
        simulator.add_client("client", "secret", "project", &[]);
        let scope = "https://www.googleapis.com/auth/calendar";
        let token = simulator
            .token("ann@example.com", "client", &[scope])
            .unwrap();
        let token = token["access_token"].as_str().unwrap();
        let body = r#"{"summary": "Fair", "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}}"#;
        let insert = Request::post("/calendar/v3/calendars/primary/events")
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))
            .unwrap();
        assert_eq!(simulator.handle(insert).status(), 200);
        let loaded = Simulator::load(Options::default(), &simulator.save()).unwrap();
        let before: serde_json::Value = serde_json::from_slice(&listed(&simulator, token)).unwrap();
        let after: serde_json::Value = serde_json::from_slice(&listed(&loaded, token)).unwrap();
        assert_eq!(before["items"].as_array().unwrap().len(), 1);
        assert_eq!(before["items"], after["items"]);
    }

    #[test]
    fn what_is_no_saved_state_is_refused() {
        assert!(Simulator::load(Options::default(), "{}").is_err());
    }
}
