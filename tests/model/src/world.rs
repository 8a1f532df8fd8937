//! One system and those who use it.

use crate::door::{Cut, Fate, Line, Lines, Tokens, Written};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use engine::Env;
use futures::FutureExt;
use google_simulator::{Clock, Options, Simulator};
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::rc::Rc;
use store::memory::MemoryStore;
use store::sides::{Act, Edit, NewAccount, NewChannel, NewConnection, Picture, Statement};
use store::{AccountId, ConnectionId, EventId, Notification, Row, Trigger, UserId};
use uuid::Uuid;

/// A CRM user with a Google account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The CRM user.
    pub user: UserId,
    /// The Google account.
    pub email: String,
    /// Its account.
    pub account: AccountId,
}

/// A system.
pub struct World {
    /// Google.
    pub simulator: Rc<Simulator>,
    /// The database.
    pub store: MemoryStore,
    pub(crate) lines: Rc<Lines>,
    ids: Cell<u128>,
    requests: Cell<u64>,
    log: std::cell::RefCell<Vec<String>>,
}

/// Seconds between the looks at what is left.
const PAUSES: [i64; 14] = [0, 1, 5, 10, 30, 60, 120, 600, 1_200, 3_700, 3_700, 7_300, 7_300, 7_300];
const INSTANCE: &str = "model";

impl World {
    /// One without people.
    pub fn new(seed: u64, now: DateTime<Utc>) -> Self {
        let simulator = Simulator::new(Options {
            seed,
            clock: Clock::Fixed(now),
            origin: "http://google.test".to_owned(),
            allow_http_loopback: true,
        });
        simulator.add_client("browser.example.com", "browser secret", "browser", &[]);
        simulator.add_client("client.example.com", "client secret", "project", &[]);
        Self {
            simulator: Rc::new(simulator),
            store: MemoryStore::new(INSTANCE, seed, now),
            lines: Rc::default(),
            ids: Cell::new(u128::from(seed) << 64),
            requests: Cell::new(0),
            log: std::cell::RefCell::default(),
        }
    }

    /// A fresh id.
    pub fn new_id(&self) -> Uuid {
        self.ids.set(self.ids.get() + 1);
        uuid::Builder::from_random_bytes(self.ids.get().to_be_bytes()).into_uuid()
    }

    /// A user connects the primary calendar of a Google account.
    pub fn connect(&self, user: &str, email: &str) -> (Person, ConnectionId) {
        self.simulator.add_user(email, email, true);
        let person = Person {
            user: UserId(user.to_owned()),
            email: email.to_owned(),
            account: AccountId(self.new_id()),
        };
        self.store.act(&Act::Account(NewAccount {
            user: person.user.clone(),
            id: person.account.clone(),
            refresh_token: email.to_owned(),
            access_token: None,
        }));
        let connection = self.connect_calendar(&person, email, "owner", true);
        (person, connection)
    }

    /// A user connects one more calendar; Google will notify of it.
    pub fn connect_calendar(&self, person: &Person, calendar: &str, role: &str, is_target: bool) -> ConnectionId {
        let connection = ConnectionId(self.new_id());
        self.store.act(&Act::Connect(NewConnection {
            id: connection.clone(),
            user: person.user.clone(),
            account: person.account.clone(),
            calendar: calendar.to_owned(),
            time_zone: "UTC".to_owned(),
            access_role: role.to_owned(),
            choices: Map::new(),
            is_target,
            import_from: None,
            poll_seconds: 3_600,
        }));
        self.watch(person, &connection, calendar);
        connection
    }

    fn watch(&self, person: &Person, connection: &ConnectionId, calendar: &str) {
        let id = self.new_id().to_string();
        let body = json!({"id": id, "type": "web_hook", "address": "https://app.test/google-webhook",
            "params": {"ttl": "604800"}});
        let path = format!("calendars/{calendar}/events/watch");
        let watched = self.google(&person.email, http::Method::POST, &path, &body);
        let resource = watched.ok().and_then(|channel| channel["resourceId"].as_str().map(str::to_owned));
        self.store.act(&Act::Channel(NewChannel {
            id,
            connection: connection.clone(),
            resource,
            expires_at: self.store.now() + TimeDelta::days(7),
        }));
    }

    /// A new row of a user's.
    ///
    /// # Errors
    /// As the database says.
    pub fn insert(&self, person: &Person, fields: Value) -> Result<EventId> {
        let event = EventId(self.new_id());
        self.insert_as(&event, person, fields, None)?;
        Ok(event)
    }

    /// An exception of a series.
    ///
    /// # Errors
    /// As the database says.
    pub fn except(&self, person: &Person, series: &EventId, start: &str, fields: Value) -> Result<EventId> {
        let event = EventId(self.new_id());
        self.insert_as(&event, person, fields, Some((series.clone(), start.to_owned())))?;
        Ok(event)
    }

    fn insert_as(
        &self,
        event: &EventId,
        person: &Person,
        fields: Value,
        series: Option<(EventId, String)>,
    ) -> Result<()> {
        let (series, original_start) = series.unzip();
        let row = Row {
            fields: whole(fields),
            owner: person.user.clone(),
            enabled: true,
            series,
            original_start,
        };
        let event = event.clone();
        self.store.transact(&[Statement::Insert { event, row }])?;
        Ok(())
    }

    /// Changes fields of a row.
    ///
    /// # Errors
    /// As the database says.
    pub fn update(&self, event: &EventId, fields: Value) -> Result<()> {
        let edit = Edit {
            fields: object(fields),
            ..Edit::default()
        };
        let event = event.clone();
        self.store.transact(&[Statement::Update { event, edit }])?;
        Ok(())
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// As the database says.
    pub fn delete(&self, event: &EventId) -> Result<()> {
        let event = event.clone();
        self.store.transact(&[Statement::Delete { event }])?;
        Ok(())
    }

    /// All that the database shows.
    pub fn look(&self) -> Picture {
        self.store.look()
    }

    /// Time passes.
    pub fn pass(&self, by: TimeDelta) {
        self.simulator.advance(by);
        self.store.set_now(self.simulator.now());
    }

    /// The next instance meets this fate at its call of this number, from 0.
    pub fn plan(&self, call: u32, fate: Fate) {
        self.lines.plan.set(Some((call, fate)));
    }

    /// Runs one instance.
    ///
    /// # Errors
    /// [`Cut`]: it was killed.
    pub(crate) fn run<T>(&self, work: impl AsyncFnOnce(&Env<'_, MemoryStore, Tokens>) -> T) -> Result<T, Cut> {
        let line = Line {
            simulator: Rc::clone(&self.simulator),
            lines: Rc::clone(&self.lines),
        };
        let accounts = Tokens {
            line,
            store: self.store.clone(),
        };
        self.requests.set(self.requests.get() + 1);
        let request = self.requests.get();
        let clock = || self.simulator.now();
        let fraction = || (request.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1_u64 << 53) as f64;
        let new_id = || self.new_id();
        let env = Env {
            store: &self.store,
            accounts: &accounts,
            instance: INSTANCE,
            digest: "1",
            event_url: None,
            clock: &clock,
            fraction: &fraction,
            new_id: &new_id,
        };
        self.lines.made.set(0);
        let ended = work(&env).now_or_never();
        self.lines.plan.set(None);
        self.lines.is_cut.set(false);
        ended.ok_or(Cut)
    }

    /// A poke for an event arrives.
    pub fn poke(&self, event: &EventId) {
        let pushed = self.run(async |env| engine::push(env, std::slice::from_ref(event)).await);
        self.tell("poke", &pushed);
    }

    /// The clock ticks.
    pub fn tick(&self) {
        let ticked = self.run(async |env| engine::tick(env).await);
        self.tell("tick", &ticked);
    }

    /// Notifications that are due arrive; says how many were due.
    pub fn deliver(&self) -> usize {
        let due = self.simulator.due_notifications();
        let count = due.len();
        for notification in due {
            let trigger = trigger(&notification.request);
            let pulled = self.run(async |env| engine::pull(env, trigger).await);
            self.tell("pull", &pulled);
            self.simulator.delivered(notification.id, Some(200));
        }
        count
    }

    fn tell(&self, what: &str, came: &impl std::fmt::Debug) {
        self.log.borrow_mut().push(format!("{} {what}: {came:?}", self.store.now()));
    }

    /// What instances came to.
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// Messages arrive and the clock ticks, once.
    pub fn turn(&self) {
        self.deliver();
        self.tick();
        self.deliver();
    }

    /// Until nothing goes on by itself.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub fn settle(&self) -> Result<()> {
        for seconds in PAUSES {
            self.pass(TimeDelta::seconds(seconds));
            self.turn();
            let messages = self.control("GET", "notifications", &Value::Null)?;
            let under_way = messages["waiting"].as_array().is_some_and(|all| !all.is_empty());
            if !under_way && self.is_at_rest() {
                return Ok(());
            }
        }
        let log = self.log();
        let last = log.len().saturating_sub(20);
        let picture = self.look();
        anyhow::bail!(
            "it does not come to rest: {:?} {:?} {:?}\n{}",
            picture.works,
            picture.unacknowledged,
            picture.parked,
            log[last..].join("\n")
        )
    }

    /// Nothing goes on by itself.
    pub fn is_at_rest(&self) -> bool {
        let picture = self.look();
        let is_open = |work: &store::sides::OpenWork| work.state == store::WorkState::Open;
        let waits = |parked: &store::Parked| parked.state != store::ParkedState::Quarantined;
        picture.unacknowledged.is_empty()
            && !picture.works.values().any(is_open)
            && !picture.parked.iter().any(waits)
    }

    /// The changes that Google was asked for since this was last called.
    pub fn take_written(&self) -> Vec<Written> {
        self.lines.written.take()
    }

    /// How many calls Google has had.
    pub fn calls(&self) -> u64 {
        self.lines.calls.get()
    }

    /// Calls that took too long take effect.
    pub fn land(&self) {
        let line = Line {
            simulator: Rc::clone(&self.simulator),
            lines: Rc::clone(&self.lines),
        };
        for request in self.lines.late.take() {
            let _answer = line.answer(request);
        }
    }
}

fn trigger(request: &http::Request<bytes::Bytes>) -> Trigger {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    Trigger::Notification(Notification {
        channel: header("x-goog-channel-id"),
        resource: header("x-goog-resource-id"),
        message: header("x-goog-message-number").parse().unwrap_or_default(),
        is_sync: header("x-goog-resource-state") == "sync",
        expires_at: None,
    })
}

/// A row with all fields that a CRM's adapter gives.
fn whole(fields: Value) -> Map<String, Value> {
    let defaults = object(json!({
        "title": null, "description": null, "location": null, "all_day": false,
        "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
        "starts_on": null, "ends_on": null, "time_zone": "UTC", "end_time_zone": null, "recurrence": null,
        "status": "confirmed", "visibility": "default", "transparency": "opaque", "color": null,
        "attendees": [], "reminders": null, "conference": null, "organizer": null, "creator": null,
        "attachments": null, "contact_id": null, "company_id": null, "deal_id": null,
    }));
    defaults.into_iter().chain(object(fields)).collect()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
