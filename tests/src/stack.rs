//! Whole stacks for tests: one for each, on free ports, with a fresh database.

mod crash;
mod gate;

pub use crash::Crash;
pub use gate::Gate;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Method, Request, Response};
use local::host::Log;
use local::stack::database::{Data, Driver};
use local::stack::sides::{Crm, Google};
use local::stack::{Extras, Secrets, Stack, StackOptions, build, people};
use local::{cache, page, smoke};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long a build by another process may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a test wants of its stack.
pub struct Setup {
    /// How components reach the database.
    pub driver: Driver,
    /// Variables of the application, in place of the stack's own values.
    pub variables: BTreeMap<String, String>,
    /// Whether the first demo user's calendar is connected.
    pub connected: bool,
}

impl Setup {
    /// A connected stack as in production.
    pub fn new(driver: Driver) -> Self {
        Self {
            driver,
            variables: BTreeMap::new(),
            connected: true,
        }
    }

    /// With another value of a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With no calendar connected.
    #[must_use]
    pub fn unconnected(mut self) -> Self {
        self.connected = false;
        self
    }
}

/// A running stack with what a test sees of it and does to it.
pub struct World {
    world: smoke::World,
    /// Ends instances.
    pub crash: Arc<Crash>,
    /// The way of the components to the database.
    pub gate: Gate,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Deref for World {
    type Target = smoke::World;

    fn deref(&self) -> &smoke::World {
        &self.world
    }
}

/// A connected stack.
///
/// # Errors
/// When a component does not build or a part does not start.
pub async fn world(driver: Driver) -> Result<World> {
    start(Setup::new(driver)).await
}

/// A stack as wanted.
///
/// # Errors
/// When a component does not build or a part does not start.
pub async fn start(setup: Setup) -> Result<World> {
    built().await?;
    let (crash, gate) = (Arc::new(Crash::default()), Gate::new().await?);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let on_line: local::host::OnLine =
        Arc::new(move |component, _, line| lock(&kept).push(format!("{component}: {line}")));
    let options = StackOptions {
        root: root(),
        driver: setup.driver,
        data: Data::Fresh,
        ports: [0; 3],
        clock: None,
        secrets: Secrets::new(),
        log: Log {
            dir: None,
            on_line: Some(on_line),
        },
    };
    let mut variables = BTreeMap::from([("db_origin".to_owned(), gate.url())]);
    variables.extend(setup.variables);
    let extras = Extras {
        variables,
        observer: Some(crash.clone()),
    };
    let stack = Stack::start_with(options, extras, &|_| {}).await?;
    gate.open(&stack.database.front)?;
    if setup.connected {
        stack.tick().await?;
        stack.connect(0).await?;
    }
    let crm = Crm::of(&stack).await?;
    let google = Google::of(&stack, 0).await?;
    let ann = stack.people.first().context("Ann")?.id.clone();
    let world = smoke::World {
        stack,
        crm,
        google,
        ann,
    };
    world.rest().await?;
    world.stack.calls.reset();
    Ok(World {
        world,
        crash,
        gate,
        lines,
    })
}

impl World {
    /// Calls a function; `headers` are name and value.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/functions/v1/{path}", self.stack.app));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.stack.http.send(request.body(body.into())?).await
    }

    /// Pokes a function about an event, with the function secret; answers the status and the body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn poke(&self, function: &str, id: &str) -> Result<(u16, Value)> {
        let url = format!("{}/functions/v1/{function}", self.stack.app);
        let secret = &self.stack.secrets.function_secret;
        self.stack
            .http
            .json(Method::POST, &url, Some(secret), &poke_body(function, id))
            .await
    }

    /// Lets the database's time pass.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn pass(&self, seconds: u32) -> Result<()> {
        let sql = format!(
            "insert into tandem.settings as s values ('clock_offset', '{seconds}')
             on conflict (key) do update set value = (s.value::float8 + {seconds})::text"
        );
        self.crm.run(&sql).await
    }

    /// What the components wrote to their logs, and the host about them.
    pub fn log(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// The one live Google event of a row.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn google_event(&self, row: &str) -> Result<Value> {
        let mut found = self.google.of_row(row).await?;
        ensure!(
            found.len() == 1,
            "expected one event in Google, found {found:?}"
        );
        found.pop().context("one")
    }

    /// The row's open work; `Null` if there is none.
    ///
    /// # Errors
    /// As Postgres says.
    pub async fn work(&self, row: &str) -> Result<Value> {
        let sql = format!(
            "select to_jsonb(w) || jsonb_build_object('later', w.at > tandem.clock()) from tandem.work w where root = '{row}'"
        );
        self.crm.value(&sql).await
    }

    /// Lets the clock tick a few times, a minute apart, so that leases end and what was put off is
    /// due, then checks as [`World::settled`].
    ///
    /// # Errors
    /// As [`World::settled`].
    pub async fn caught_up(&self) -> Result<()> {
        for _ in 0..4 {
            let patience = Duration::from_secs(40);
            self.stack.relay.wait_until_idle(patience).await?;
            self.stack.tick().await?;
            self.pass(61).await?;
        }
        self.settled().await
    }

    /// Waits for rest, then checks that nothing is left to do and that both sides hold the same titles.
    ///
    /// # Errors
    /// What is left, or how the sides differ.
    pub async fn settled(&self) -> Result<()> {
        if let Err(error) = self.rest().await {
            let left =
                "select jsonb_build_array(tandem.clock(), (select jsonb_agg(w) from tandem.work w),
                (select jsonb_agg(c) from tandem.connections c))";
            bail!(
                "{error:#}; left: {}; log: {:?}",
                self.crm.value(left).await?,
                self.log()
            );
        }
        for table in [
            "work",
            "changes",
            "open_changes",
            "attempts",
            "parked",
            "writing",
        ] {
            let left = self
                .crm
                .value(&format!("select count(*) from tandem.{table}"))
                .await?;
            ensure!(left == 0, "{left} rows are left in tandem.{table}");
        }
        self.check_secrets(&self.log().join("\n"))?;
        let titles = "select coalesce(jsonb_agg(title order by title), '[]') from public.events where sync_state = 'synced'";
        let rows = self.crm.value(titles).await?;
        let mut events: Vec<String> = self
            .google
            .list()
            .await?
            .iter()
            .map(|event| event["summary"].as_str().unwrap_or_default().to_owned())
            .collect();
        events.sort();
        ensure!(
            rows == json!(events),
            "the CRM has {rows}, Google has {events:?}"
        );
        Ok(())
    }

    /// Fails where a text shows what only the deployment, its database or Google knows.
    ///
    /// # Errors
    /// The text.
    pub fn check_secrets(&self, text: &str) -> Result<()> {
        let secrets = &self.stack.secrets;
        let key = secrets
            .token_keys
            .split_once(':')
            .map_or("", |(_, key)| key);
        let known = [
            &secrets.function_secret,
            &secrets.signing_key,
            &secrets.jwt_secret,
            key,
            people::CLIENT.1,
        ];
        // Google's access and refresh tokens, and connection strings, begin so.
        for secret in known.into_iter().chain(["ya29.", "1//", "postgres://"]) {
            ensure!(!text.contains(secret), "a secret shows in: {text}");
        }
        Ok(())
    }

    /// Outbound calls of each request that a component answered since the calls were reset, by its
    /// name, in order.
    pub fn calls_by_request(&self) -> Vec<(String, Vec<String>)> {
        let (made, _) = self.stack.calls.take();
        let mut requests: BTreeMap<u64, (String, Vec<String>)> = BTreeMap::new();
        for call in made {
            let entry = requests
                .entry(call.request)
                .or_insert_with(|| (call.component.clone(), Vec::new()));
            entry.1.push(call.what);
        }
        requests.into_values().collect()
    }
}

/// The body of the poke that a trigger sends to a function.
pub fn poke_body(function: &str, id: &str) -> Value {
    let kind = function.trim_start_matches("event-");
    let (kind, record, old_record) = match kind {
        "create" => ("INSERT", json!({"id": id}), Value::Null),
        "update" => ("UPDATE", json!({"id": id}), json!({"id": id})),
        _ => ("DELETE", Value::Null, json!({"id": id})),
    };
    json!({"type": kind, "schema": "public", "table": "events", "record": record, "old_record": old_record})
}

/// A timed event, as the CRM writes it.
pub fn timed(title: &str) -> Value {
    json!({"title": title, "starts_at": "2031-03-03T09:00:00Z", "ends_at": "2031-03-03T10:00:00Z", "time_zone": "Europe/Berlin"})
}

/// A timed event, as a Google user makes it.
pub fn google_timed(title: &str) -> Value {
    json!({"summary": title, "start": {"dateTime": "2031-04-04T12:00:00+02:00", "timeZone": "Europe/Berlin"},
        "end": {"dateTime": "2031-04-04T13:00:00+02:00", "timeZone": "Europe/Berlin"}})
}

/// The project's folder.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

async fn built() -> Result<()> {
    static BUILT: OnceCell<()> = OnceCell::const_new();
    let build = async || {
        let _lock = cache::lock(&cache::dir()?.join("components.lock"), PATIENCE).await?;
        page::build(&root(), &|_| {}).await?;
        tokio::task::spawn_blocking(|| build(&root(), &|_| {})).await?
    };
    BUILT.get_or_try_init(build).await.copied()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
