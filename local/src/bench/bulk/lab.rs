//! Both sides of the comparison on one stack, each with users of its own.

use crate::bench::plain::Plain;
use crate::relay::RelayFaults;
use crate::smoke::fresh;
use crate::stack::Stack;
use crate::stack::database::Driver;
use crate::stack::people::{self, Person};
use crate::stack::sides::{Crm, Google};
use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Users of each side.
const USERS: usize = 20;
/// How long a measurement may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// As the README's job of pg_cron.
const CLOCK: Duration = Duration::from_secs(10);

/// Whose change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The product.
    Tandem,
    /// The plain function.
    Plain,
}

/// Both, in the order of the printed lines.
pub const SIDES: [Side; 2] = [Side::Tandem, Side::Plain];

impl Side {
    /// Its rows.
    pub fn table(self) -> &'static str {
        match self {
            Self::Tandem => "public.events",
            Self::Plain => "public.plain_events",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Tandem => 0,
            Self::Plain => 1,
        }
    }
}

/// The stack with both sides.
pub struct Lab {
    /// Postgres, Google, the components.
    pub stack: Stack,
    /// The database as a superuser.
    pub crm: Crm,
    /// Ann's calendar, for what is asked of the simulator.
    pub google: Google,
    /// What Google takes to answer.
    pub delay: Duration,
    plain: Plain,
    users: [Vec<Person>; 2],
}

impl Lab {
    /// Starts everything; the users are connected, no quota holds, no notification arrives.
    pub async fn start(root: &Path, delay: u64, say: &dyn Fn(&str)) -> Result<Self> {
        let stack = fresh(root, Driver::Postgrest, Some(CLOCK), say).await?;
        stack.tick().await?;
        let crm = Crm::of(&stack).await?;
        let google = Google::of(&stack, 0).await?;
        let plain = Plain::start(root, &stack, &crm, say).await?;
        let mut lab = Self {
            delay: Duration::from_millis(delay),
            stack,
            crm,
            google,
            plain,
            users: [Vec::new(), Vec::new()],
        };
        lab.quota(false).await?;
        lab.notify(false).await?;
        for side in SIDES {
            for _ in 0..USERS {
                let person = lab.person(side).await?;
                lab.connect(side, &person).await?;
                lab.users[side.index()].push(person);
            }
        }
        lab.slow().await?;
        lab.stack.tick().await?;
        Ok(lab)
    }

    /// Ends it.
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// A side's users.
    pub fn users(&self, side: Side) -> &[Person] {
        &self.users[side.index()]
    }

    /// A new person with an account at Google, not connected.
    pub async fn person(&self, side: Side) -> Result<Person> {
        let id = uuid::Uuid::new_v4();
        let name = format!("{side:?}{}", &id.simple().to_string()[..12]);
        let now = chrono::Utc::now().timestamp();
        let secret = &self.stack.secrets.jwt_secret;
        let person = Person::new(secret, &id.to_string(), &name, now);
        let callback = format!("{}/functions/v1/google-connect/callback", self.stack.app);
        let (http, google) = (&self.stack.http, &self.stack.google);
        people::introduce(http, google, std::slice::from_ref(&person), &callback).await?;
        Ok(person)
    }

    /// Connects a person's calendar; the plain function imports it at once.
    pub async fn connect(&self, side: Side, person: &Person) -> Result<()> {
        match side {
            Side::Tandem => {
                people::connect(&self.stack.http, &self.stack.app, person).await?;
                Ok(())
            }
            Side::Plain => {
                let token = people::token(&self.stack.http, &self.stack.google, person).await?;
                self.plain
                    .connect(&self.stack, &self.crm, person, &token)
                    .await
            }
        }
    }

    /// Whether quotas hold: Google's documented ones of users and projects, and what Tandem keeps below them.
    pub async fn quota(&self, is_on: bool) -> Result<()> {
        let (user, project) = if is_on { (600, 10_000) } else { (0, 0) };
        let switches = json!({"userRequestsPerMinute": user, "projectRequestsPerMinute": project,
            "calendarWritesPerMinute": 0});
        self.google
            .control(Method::POST, "switches", &switches)
            .await?;
        self.crm
            .run(if is_on {
                "delete from tandem.settings where key like '%per_minute'"
            } else {
                "insert into tandem.settings (key, value) values ('user_per_minute', '1000000'),
                ('project_per_minute', '1000000') on conflict (key) do update set value = excluded.value"
            })
            .await
    }

    /// Whether Google's notifications arrive.
    pub async fn notify(&self, is_on: bool) -> Result<()> {
        let drop = if is_on { 0 } else { u32::MAX };
        let control =
            json!({"drop": drop, "double": 0, "delay_seconds": 0, "reorder": false, "hold": false});
        self.google
            .control(Method::POST, "notifications", &control)
            .await?;
        Ok(())
    }

    /// Whether what triggers send arrives.
    pub fn poke(&self, is_on: bool) {
        self.stack.relay.set_faults(RelayFaults {
            drop_percent: if is_on { 0 } else { 100 },
            ..RelayFaults::default()
        });
    }

    async fn slow(&self) -> Result<()> {
        let fault = json!({"method": "events.*", "count": 1_000_000_000,
            "delay_ms": self.delay.as_millis() as u64});
        self.google.control(Method::POST, "faults", &fault).await?;
        Ok(())
    }

    /// Calls that Google refused for their number since this was asked last.
    pub async fn refusals(&self) -> Result<usize> {
        let mut refused = 0;
        for status in [403, 429] {
            let path = format!("log?status={status}");
            let log = self
                .google
                .control(Method::GET, &path, &Value::Null)
                .await?;
            refused += log.as_array().map_or(0, Vec::len);
        }
        self.google
            .control(Method::DELETE, "log", &Value::Null)
            .await?;
        Ok(refused)
    }

    /// Waits until a query gives a number.
    pub async fn until(&self, sql: &str, expected: u64) -> Result<()> {
        self.crm.wait_within(PATIENCE, sql, &json!(expected)).await
    }

    /// How many of a side's rows are not in Google yet.
    pub fn open(side: Side) -> String {
        format!(
            "select count(*) from {} where sync_state is distinct from 'synced'",
            side.table()
        )
    }

    /// Inserts rows of an owner in one statement.
    pub fn insert(side: Side, owner: &Person, rows: usize) -> String {
        format!(
            "insert into {} (owner_id, title, description, starts_at, ends_at)
             select '{}', 'Meeting ' || g, 'What it is about', timestamptz '2031-03-03 09:00Z' + g * interval '1 hour',
               timestamptz '2031-03-03 10:00Z' + g * interval '1 hour' from generate_series(1, {rows}) g",
            side.table(),
            owner.id
        )
    }

    /// The time that statements take until all rows are in Google.
    pub async fn timed(&self, side: Side, statements: &[String]) -> Result<Duration> {
        let begun = Instant::now();
        for statement in statements {
            self.crm.run(statement).await?;
        }
        self.until(&Self::open(side), 0).await?;
        Ok(begun.elapsed())
    }

    /// A side's user.
    pub fn user(&self, side: Side, index: usize) -> Result<&Person> {
        self.users(side).get(index).context("a user")
    }
}
