//! The whole system in one process and on virtual time: the core's handlers, the simulator without a
//! socket, and one real Postgres. Instances can end, stand still or time out at any of their calls,
//! and messages can be lost and doubled.

mod browser;
mod client;
mod config;
mod console;
mod database;
mod people;

pub use browser::{Opened, Question, Ticket};
pub use client::Written;
pub use console::Answer;
pub use database::Database;
pub use model::Fate;
pub use people::Person;

use anyhow::Result;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use client::{At, Calls};
use config::{Variables, config};
use futures::future::LocalBoxFuture;
use google_simulator::{Clock, Options, Simulator};
use http::{Method, Request};
use serde_json::{Value, json};
use shared::config::Config;
use shared::flow::Env;
use shared::handler::observe::{MeteredClient, observed};
use shared::handler::{Reply, poke, scheduler, webhook};
use shared::secret::Random;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use tokio::sync::Notify;

/// The CRM user of [`System::start`].
pub const ANN: &str = "a0000000-0000-4000-8000-000000000001";
/// Her Google account.
pub const EMAIL: &str = "ann@example.com";
const CLIENT: &str = "client.example.com";
/// A client of the people's own: Google keeps a hundred refresh tokens for each.
const BROWSER: &str = "browser.example.com";
const APP: &str = "http://localhost:3000";
/// What callers of the functions show.
pub const FUNCTION_SECRET: &str = "the secret of whoever calls functions";
/// What an operator shows for what is about a user.
pub const OPERATOR_SECRET: &str = "the secret of who may ask about users";
const JWT_SECRET: &str = "a secret of the CRM, long enough for HS256";

/// The handlers in this process, with a database and the simulated Google.
pub struct System {
    /// Google.
    pub simulator: Simulator,
    /// The CRM's database.
    pub database: Database,
    config: Config,
    variables: Variables,
    log: RefCell<Vec<String>>,
    requests: Cell<u64>,
    calls: Cell<u64>,
    /// Calls of its own scheduler: the ticks themselves are the test's.
    ticks_called: RefCell<Vec<Request<Bytes>>>,
    published: RefCell<Published>,
    pace: Cell<TimeDelta>,
    killed: Cell<u64>,
    plan: RefCell<Option<(At, Fate)>>,
    written: RefCell<Vec<Written>>,
    late: RefCell<Vec<Request<Bytes>>>,
    /// An instance has come to stand still.
    stands: Notify,
    /// What sets those that do going again, in their order.
    releases: RefCell<Vec<Rc<Notify>>>,
}

/// The keys of the CRM's logins.
#[derive(Debug, Default)]
struct Published {
    answer: Option<(u16, String)>,
    asked: u64,
}

/// An instance at work; none where it is killed.
pub type Instance<'a> = LocalBoxFuture<'a, Option<Reply>>;

impl System {
    /// A fresh one with a connected calendar.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(seed: u64, now: DateTime<Utc>) -> Result<Self> {
        let system = Self::on(Database::new().await?, seed, now).await?;
        let (id, email) = (ANN.to_owned(), EMAIL.to_owned());
        system.connect(&Person { id, email }).await?;
        Ok(system)
    }

    /// One on a database that has been cleared, without people.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn on(database: Database, seed: u64, now: DateTime<Utc>) -> Result<Self> {
        let simulator = Simulator::new(Options {
            seed,
            clock: Clock::Fixed(now),
            origin: "http://google.localhost".to_owned(),
            allow_http_loopback: true,
        });
        let callback = format!("{APP}/functions/v1/google-connect/callback");
        simulator.add_client(BROWSER, "browser secret", "browser", &[]);
        simulator.add_client(CLIENT, "client secret", "project", &[&callback]);
        let system = Self {
            simulator,
            database,
            config: config(&Variables::new())?,
            variables: Variables::new(),
            log: RefCell::default(),
            requests: Cell::new(0),
            ticks_called: RefCell::default(),
            calls: Cell::new(0),
            published: RefCell::default(),
            pace: Cell::default(),
            killed: Cell::new(0),
            plan: RefCell::new(None),
            written: RefCell::default(),
            late: RefCell::default(),
            stands: Notify::new(),
            releases: RefCell::default(),
        };
        system.set_clock().await?;
        Ok(system)
    }

    /// The deployment that all calls name.
    pub fn instance(&self) -> &str {
        self.config.instance()
    }

    /// Ticks that a tick has called since this was asked last.
    pub fn take_ticks_called(&self) -> Vec<Request<Bytes>> {
        self.ticks_called.take()
    }

    /// Moves both clocks.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn advance(&self, by: TimeDelta) -> Result<()> {
        self.simulator.advance(by);
        self.set_clock().await
    }

    /// How long each call of Google takes from now on.
    pub fn set_pace(&self, pace: TimeDelta) {
        self.pace.set(pace);
    }

    /// Gives a variable of the deployment another value.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn set(&mut self, name: &'static str, value: &str) -> Result<()> {
        self.variables.insert(name, value.to_owned());
        self.config = config(&self.variables)?;
        Ok(())
    }

    /// What was logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }

    /// What the CRM answers from now on to who asks for the keys of its logins; nothing at all for `None`.
    pub fn publish(&self, answer: Option<(u16, &Value)>) {
        self.published.borrow_mut().answer =
            answer.map(|(status, body)| (status, body.to_string()));
    }

    /// How often the CRM was asked for them.
    pub fn asked_for_keys(&self) -> u64 {
        self.published.borrow().asked
    }

    /// The next request's call of this number, from 0, meets this fate.
    pub fn kill(&self, call: u32, fate: Fate) {
        *self.plan.borrow_mut() = Some((At::Number(call), fate));
    }

    /// The next call of this function of the database, or to this method and path of Google's, meets
    /// this fate.
    pub fn kill_at(&self, call: &str, fate: Fate) {
        self.kill_after(0, call, fate);
    }

    /// The same after so many other calls of that name.
    pub fn kill_after(&self, skip: u32, call: &str, fate: Fate) {
        *self.plan.borrow_mut() = Some((At::Named(skip, call.to_owned()), fate));
    }

    /// Takes a plan back that met no call.
    pub fn forgive(&self) {
        *self.plan.borrow_mut() = None;
    }

    /// How many instances were killed.
    pub fn killed(&self) -> u64 {
        self.killed.get()
    }

    /// How many calls were made.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// The changes that Google was asked for since this was last called.
    pub fn take_written(&self) -> Vec<Written> {
        self.written.borrow_mut().drain(..).collect()
    }

    /// Pokes for an event; `None` where the instance was killed.
    pub async fn poke(&self, id: &str) -> Option<Reply> {
        self.poking(id).await
    }

    /// An instance that is poked for an event.
    pub fn poking(&self, id: &str) -> Instance<'_> {
        let body = json!({"type": "UPDATE", "table": "events", "record": {"id": id}});
        let request = signed("/functions/v1/event-update", &body);
        Box::pin(self.run(request, async |request, env| {
            poke::handle(request, env).await
        }))
    }

    /// One tick; `None` where the instance was killed.
    pub async fn tick(&self) -> Option<Reply> {
        self.ticking().await
    }

    /// An instance that the clock calls.
    pub fn ticking(&self) -> Instance<'_> {
        self.ticked_by(signed("/functions/v1/scheduler/tick", &json!({})))
    }

    /// An instance of the scheduler that answers a request.
    pub fn ticked_by(&self, request: Request<Bytes>) -> Instance<'_> {
        Box::pin(self.run(request, async |request, env| {
            scheduler::handle(request, env).await
        }))
    }

    /// An instance that Google notifies.
    pub fn notifying(&self, request: Request<Bytes>) -> Instance<'_> {
        Box::pin(self.run(request, async |request, env| {
            webhook::handle(request, env).await
        }))
    }

    /// Delivers the notifications that are due, each as often as `times` says; says how many were due.
    pub async fn deliver(&self, mut times: impl FnMut() -> u8) -> usize {
        let due = self.simulator.due_notifications();
        let count = due.len();
        for notification in due {
            let mut status = Some(200);
            for _ in 0..times() {
                let reply = self.notifying(notification.request.clone()).await;
                status = reply.map(|reply| reply.response.status().as_u16());
            }
            self.simulator.delivered(notification.id, status);
        }
        count
    }

    /// Lets an instance work until it is done, or until it stands still; then it is handed back.
    ///
    /// # Errors
    /// The instance, where it stands still.
    pub async fn work<'a>(
        &'a self,
        mut instance: Instance<'a>,
    ) -> Result<Option<Reply>, Instance<'a>> {
        tokio::select! {
            biased;
            reply = &mut instance => Ok(reply),
            () = self.stands.notified() => Err(instance),
        }
    }

    /// Sets the instance going that has stood still for the longest time.
    pub fn release(&self) {
        let mut releases = self.releases.borrow_mut();
        if !releases.is_empty() {
            releases.remove(0).notify_one();
        }
    }

    /// Runs SQL.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn sql(&self, sql: &str) -> Result<()> {
        self.database.sql(sql).await
    }

    /// One JSON value.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn value(&self, sql: &str) -> Result<Value> {
        self.database.value(sql, &[]).await
    }

    /// Calls Google's events as Ann does in her own client.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn google(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.google_as(
            EMAIL,
            method,
            &format!("calendars/primary/events{path}"),
            body,
        )
    }

    async fn set_clock(&self) -> Result<()> {
        let set = "insert into tandem.settings values ('clock_offset', extract(epoch from $1::text::timestamptz - clock_timestamp())::text)
             on conflict (key) do update set value = excluded.value";
        let now = self.simulator.now().to_rfc3339();
        self.database.execute(set, &[&now]).await.map(drop)
    }

    /// Time passes while an instance is at work: the database's does not go back, however slow the
    /// machine is.
    async fn pass(&self, time: TimeDelta) -> Result<()> {
        self.simulator.advance(time);
        let set = "update tandem.settings set value = greatest(value::double precision, extract(epoch from $1::text::timestamptz - clock_timestamp()))::text
             where key = 'clock_offset'";
        let now = self.simulator.now().to_rfc3339();
        self.database.execute(set, &[&now]).await.map(drop)
    }

    async fn run(
        &self,
        request: Request<Bytes>,
        handle: impl AsyncFnOnce(Request<Bytes>, &Env<'_, MeteredClient<&Calls<'_>>>) -> Reply,
    ) -> Option<Reply> {
        self.requests.set(self.requests.get() + 1);
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.requests.get().to_be_bytes());
        let random = Random::new(seed);
        let client = Calls::new(self);
        let clock = || self.simulator.now();
        let config = &self.config;
        let answered = observed(request, &client, config, &random, &clock, handle);
        // The compiler refuses futures that are nested as deep as a story with an instance in it.
        let answered = Box::pin(answered);
        let reply = tokio::select! {
            reply = answered => Some(reply),
            () = client.killed.notified() => None,
        };
        let lines = reply.iter().flat_map(|reply| &reply.log).cloned();
        self.log.borrow_mut().extend(lines);
        reply
    }
}

fn signed(path: &str, body: &Value) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body.to_string()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().unwrap_or_default();
    let secret = http::HeaderValue::from_static("Bearer the secret of whoever calls functions");
    request.headers_mut().insert("authorization", secret);
    request
}
