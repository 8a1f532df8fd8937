//! The local stack: Postgres behind HTTP, the Google simulator, the relay, the components' host and a
//! clock, started together and wired as in production.

pub mod calls;
pub mod database;
mod google;
pub mod people;
pub mod sides;

use crate::host::{Host, HostOptions, Log, Manifest, Observer, Running};
use crate::http::Http;
use crate::postgrest::jwt;
use crate::relay::{Relay, RelayOptions};
use crate::{cache, toolchain};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calls::{Both, Calls};
use database::{Data, Database, Driver};
use google_simulator::Simulator;
use http::Method;
use people::Person;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The components, by package.
pub const COMPONENTS: [&str; 5] = [
    "events",
    "google-webhook",
    "google-connect",
    "scheduler",
    "console",
];

/// How a stack starts.
pub struct StackOptions {
    /// The project's folder.
    pub root: PathBuf,
    /// How components reach the database.
    pub driver: Driver,
    /// Where the data is.
    pub data: Data,
    /// Ports of the application, the simulator and the database's front end; 0 is any free one.
    pub ports: [u16; 3],
    /// How often the scheduler is called; never if none.
    pub clock: Option<Duration>,
    /// Secrets that stay the same between starts.
    pub secrets: Secrets,
    /// Where the components' lines go.
    pub log: Log,
}

/// What a test changes about a stack.
#[derive(Default)]
pub struct Extras {
    /// Variables of the application, in place of the stack's own values.
    pub variables: BTreeMap<String, String>,
    /// Watches the components too, and may end their instances.
    pub observer: Option<Arc<dyn Observer>>,
}

/// The deployment's secrets.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Secrets {
    /// For pokes and the scheduler.
    pub function_secret: String,
    /// For what an operator has done about a user.
    pub operator_secret: String,
    /// Seals tokens.
    pub token_keys: String,
    /// Signs channels and states.
    pub signing_key: String,
    /// Of the CRM's logins.
    pub jwt_secret: String,
}

impl Secrets {
    /// New ones.
    pub fn new() -> Self {
        let text = || uuid::Uuid::new_v4().simple().to_string();
        let bytes = [
            *uuid::Uuid::new_v4().as_bytes(),
            *uuid::Uuid::new_v4().as_bytes(),
        ]
        .concat();
        Self {
            function_secret: text(),
            operator_secret: text(),
            token_keys: format!("k1:{}", STANDARD.encode(bytes)),
            signing_key: text(),
            jwt_secret: format!("{}{}", text(), text()),
        }
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

/// A running stack. Dropping it stops everything.
pub struct Stack {
    /// The application's URL.
    pub app: String,
    /// The simulator's URL.
    pub google: String,
    /// The simulator itself.
    pub simulator: Simulator,
    /// Postgres and what answers HTTP before it.
    pub database: Database,
    /// Posts what triggers queue.
    pub relay: Relay,
    /// The requests that components sent.
    pub calls: Arc<Calls>,
    /// The demo users.
    pub people: Vec<Person>,
    /// Of this stack alone.
    pub secrets: Secrets,
    /// For calls to the stack.
    pub http: Http,
    google_state: Option<PathBuf>,
    host: Option<Running>,
    tasks: Vec<JoinHandle<()>>,
}

impl Stack {
    /// Starts everything. Nothing is connected yet.
    ///
    /// # Errors
    /// When one of the parts does not start; the text says what to do.
    pub async fn start(options: StackOptions, progress: &dyn Fn(&str)) -> Result<Self> {
        Self::start_with(options, Extras::default(), progress).await
    }

    /// [`Stack::start`], with a test's changes.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn start_with(
        options: StackOptions,
        extras: Extras,
        progress: &dyn Fn(&str),
    ) -> Result<Self> {
        let [app_port, google_port, database_port] = options.ports;
        let (app_listener, google_listener) = (bind(app_port).await?, bind(google_port).await?);
        let (app, google) = (url(&app_listener)?, url(&google_listener)?);
        let secrets = options.secrets;
        let migrations = options.root.join("migrations");
        let front = bind(database_port).await?;
        let (driver, data) = (options.driver, &options.data);
        let jwt_secret = &secrets.jwt_secret;
        let database =
            Database::start(driver, data, &migrations, front, jwt_secret, progress).await?;
        let google_state = match &options.data {
            Data::Kept(folder, _) => Some(folder.with_file_name("google.json")),
            Data::Fresh => None,
        };
        let (simulator, mut tasks) =
            google::start(google_listener, &google, google_state.as_deref())?;
        let calls = Arc::new(Calls::default());
        calls.set_google(google.trim_start_matches("http://"));
        let listen = app_listener.local_addr()?;
        drop(app_listener);
        let people = people::demo(&secrets.jwt_secret, now());
        let mut variables = variables(&database, &google, &app, &secrets, &people);
        variables.extend(extras.variables);
        let manifest = Manifest::load(options.root.join("spin.toml"))?;
        let host = Host::start(HostOptions {
            variables,
            listen,
            log: options.log,
            cache_dir: Some(cache::dir()?.join("compiled")),
            observer: Some(Arc::new(Both(calls.clone(), extras.observer))),
            ..HostOptions::new(manifest, &options.root)
        })
        .await?;
        let relay = Relay::start(&database.url, RelayOptions::default()).await?;
        let http = Http::default();
        let callback = format!("{app}/functions/v1/google-connect/callback");
        people::introduce(&http, &google, &people, &callback).await?;
        if let Some(period) = options.clock {
            let secret = secrets.function_secret.clone();
            let ticking = tick_for_ever(http.clone(), app.clone(), secret, period);
            tasks.push(tokio::spawn(ticking));
        }
        Ok(Self {
            app,
            google,
            simulator,
            database,
            relay,
            calls,
            people,
            secrets,
            http,
            google_state,
            host: Some(host),
            tasks,
        })
    }

    /// Calls the scheduler once.
    ///
    /// # Errors
    /// When it does not answer with 200.
    pub async fn tick(&self) -> Result<Value> {
        tick(&self.http, &self.app, &self.secrets.function_secret).await
    }

    /// Connects a demo user's calendar.
    ///
    /// # Errors
    /// When one of the steps is refused.
    pub async fn connect(&self, person: usize) -> Result<Value> {
        let person = self.people.get(person).context("no such demo user")?;
        people::connect(&self.http, &self.app, person).await
    }

    /// What scripts need to know.
    pub fn describe(&self) -> Value {
        json!({
            "app_url": self.app,
            "google_url": self.google,
            "database_url": self.database.url,
            "database_http_url": self.database.front,
            "function_secret": self.secrets.function_secret,
            "jwt_secret": self.secrets.jwt_secret,
            "service_role_jwt": jwt::for_role(&self.secrets.jwt_secret, "service_role"),
            "users": self.people,
        })
    }

    /// Ends requests under way, then everything.
    pub async fn stop(mut self) {
        for task in &self.tasks {
            task.abort();
        }
        if let Some(host) = self.host.take() {
            host.stop().await;
        }
        if let Some(path) = &self.google_state {
            // What the last second changed is lost where the folder cannot be written.
            let _written = google::write(path, &self.simulator.save());
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "demo logins expire a year from now"
)]
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or_default())
}

/// Makes sure of the target and builds all components.
///
/// # Errors
/// When a tool is missing or a component does not compile.
pub fn build(root: &Path, progress: &dyn Fn(&str)) -> Result<()> {
    let toolchain = toolchain::ensure(progress)?;
    toolchain::build_components(root, &toolchain, &COMPONENTS, progress)?;
    Ok(())
}

async fn bind(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.with_context(|| {
        format!("port {port} is taken: stop the other program, or start with other ports (--help)")
    })
}

fn url(listener: &TcpListener) -> Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn variables(
    database: &Database,
    google: &str,
    app: &str,
    secrets: &Secrets,
    people: &[Person],
) -> BTreeMap<String, String> {
    let mut variables = database.variables.clone();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());
    set("google_api_origin", google);
    set("google_oauth_origin", google);
    set("google_accounts_origin", google);
    set("google_client_id", people::CLIENT.0);
    set("google_client_secret", people::CLIENT.1);
    set("app_url", app);
    set("function_secret", &secrets.function_secret);
    set("operator_secret", &secrets.operator_secret);
    set("token_keys", &secrets.token_keys);
    set("signing_key", &secrets.signing_key);
    set("jwt_secret", &secrets.jwt_secret);
    set("demo_users", &people::logins(people));
    set("google_simulator", google);
    variables
}

async fn tick(http: &Http, app: &str, secret: &str) -> Result<Value> {
    let url = format!("{app}/functions/v1/scheduler/tick");
    let (status, answer) = http
        .json(Method::POST, &url, Some(secret), &json!({}))
        .await?;
    anyhow::ensure!(status == 200, "the scheduler answered {status}: {answer}");
    Ok(answer)
}

async fn tick_for_ever(http: Http, app: String, secret: String, period: Duration) {
    loop {
        // A tick that fails is in the scheduler's log; the next one does its work.
        let _report = tick(&http, &app, &secret).await;
        tokio::time::sleep(period).await;
    }
}
