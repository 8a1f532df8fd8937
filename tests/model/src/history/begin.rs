//! How a history begins: people, calendars, what they chose.

use super::calendars::{Lost, is_second};
use super::drawn;
use super::run::{NewWorld, Run, Tally};
use super::step::{Role, Story};
use anyhow::Result;
use chrono::DateTime;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

impl Run {
    /// The world of a story; `on` makes it, of a seed and a time.
    pub(crate) fn start(story: &Story, on: &NewWorld<'_>) -> Result<Self> {
        let (scope, seed) = (story.scope, story.seed);
        let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap_or_default();
        let tells = |switch: &str, position: &str| {
            story.switches.get(switch).is_some_and(|at| at == position)
        };
        let lag = story.switches.get("readLagSeconds");
        let mut run = Self {
            world: on(seed, now),
            people: Vec::new(),
            calendars: Vec::new(),
            team: None,
            role: (Role::Writer, false),
            tells_reminders: !tells("reminderInDelta", "hidden"),
            shows_at_once: lag.is_none_or(|lag| lag == "0"),
            lost: Lost::default(),
            lives: BTreeMap::new(),
            tally: Tally::default(),
            faults: 0,
            actor: None,
            held: VecDeque::new(),
        };
        for (switch, position) in &story.switches {
            let told = json!({switch: drawn::told(switch, position)});
            run.world.control("POST", "switches", &told)?;
            run.tally.draw(&format!("{switch} {position}"));
        }
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
        run.choose(story);
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
    fn choose(&mut self, story: &Story) {
        for (user, calendars) in (0..).zip(&self.calendars) {
            let choices = drawn::choices(story.scope, story.seed, user);
            let choices = choices.as_ref().and_then(Value::as_object);
            for (choice, value) in choices.into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                self.tally.draw(&format!("{choice} {value}"));
            }
            for (connection, calendar) in calendars {
                let mut choices = choices.cloned().unwrap_or_default();
                let direction = drawn::direction(story.scope, story.seed, user);
                if is_second(calendar) && direction != "both" {
                    self.tally.draw(&format!("direction {direction}"));
                    self.lost.directions.insert(calendar.clone(), direction);
                    choices.insert("direction".to_owned(), json!(direction));
                }
                self.world.store.act(&store::sides::Act::Choices {
                    connection: connection.clone(),
                    choices,
                });
            }
        }
    }
}
