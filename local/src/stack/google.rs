//! The stack's Google: the simulator, with its state kept in a file where the data is kept.

use anyhow::{Context, Result, anyhow};
use google_simulator::{Options, Simulator};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How often the state is written, if it changed.
const PERIOD: Duration = Duration::from_secs(1);

/// Serves a simulator on `listener`, going on from `state` if there is any, and keeps its state there.
///
/// # Errors
/// When the state cannot be read.
pub fn start(
    listener: TcpListener,
    origin: &str,
    state: Option<&Path>,
) -> Result<(Simulator, Vec<JoinHandle<()>>)> {
    let simulator = open(origin, state)?;
    let serving = simulator.clone();
    let mut tasks = vec![tokio::spawn(async move {
        // It ends with its listener, at the end of the stack.
        let _ended = google_simulator::server::serve(serving, listener).await;
    })];
    if let Some(path) = state {
        tasks.push(tokio::spawn(keep(simulator.clone(), path.to_owned())));
    }
    Ok((simulator, tasks))
}

fn open(origin: &str, state: Option<&Path>) -> Result<Simulator> {
    let options = Options {
        origin: origin.to_owned(),
        allow_http_loopback: true,
        ..Options::default()
    };
    let Some(path) = state.filter(|path| path.exists()) else {
        return Ok(Simulator::new(options));
    };
    let saved = fs::read_to_string(path)?;
    Simulator::load(options, &saved)
        .map_err(|why| anyhow!(why))
        .with_context(|| format!("start with --reset: {} cannot be read", path.display()))
}

/// Writes the state until it is aborted.
async fn keep(simulator: Simulator, path: PathBuf) {
    let mut written = String::new();
    loop {
        tokio::time::sleep(PERIOD).await;
        let state = simulator.save();
        if state != written && write(&path, &state).is_ok() {
            written = state;
        }
    }
}

/// Replaces the file whole, so that a kill leaves the old or the new state.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(path: &Path, state: &str) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, state)?;
    fs::rename(&new, path)?;
    Ok(())
}
