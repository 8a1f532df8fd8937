//! Where a cluster keeps its files, and how its server is started and known.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::find::Install;
use super::owner::{Owner, run_as};
use crate::process::Life;

/// A fast shutdown writes a checkpoint; a slow disk may need a while.
const GRACE: Duration = Duration::from_secs(20);

/// One cluster's folder.
#[derive(Clone, Debug)]
pub struct Layout {
    home: PathBuf,
}

impl Layout {
    pub fn new(home: PathBuf) -> Self {
        Self { home }
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.home.join("postgres.log")
    }

    pub fn lock(&self) -> PathBuf {
        self.home.join("lock")
    }

    /// How this cluster's postmaster is known and stopped. SIGINT is Postgres's fast shutdown.
    pub fn life(&self) -> Life {
        Life {
            pid_file: self.home.join("pid"),
            marker: format!("-D {}", self.data().display()),
            signal: Signal::SIGINT,
            grace: GRACE,
        }
    }

    /// The major version that made the data, `None` when there is no complete cluster.
    pub fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// What the file that a running server keeps says of it.
    pub fn running(&self) -> Option<Running> {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next()?.parse().ok()?;
        let port = lines.nth(2)?.parse().ok()?;
        Some(Running {
            pid,
            port,
            ready: lines.nth(3) == Some("ready"),
        })
    }

    /// The last complaint in the server's log.
    pub fn last_complaint(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let loud = |line: &&str| {
            ["FATAL:", "PANIC:", "ERROR:"]
                .iter()
                .any(|level| line.contains(level))
        };
        let line = log
            .lines()
            .rev()
            .find(loud)
            .or_else(|| log.lines().next_back())
            .unwrap_or("it wrote no log");
        line.trim().to_owned()
    }

    /// The server's command line; its output goes to a new log.
    pub fn server(
        &self,
        install: &Install,
        owner: Option<Owner>,
        settings: &Settings,
    ) -> Result<Command> {
        let log = File::create(self.log()).with_context(|| {
            format!(
                "make the folder {} writable for this user",
                self.home.display()
            )
        })?;
        let mut command = Command::new(install.program("postgres"));
        command
            .arg("-D")
            .arg(self.data())
            .args(settings.arguments())
            .env("LC_ALL", "C")
            .stdout(log.try_clone()?)
            .stderr(log);
        run_as(&mut command, owner);
        Ok(command)
    }
}

/// A server as its `postmaster.pid` describes it
/// (<https://www.postgresql.org/docs/current/storage-file-layout.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    pub pid: u32,
    pub port: u16,
    /// Whether it takes connections.
    pub ready: bool,
}

/// What varies between servers.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub port: u16,
    pub fast: bool,
    pub max_connections: u16,
}

impl Settings {
    fn arguments(self) -> Vec<String> {
        let mut settings = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            format!("max_connections={}", self.max_connections),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "log_destination=stderr".to_owned(),
            "logging_collector=off".to_owned(),
        ];
        if self.fast {
            settings.extend(
                [
                    "fsync=off",
                    "synchronous_commit=off",
                    "full_page_writes=off",
                ]
                .map(str::to_owned),
            );
            // Replication is never used here and its log volume slows the making of databases.
            settings.extend(["wal_level=minimal", "max_wal_senders=0"].map(str::to_owned));
        }
        settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fatal_line_of_the_log_is_the_complaint() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().to_owned());
        fs::write(
            layout.log(),
            "LOG:  starting\nFATAL:  could not start\nLOG:  shut down\n",
        )
        .unwrap();
        assert_eq!(layout.last_complaint(), "FATAL:  could not start");
    }

    #[test]
    fn a_server_is_ready_when_its_file_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().to_owned());
        fs::create_dir(layout.data()).unwrap();
        let check = |text: &str, expected| {
            fs::write(layout.data().join("postmaster.pid"), text).unwrap();
            assert_eq!(layout.running(), expected, "{text}");
        };
        check(
            "7\n/data\n1700000000\n5433\n\n127.0.0.1\n 1 2\nready   \n",
            Some(Running {
                pid: 7,
                port: 5433,
                ready: true,
            }),
        );
        check(
            "7\n/data\n1700000000\n5433\n\n127.0.0.1\n 1 2\nstarting\n",
            Some(Running {
                pid: 7,
                port: 5433,
                ready: false,
            }),
        );
        check("7\n/data\n", None);
    }

    #[test]
    fn safety_is_switched_off_only_when_fast_is_asked_for() {
        let settings = |fast| {
            Settings {
                port: 1,
                fast,
                max_connections: 10,
            }
            .arguments()
        };
        assert!(settings(true).contains(&"fsync=off".to_owned()));
        assert!(!settings(false).contains(&"fsync=off".to_owned()));
    }
}
