//! One Postgres server of ours, from start to stop.

use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Instant, sleep};

use super::connection::Server;
use super::find::{Install, find_or_install};
use super::layout::{Layout, Settings};
use super::owner::{Owner, reachable};
use super::template;
use crate::cache;
use crate::process::{self, Process, free_port};

/// How long a server may take to answer, crash recovery included.
const READY: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(15);
const PORT_ATTEMPTS: u32 = 5;

/// What a cluster is to be.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// The folder of its files; made when missing. See [`Cluster::home`] for where they really are.
    pub data_dir: PathBuf,
    /// The port on 127.0.0.1, or `None` for a free one.
    pub port: Option<u16>,
    /// Gives up crash safety for speed: for tests only.
    pub fast: bool,
    /// How many connections the server takes.
    pub max_connections: u16,
}

impl ClusterOptions {
    /// A crash-safe cluster on a free port.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            fast: false,
            max_connections: 200,
        }
    }
}

/// A running server that stops when this is dropped, or when our process ends in any way.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    install: Install,
    layout: Layout,
    // Dropped in this order: the folder stays ours until the server is gone.
    process: Process,
    _lock: File,
}

impl Cluster {
    /// Starts the cluster in `options.data_dir`, making it first when it is missing. A server that an earlier
    /// run left behind is stopped.
    ///
    /// # Errors
    /// When no Postgres can be had, another process runs this cluster, or the server does not start.
    pub async fn start(options: ClusterOptions, progress: &dyn Fn(&str)) -> Result<Self> {
        let install = find_or_install(progress).await?;
        let owner = Owner::needed()?;
        let layout = Layout::new(reachable(&options.data_dir, owner)?);
        let lock = cache::lock(&layout.lock(), Duration::from_secs(2))
            .await
            .with_context(|| {
                format!(
                    "stop the other process that runs the database in {}",
                    layout.home().display()
                )
            })?;
        stop_leftovers(&layout);
        ensure_data(&layout, &install, owner, progress).await?;
        progress(&format!("Starting Postgres {}", install.version));
        let (process, server) = serve(&layout, &install, owner, &options).await?;
        Ok(Self {
            server,
            install,
            layout,
            process,
            _lock: lock,
        })
    }

    /// Deletes the cluster of `data_dir` with all its databases, stopping a server that was left behind.
    ///
    /// # Errors
    /// When a live process runs it, or the files cannot be deleted.
    pub async fn reset(data_dir: &Path) -> Result<()> {
        let layout = Layout::new(reachable(data_dir, Owner::needed()?)?);
        let _lock = cache::lock(&layout.lock(), Duration::from_secs(2))
            .await
            .with_context(|| {
                format!(
                    "stop the process that runs the database in {}",
                    layout.home().display()
                )
            })?;
        stop_leftovers(&layout);
        template::remove(&layout.data())
    }

    /// Where it listens; the cluster itself offers the same methods.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// The Postgres that runs.
    #[must_use]
    pub fn install(&self) -> &Install {
        &self.install
    }

    /// The folder that really holds the files: for root below a closed home it is one in the cache.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.layout.home()
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.layout.log()
    }

    /// The postmaster's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Stops the server; open transactions are rolled back.
    pub fn stop(self) {
        drop(self);
    }
}

impl Deref for Cluster {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// Stops the server that still uses this folder, found by our pid file or by Postgres's own.
pub fn stop_leftovers(layout: &Layout) {
    let life = layout.life();
    process::stop_leftover(&life);
    if let Some(running) = layout.running() {
        process::stop_pid(running.pid, &life);
    }
}

/// Makes the data folder when there is none and refuses one of another major version.
async fn ensure_data(
    layout: &Layout,
    install: &Install,
    owner: Option<Owner>,
    progress: &dyn Fn(&str),
) -> Result<()> {
    match layout.major() {
        None if layout.data().exists() => bail!(
            "start again with `--reset`: {} holds no complete database",
            layout.data().display()
        ),
        None => template::create(layout, install, owner, progress).await,
        Some(major) => {
            ensure!(
                major == install.major,
                "start again with `--reset`, or set TANDEM_PG_BIN: Postgres {major} made the database in {}, \
                 and this is Postgres {}",
                layout.home().display(),
                install.major
            );
            Ok(())
        }
    }
}

async fn serve(
    layout: &Layout,
    install: &Install,
    owner: Option<Owner>,
    options: &ClusterOptions,
) -> Result<(Process, Server)> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = options.port.map_or_else(free_port, Ok)?;
        let settings = Settings {
            port,
            fast: options.fast,
            max_connections: options.max_connections,
        };
        let mut process = Process::spawn(
            &mut layout.server(install, owner, &settings)?,
            layout.life(),
        )?;
        let server = Server { port };
        let pid = process.pid();
        match wait_until_ready(layout, pid, server, || Ok(process.ended()?.is_none())).await {
            Ok(()) => return Ok((process, server)),
            // Between the choice of a port and its use anybody may take it.
            Err(_)
                if port_was_taken(layout) && options.port.is_none() && attempt < PORT_ATTEMPTS => {}
            Err(_) if port_was_taken(layout) => {
                bail!("choose another port for the database: {port} is in use on this machine")
            }
            Err(error) => return Err(error),
        }
    }
}

fn port_was_taken(layout: &Layout) -> bool {
    std::fs::read_to_string(layout.log()).is_ok_and(|log| log.contains("Address already in use"))
}

/// Waits until the server with process id `pid` takes connections; `lives` says whether it still runs.
pub async fn wait_until_ready(
    layout: &Layout,
    pid: u32,
    server: Server,
    mut lives: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + READY;
    // The pid as well: on a port that was taken meanwhile, somebody else would answer.
    while !layout
        .running()
        .is_some_and(|running| running.pid == pid && running.ready)
    {
        if !lives()? {
            bail!(
                "start again with `--reset` for an empty database, or read {}: Postgres did not start: {}",
                layout.log().display(),
                layout.last_complaint()
            );
        }
        ensure!(
            Instant::now() < deadline,
            "read {}, then start again with `--reset` for an empty database: Postgres is not ready after a minute",
            layout.log().display()
        );
        sleep(POLL).await;
    }
    server
        .connect("postgres")
        .await
        .map(drop)
        .context("start again with `--reset` for an empty database")
}
