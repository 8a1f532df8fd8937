//! One system and those who use it.

use crate::client::{Lines, Written};
use crate::database::Database;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use google_simulator::{Clock, Options, Simulator};
use serde_json::{Map, Value, json};
use std::cell::Cell;
use std::rc::Rc;
use store::memory::MemoryStore;
use store::sides::{Act, Edit, NewAccount, NewChannel, NewConnection, Picture, Statement};
use store::{AccountId, ConnectionId, EventId, Row, UserId};
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
    pub store: Rc<dyn Database>,
    pub(crate) lines: Rc<Lines>,
    pub(crate) ids: Rc<Cell<u128>>,
    pub(crate) requests: Cell<u64>,
}

/// Seconds between the looks at what is left.
const PAUSES: [i64; 14] = [
    0, 1, 5, 10, 30, 60, 120, 600, 1_200, 3_700, 3_700, 7_300, 7_300, 7_300,
];
/// Ann's Google account.
pub const ANN: &str = "ann@example.com";
/// The deployment that stamps name.
pub const INSTANCE: &str = "model";

impl World {
    /// One without people, in memory.
    pub fn new(seed: u64, now: DateTime<Utc>) -> Self {
        Self::on(Rc::new(MemoryStore::new(INSTANCE, seed, now)), seed, now)
    }

    /// The same on another database, whose deployment is [`INSTANCE`].
    pub fn on(store: Rc<dyn Database>, seed: u64, now: DateTime<Utc>) -> Self {
        store.set_now(now);
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
            store,
            lines: Rc::default(),
            ids: Rc::new(Cell::new(u128::from(seed) << 64)),
            requests: Cell::new(0),
        }
    }

    /// One in which Ann's calendar is connected, on a morning in March 2031.
    ///
    /// # Errors
    /// When it does not come to rest.
    pub fn of_ann() -> Result<(Self, Person)> {
        let world = Self::new(1, "2031-03-01T08:00:00Z".parse()?);
        let (ann, _) = world.connect("ann", ANN);
        world.settle()?;
        world.take_written();
        Ok((world, ann))
    }

    /// A fresh id.
    pub fn new_id(&self) -> Uuid {
        next_id(&self.ids)
    }

    /// A user connects the primary calendar of a Google account.
    pub fn connect(&self, user: &str, email: &str) -> (Person, ConnectionId) {
        self.simulator.add_user(email, email, true);
        let person = Person {
            user: UserId(user.to_owned()),
            email: email.to_owned(),
            account: AccountId(self.new_id()),
        };
        self.connect_account(&person);
        let connection = self.connect_calendar(&person, email, "owner", true);
        (person, connection)
    }

    /// A user connects an account, the first time or again.
    pub fn connect_account(&self, person: &Person) {
        self.lines.revoked.borrow_mut().remove(&person.email);
        let mut addresses = self.lines.addresses.borrow_mut();
        addresses.insert(person.account.clone(), person.email.clone());
        self.store.act(&Act::Account(NewAccount {
            user: person.user.clone(),
            id: person.account.clone(),
            refresh_token: person.email.clone(),
            access_token: None,
        }));
    }

    /// A user takes the CRM's access to a Google account back.
    ///
    /// # Errors
    /// What the simulator complains about.
    pub fn revoke(&self, email: &str) -> Result<()> {
        self.lines.revoked.borrow_mut().insert(email.to_owned());
        self.control("POST", &format!("users/{email}/revoke"), &Value::Null)
            .map(drop)
    }

    /// A user connects one more calendar; Google will notify of it.
    pub fn connect_calendar(
        &self,
        person: &Person,
        calendar: &str,
        role: &str,
        is_target: bool,
    ) -> ConnectionId {
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
        let resource = watched
            .ok()
            .and_then(|channel| channel["resourceId"].as_str().map(str::to_owned));
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
    pub fn except(
        &self,
        person: &Person,
        series: &EventId,
        start: &str,
        fields: Value,
    ) -> Result<EventId> {
        let event = EventId(self.new_id());
        self.insert_as(
            &event,
            person,
            fields,
            Some((series.clone(), start.to_owned())),
        )?;
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
            let under_way = messages["waiting"]
                .as_array()
                .is_some_and(|all| !all.is_empty());
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

    /// From now on the log says what instances load and write, too.
    pub fn listen(&self) {
        self.lines.is_told.set(true);
    }

    /// What instances came to.
    pub fn log(&self) -> Vec<String> {
        self.lines.log.borrow().clone()
    }
}

pub(crate) fn next_id(ids: &Cell<u128>) -> Uuid {
    ids.set(ids.get() + 1);
    uuid::Builder::from_random_bytes(ids.get().to_be_bytes()).into_uuid()
}

/// A row with all fields that a CRM's adapter gives.
pub(crate) fn whole(fields: Value) -> Map<String, Value> {
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
