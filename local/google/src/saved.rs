//! A simulator's lasting state as JSON, so that it can go on after a restart. What is under way
//! (messages, delayed propagation, faults, switches, logs, quotas) is not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::calendars::Calendar;
use crate::oauth::Grants;
use crate::push::Channel;
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

impl Simulator {
    /// People, grants, calendars with their events, and channels, as JSON.
    pub fn save(&self) -> String {
        let world = self.lock();
        let saved = Saved {
            random: &world.random,
            people: &world.people,
            grants: &world.grants,
            calendars: &world.calendars,
            channels: &world.push.channels,
            last_version: world.last_version,
        };
        // Every key is a text, so this cannot fail.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// A simulator that goes on from what [`Simulator::save`] gave.
    ///
    /// # Errors
    /// When `saved` is not that; says where.
    pub fn load(options: Options, saved: &str) -> Result<Self, String> {
        let loaded: Loaded = serde_json::from_str(saved).map_err(|error| error.to_string())?;
        let simulator = Self::new(options);
        {
            let world: &mut World = &mut simulator.lock();
            world.random = loaded.random;
            world.people = loaded.people;
            world.grants = loaded.grants;
            world.calendars = loaded.calendars;
            world.push.channels = loaded.channels;
            world.last_version = loaded.last_version;
        }
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
