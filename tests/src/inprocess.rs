//! The whole system in one process and on virtual time: the core's handlers, the simulator without a
//! socket, and one real Postgres. Calls can be killed at either side, messages lost and doubled.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use google_simulator::{Clock, Cut, Options, Simulator};
use http::{Method, Request, Response};
use local::postgres::{TestDatabase, test_cluster};
use local::postgrest::jwt;
use serde_json::{Value, json};
use shared::config::Config;
use shared::door::{Door, Transport};
use shared::flow::Env;
use shared::handler::{Reply, connect, poke, scheduler, webhook};
use shared::secret::Random;
use std::cell::{Cell, RefCell};
use std::path::Path;
use tokio_postgres::Client;

/// The CRM user.
pub const ANN: &str = "a0000000-0000-4000-8000-000000000001";
/// Her Google account.
pub const EMAIL: &str = "ann@example.com";
const CLIENT: &str = "client.example.com";
/// Another client of Ann's: Google keeps a hundred refresh tokens for each.
const BROWSER: &str = "browser.example.com";
const APP: &str = "http://localhost:3000";
const JWT_SECRET: &str = "a secret of the CRM, long enough for HS256";

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The instance ends before the call leaves.
    KilledBefore,
    /// The instance ends when the answer is there.
    KilledAfter,
}

/// A system.
pub struct System {
    /// Google.
    pub simulator: Simulator,
    /// The CRM's database, as a superuser.
    pub client: Client,
    config: Config,
    requests: Cell<u8>,
    plan: RefCell<Option<(u32, Fate)>>,
    _database: TestDatabase,
}

impl System {
    /// A fresh one with a connected calendar.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(seed: u64, now: DateTime<Utc>) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let database = test_cluster().await?.migrated(&root).await?;
        let simulator = Simulator::new(Options {
            seed,
            clock: Clock::Fixed(now),
            origin: "http://google.test".to_owned(),
            allow_http_loopback: true,
        });
        simulator.add_user(EMAIL, "Ann", true);
        let callback = format!("{APP}/functions/v1/google-connect/callback");
        simulator.add_client(BROWSER, "browser secret", "browser", &[]);
        simulator.add_client(CLIENT, "client secret", "project", &[&callback]);
        let system = Self {
            simulator,
            client: database.connect().await?,
            config: config()?,
            requests: Cell::new(0),
            plan: RefCell::new(None),
            _database: database,
        };
        system.set_clock().await?;
        system.connect().await?;
        Ok(system)
    }

    /// Moves both clocks.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn advance(&self, by: TimeDelta) -> Result<()> {
        self.simulator.advance(by);
        self.set_clock().await
    }

    /// The next request's call of this number, from 0, ends its instance.
    pub fn kill(&self, call: u32, fate: Fate) {
        *self.plan.borrow_mut() = Some((call, fate));
    }

    /// Takes a plan back that met no call.
    pub fn forgive(&self) {
        *self.plan.borrow_mut() = None;
    }

    /// Pokes for an event; `None` where the instance was killed.
    pub async fn poke(&self, id: &str) -> Option<Reply> {
        let body = json!({"type": "UPDATE", "table": "events", "record": {"id": id}});
        let request = self.signed("/functions/v1/event-update", &body);
        self.run(async |env| poke::handle(request, env).await).await
    }

    /// One tick; `None` where the instance was killed.
    pub async fn tick(&self) -> Option<Reply> {
        let request = self.signed("/functions/v1/scheduler/tick", &json!({}));
        self.run(async |env| scheduler::handle(request, env).await)
            .await
    }

    /// Delivers the notifications that are due, each as often as `times` says; says how many were due.
    pub async fn deliver(&self, mut times: impl FnMut() -> u8) -> usize {
        let due = self.simulator.due_notifications();
        let count = due.len();
        for notification in due {
            let mut status = Some(200);
            for _ in 0..times() {
                let (head, body) = notification.request.clone().into_parts();
                let request = Request::from_parts(head, body);
                let reply = self
                    .run(async |env| webhook::handle(request, env).await)
                    .await;
                status = reply.map(|reply| reply.response.status().as_u16());
            }
            self.simulator.delivered(notification.id, status);
        }
        count
    }

    /// Runs SQL.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn sql(&self, sql: &str) -> Result<()> {
        self.client
            .batch_execute(sql)
            .await
            .with_context(|| sql.to_owned())
    }

    /// One JSON value.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn value(&self, sql: &str) -> Result<Value> {
        let row = self
            .client
            .query_one(&format!("select to_jsonb(({sql}))"), &[])
            .await;
        Ok(row
            .with_context(|| sql.to_owned())?
            .get::<_, Option<Value>>(0)
            .unwrap_or_default())
    }

    /// Calls Google as Ann does in her own client.
    ///
    /// # Errors
    /// When Google refuses.
    pub fn google(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let scope = "https://www.googleapis.com/auth/calendar";
        let token = self
            .simulator
            .token(EMAIL, BROWSER, &[scope])
            .context("token")?;
        let token = token["access_token"].as_str().unwrap_or_default();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("/calendar/v3/calendars/primary/events{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::from(body))?;
        let response = self.simulator.handle(request);
        let status = response.status();
        ensure!(
            status.is_success(),
            "{status} {}",
            String::from_utf8_lossy(response.body())
        );
        Ok(serde_json::from_slice(response.body()).unwrap_or_default())
    }

    async fn set_clock(&self) -> Result<()> {
        let set = format!(
            "insert into tandem.settings values ('clock_offset', extract(epoch from '{}'::timestamptz - clock_timestamp())::text)
             on conflict (key) do update set value = excluded.value",
            self.simulator.now().to_rfc3339()
        );
        self.sql(&set).await
    }

    async fn connect(&self) -> Result<()> {
        let exp = self.simulator.now().timestamp() + 3600;
        let login = jwt::sign(JWT_SECRET, &json!({"sub": ANN, "exp": exp}));
        let start = Request::get(format!("{APP}/functions/v1/google-connect/start"));
        let start = start
            .header("authorization", format!("Bearer {login}"))
            .body(Bytes::new())?;
        let reply = self
            .run(async |env| connect::handle(start, env).await)
            .await
            .context("killed")?;
        let body: Value = serde_json::from_slice(reply.response.body())?;
        let consent = format!(
            "{}&login_hint={EMAIL}",
            body["url"].as_str().context("url")?
        );
        let consented = self
            .simulator
            .handle(Request::get(consent).body(Bytes::new())?);
        let back = consented
            .headers()
            .get("location")
            .context("no redirect")?
            .to_str()?;
        let callback = Request::get(back).body(Bytes::new())?;
        let reply = self
            .run(async |env| connect::handle(callback, env).await)
            .await
            .context("killed")?;
        ensure!(
            reply.response.status() == 200,
            "{:?} {:?}",
            reply.response,
            reply.log
        );
        Ok(())
    }

    fn signed(&self, path: &str, body: &Value) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(body.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().unwrap_or_default();
        request.headers_mut().insert(
            "authorization",
            http::HeaderValue::from_static("Bearer function secret"),
        );
        request
    }

    async fn run(&self, handle: impl AsyncFnOnce(&Env<'_, Calls<'_>>) -> Reply) -> Option<Reply> {
        self.requests.set(self.requests.get().wrapping_add(1));
        let mut seed = [0; 32];
        seed[0] = self.requests.get();
        let random = Random::new(seed);
        let door = Calls {
            system: self,
            made: Cell::new(0),
            killed: tokio::sync::Notify::new(),
        };
        let clock = || self.simulator.now();
        let env = Env {
            door: &door,
            config: &self.config,
            random: &random,
            clock: &clock,
        };
        tokio::select! {
            reply = handle(&env) => Some(reply),
            () = door.killed.notified() => None,
        }
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Transport> {
        if request.uri().host() != Some("db.test") {
            let response = self.simulator.handle(request);
            return match response.extensions().get::<Cut>() {
                Some(_) => Err(Transport::NoAnswer("cut".to_owned())),
                None => Ok(response),
            };
        }
        let call: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let query = call["query"].as_str().unwrap_or_default();
        let query = query.replace("($1::jsonb)", "($1::text::jsonb)::text");
        let parameter = call["params"][0].as_str().unwrap_or_default();
        let (status, body) = match self.client.query_one(&query, &[&parameter]).await {
            Ok(row) => (200, json!({"rows": [[row.get::<_, String>(0)]]})),
            Err(error) => {
                let said = error.as_db_error();
                let code = said.map(|said| said.code().code().to_owned());
                (400, json!({"code": code, "message": error.to_string()}))
            }
        };
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        Ok(response)
    }
}

/// The door of one instance.
struct Calls<'a> {
    system: &'a System,
    made: Cell<u32>,
    killed: tokio::sync::Notify,
}

impl Door for Calls<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Transport> {
        let number = self.made.get();
        self.made.set(number + 1);
        let fate = self
            .system
            .plan
            .borrow_mut()
            .take_if(|(at, _)| *at == number);
        let fate = fate.map(|(_, fate)| fate);
        if fate == Some(Fate::KilledBefore) {
            return self.end().await;
        }
        let answer = self.system.answer(request).await;
        if fate == Some(Fate::KilledAfter) {
            return self.end().await;
        }
        answer
    }
}

impl Calls<'_> {
    async fn end(&self) -> Result<Response<Bytes>, Transport> {
        self.killed.notify_one();
        std::future::pending().await
    }
}

fn config() -> Result<Config> {
    let config = Config::read(|name| {
        let value = match name {
            "db_driver" => "neon",
            "db_origin" => "http://db.test",
            "db_path" => "/sql",
            "google_api_origin" | "google_oauth_origin" | "google_accounts_origin" => {
                "http://google.test"
            }
            "google_client_id" => CLIENT,
            "google_client_secret" => "client secret",
            "app_url" => APP,
            "function_secret" => "function secret",
            "token_keys" => "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "signing_key" => "signing key",
            "jwt_secret" => JWT_SECRET,
            _ => return None,
        };
        Some(value.to_owned())
    });
    Ok(config?)
}
