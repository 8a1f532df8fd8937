//! How a history begins: people, calendars, what they chose.

use super::run::{NewWorld, Run, Tally};
use super::step::{Role, Scope};
use anyhow::Result;
use chrono::DateTime;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};

impl Run {
    /// `on` makes the world, of a seed and a time.
    pub(crate) fn start(scope: Scope, seed: u64, on: &NewWorld<'_>) -> Result<Self> {
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap_or_default();
        let mut run = Self {
            world: on(seed, now),
            people: Vec::new(),
            calendars: Vec::new(),
            team: None,
            role: (Role::Writer, false),
            lives: BTreeMap::new(),
            tally: Tally::default(),
            faults: 0,
            actor: None,
            held: VecDeque::new(),
        };
        let users: &[(&str, &str)] = match scope.several_users {
            true => &[("ann", "ann"), ("bob", "bob"), ("cat", "ann")],
            false => &[("ann", "ann")],
        };
        for (user, name) in users {
            let email = format!("{name}@example.com");
            let (person, connection) = run.world.connect(user, &email);
            let mut calendars = vec![(connection, email.clone())];
            if scope.several_calendars {
                let id = run.add_calendar(&format!("{user}-second"), &email)?;
                calendars.push((run.world.connect_calendar(&person, &id, "owner", false), id));
            }
            run.calendars.push(calendars);
            run.people.push(person);
        }
        if scope.shared {
            run.share_calendar()?;
        }
        if scope.settings {
            run.choose(seed);
        }
        run.world.turn();
        Ok(run)
    }

    pub(crate) fn add_calendar(&self, name: &str, owner: &str) -> Result<String> {
        let id = format!("{name}@group.calendar.google.com");
        let new = json!({"id": id, "summary": name, "owner": owner});
        self.world.control("POST", "calendars", &new)?;
        Ok(id)
    }

    pub(crate) fn share_calendar(&mut self) -> Result<()> {
        let id = self.add_calendar("team", "ann@example.com")?;
        self.team = Some(id.clone());
        self.share(Role::Writer)?;
        for user in 0..self.people.len().min(2) {
            let connection = self
                .world
                .connect_calendar(&self.people[user], &id, "writer", false);
            self.calendars[user].push((connection, id.clone()));
        }
        self.role.1 = false;
        Ok(())
    }

    /// Users differ in who wins a conflict, histories in whether guests get mail and what becomes of an event
    /// that opts out.
    pub(crate) fn choose(&self, seed: u64) {
        let mail = ["none", "all"][usize::from(seed.is_multiple_of(4))];
        let opt_out = ["remove", "keep"][usize::from(seed.is_multiple_of(3))];
        for (calendars, number) in self.calendars.iter().zip(seed / 12..) {
            let policy = ["latest", "crm", "google"][(number % 3) as usize];
            let choices = json!({"policy": policy, "send_updates": mail, "opt_out": opt_out});
            for (connection, _) in calendars {
                self.world.store.act(&store::sides::Act::Choices {
                    connection: connection.clone(),
                    choices: choices.as_object().cloned().unwrap_or_default(),
                });
            }
        }
    }
}
