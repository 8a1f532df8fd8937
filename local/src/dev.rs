//! `cargo dev`: the product on the local stack, for a person.

use crate::host::Log;
use crate::page;
use crate::postgres::Cluster;
use crate::record::replay::{cases as recorded, is_recording};
use crate::stack::database::{Data, Driver};
use crate::stack::sides::Crm;
use crate::stack::{Secrets, Stack, StackOptions, build};
use anyhow::{Context, Result, anyhow};
use google_simulator::{Options as GoogleOptions, Simulator};
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;

/// How `cargo dev` runs.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How components reach the database.
    #[arg(long, value_enum, default_value = "neon")]
    driver: Driver,
    /// Delete the data of earlier runs first.
    #[arg(long)]
    reset: bool,
    /// The application's port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The Google simulator's port.
    #[arg(long, default_value_t = 8086)]
    google_port: u16,
    /// The port of the database's HTTP front end.
    #[arg(long, default_value_t = 4444)]
    database_http_port: u16,
    /// Postgres's port.
    #[arg(long, default_value_t = 54329)]
    database_port: u16,
}

/// Starts everything, says where it is, and stops it all on Ctrl-C.
///
/// # Errors
/// When a part does not start; the text says what to do.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    let home = root.join(".local");
    if options.reset {
        say("deleting the data of earlier runs");
        Cluster::reset(&home.join("postgres")).await?;
        match fs::remove_dir_all(&home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("delete the folder .local by hand");
            }
            Ok(()) | Err(_) => {}
        }
    }
    fs::create_dir_all(&home).context("make the project's folder writable")?;
    page::build(root, say).await?;
    build(root, say)?;
    let stack_options = StackOptions {
        root: root.to_owned(),
        driver: options.driver,
        data: Data::Kept(home.join("postgres"), Some(options.database_port)),
        ports: [
            options.port,
            options.google_port,
            options.database_http_port,
        ],
        clock: Some(Duration::from_secs(2)),
        secrets: secrets(&home.join("secrets.json"))?,
        log: Log {
            dir: Some(home.join("logs")),
            on_line: None,
        },
    };
    let stack = Stack::start(stack_options, say).await?;
    let crm = Crm::of(&stack).await?;
    // The data is this stack's own, whatever ports it ran on before.
    crm.run(&format!(
        "update tandem.settings set value = '{}' where key = 'instance'",
        stack.app
    ))
    .await?;
    stack.tick().await?;
    if crm
        .value("select count(*) from tandem.accounts where state = 'active'")
        .await?
        == 0
    {
        stack
            .connect(0)
            .await
            .context("Ann's calendar was not connected")?;
    }
    fs::write(
        home.join("stack.json"),
        serde_json::to_vec_pretty(&stack.describe())?,
    )?;
    welcome(&stack, say);
    until_stopped().await?;
    say("stopping");
    stack.stop().await;
    Ok(())
}

/// Returns on Ctrl-C, or when the process is to end.
pub(crate) async fn until_stopped() -> Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        _ = terminated.recv() => Ok(()),
    }
}

/// Runs the Google simulator alone.
///
/// # Errors
/// When the port is taken, or a file has a mistake.
pub async fn google(
    port: u16,
    seed: Option<&Path>,
    replay: Option<&Path>,
    say: &dyn Fn(&str),
) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener
        .with_context(|| format!("port {port} is taken: choose another one with --port"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let simulator = Simulator::new(GoogleOptions {
        origin: origin.clone(),
        allow_http_loopback: true,
        ..GoogleOptions::default()
    });
    if let Some(path) = seed {
        simulator
            .seed(&text(path)?)
            .map_err(|why| anyhow!("{}: {why}", path.display()))?;
    }
    if let Some(path) = replay {
        let mut cases = text(path)?;
        if is_recording(&cases) {
            cases = recorded(&cases)?.to_string();
        }
        let ids = simulator
            .replay(&cases)
            .map_err(|why| anyhow!("{}: {why}", path.display()))?;
        say(&format!("replayed {ids}"));
    }
    say(&format!(
        "Google simulator at {origin}; its control API is below {origin}/_sim/, see local/google/README.md"
    ));
    tokio::select! {
        ended = google_simulator::server::serve(simulator, listener) => Ok(ended?),
        stopped = until_stopped() => stopped,
    }
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// The secrets of earlier runs, or new ones.
fn secrets(path: &Path) -> Result<Secrets> {
    if let Ok(text) = fs::read_to_string(path) {
        return serde_json::from_str(&text).with_context(|| {
            format!(
                "delete {}, or start with --reset: it cannot be read",
                path.display()
            )
        });
    }
    let secrets = Secrets::new();
    fs::write(path, serde_json::to_vec_pretty(&secrets)?)?;
    Ok(secrets)
}

fn welcome(stack: &Stack, say: &dyn Fn(&str)) {
    let Some(ann) = stack.people.first() else {
        return;
    };
    say(&format!("
Tandem is running.
  application      {}
  Google simulator {}
  database         {}
  everything else  .local/stack.json, .local/logs/

Ann's calendar is connected. Try:
  1. the page, in two windows: Ann's events at {}/ and her Google at {}/
  2. an event that the CRM makes, which appears in both within a second:
     cargo tandem sql \"insert into events (owner_id, title, starts_at, ends_at) values ('{}', 'Hello', now() + interval '1 hour', now() + interval '2 hours')\"
  3. every step of the round trip, on a stack of its own:
     cargo tandem smoke

Ctrl-C stops it; the data stays. `cargo dev --reset` begins anew.",
        stack.app, stack.google, stack.database.url, stack.app, stack.google, ann.id
    ));
}
