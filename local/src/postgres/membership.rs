//! How test processes share one server.
//!
//! The processes hold the writing end of a named pipe; the server's warden reads it and stops the server when
//! the last of them is gone, whether it returned, crashed or was killed. Each start begins with new data, so that
//! no database or role of an earlier run can decide how a test goes.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::time::{Instant, sleep};

use super::cluster::{stop_leftovers, wait_until_ready};
use super::connection::Server;
use super::find::{Install, find_or_install};
use super::layout::{Layout, Settings};
use super::owner::Owner;
use super::template;
use crate::{cache, process};

const PATIENCE: Duration = Duration::from_secs(180);
/// Generous: a wrong "no" ends the server under everybody else.
const ANSWER: Duration = Duration::from_secs(60);
const MAX_CONNECTIONS: u16 = 400;

/// A part in keeping the server up; the server goes when the last one is dropped.
#[derive(Debug)]
pub struct Membership {
    pub server: Server,
    _pipe: File,
}

/// Joins the server that is called `name`, starting it if no other process has it running.
pub async fn join(name: &str) -> Result<Membership> {
    // Tests run without a terminal to report to.
    let install = find_or_install(&|_| {}).await?;
    let shared = Shared::new(name, install)?;
    let _lock = cache::lock(&shared.layout.lock(), PATIENCE).await?;
    if let Some(membership) = shared.enter().await {
        return Ok(membership);
    }
    match shared.start().await {
        Ok(membership) => Ok(membership),
        // Somebody may have taken the port between its choice and its use.
        Err(_) => shared.start().await,
    }
}

/// The files with which the processes find each other.
struct Shared {
    install: Install,
    owner: Option<Owner>,
    layout: Layout,
}

impl Shared {
    fn new(name: &str, install: Install) -> Result<Self> {
        let owner = Owner::needed()?;
        let home = cache::dir()?
            .join("tests")
            .join(format!("{}-{name}", install.version));
        cache::make_readable(&home)?;
        Ok(Self {
            install,
            owner,
            layout: Layout::new(home),
        })
    }

    fn pipe(&self) -> PathBuf {
        self.layout.home().join("members")
    }

    /// Joins the running server, if there is one whose warden answers.
    async fn enter(&self) -> Option<Membership> {
        // Without a reader this fails at once: the warden is gone.
        let mut membership = OpenOptions::new()
            .write(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(self.pipe())
            .ok()?;
        let answer = self
            .layout
            .home()
            .join(format!("answer-{}", std::process::id()));
        // The warden may be past its last reader. Only an answer proves that it counts us as a member.
        let answered = asked(&mut membership, &answer).await;
        let _ = fs::remove_file(&answer);
        let server = Server {
            port: self
                .layout
                .running()
                .filter(|running| answered && running.ready)?
                .port,
        };
        // The server is there; a busy machine may keep it from answering for a while.
        let deadline = Instant::now() + ANSWER;
        while server.connect("postgres").await.is_err() {
            if Instant::now() > deadline {
                return None;
            }
            sleep(Duration::from_millis(200)).await;
        }
        Some(Membership {
            server,
            _pipe: membership,
        })
    }

    async fn start(&self) -> Result<Membership> {
        stop_leftovers(&self.layout);
        template::create(&self.layout, &self.install, self.owner, &|_| {}).await?;
        let (reader, membership) = self.make_pipe()?;
        let settings = Settings {
            port: process::free_port()?,
            fast: true,
            max_connections: MAX_CONNECTIONS,
        };
        let server = Server {
            port: settings.port,
        };
        let mut command = self.layout.server(&self.install, self.owner, &settings)?;
        let mut child = process::spawn_shared(&mut command, &self.layout.life(), reader)?;
        let pid = child.id();
        wait_until_ready(&self.layout, pid, server, || {
            Ok(child.try_wait()?.is_none())
        })
        .await?;
        Ok(Membership {
            server,
            _pipe: membership,
        })
    }

    /// A new named pipe: its reading end for the warden, its writing end for us.
    fn make_pipe(&self) -> Result<(File, File)> {
        let path = self.pipe();
        let _ = fs::remove_file(&path);
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
            .with_context(|| format!("put {} on a file system with named pipes", path.display()))?;
        // Opened without waiting for a writer, then made to wait for what the writers say.
        let reader = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(&path)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty()))
            .context("use a system with named pipes")?;
        let writer = OpenOptions::new().write(true).open(&path)?;
        Ok((reader, writer))
    }
}

/// Asks the warden to make the file `answer` and waits for it.
async fn asked(warden: &mut File, answer: &Path) -> bool {
    let deadline = Instant::now() + ANSWER;
    let mut line = format!("{}\n", answer.display());
    // Writing fails once the warden no longer reads.
    while warden.write_all(line.as_bytes()).is_ok() && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
        if answer.exists() {
            return true;
        }
        line = "/dev/null\n".to_owned();
    }
    false
}
