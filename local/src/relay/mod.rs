//! What pg_net does on Supabase, for a Postgres without it: statements ask for HTTP requests, a worker sends
//! them after the commit.
//!
//! It is as careless as pg_net (<https://supabase.com/docs/guides/database/extensions/pg_net>) on purpose: a
//! request is taken off the queue before it is sent and is never tried again. On top of that it loses, doubles,
//! delays and reorders on demand, which the real one does by accident.

mod faults;
mod send;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

pub use self::faults::RelayFaults;
pub use self::worker::RelayCounts;
use self::worker::{Shared, Worker};
use crate::postgres::{connect, describe};

/// How a relay works.
#[derive(Clone, Copy, Debug)]
pub struct RelayOptions {
    /// How many requests are under way at a time; one slow receiver takes one of them.
    pub concurrency: usize,
    /// What goes wrong from the start.
    pub faults: RelayFaults,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            concurrency: 16,
            faults: RelayFaults::default(),
        }
    }
}

/// A running worker; dropping it stops it and forgets the requests that it has taken.
#[derive(Debug)]
pub struct Relay {
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Makes the schemas `net` and `supabase_functions` in the client's database. Roles that come later get their
/// grants when this is called again.
///
/// # Errors
/// When the client's role may not make schemas.
pub async fn install(client: &Client) -> Result<()> {
    client
        .batch_execute(include_str!("net.sql"))
        .await
        .map_err(|error| describe(&error, "connect as a superuser to install the relay"))
}

impl Relay {
    /// Installs the SQL side into the database of `url` and starts to empty its queue.
    ///
    /// # Errors
    /// When the database does not answer or refuses the installation. Later it is connected to again until it
    /// answers.
    pub async fn start(url: &str, options: RelayOptions) -> Result<Self> {
        install(&connect(url).await?).await?;
        let shared = Arc::new(Shared::new(options.faults));
        let worker = Worker::new(url.to_owned(), options.concurrency, Arc::clone(&shared));
        Ok(Self {
            url: url.to_owned(),
            shared,
            task: tokio::spawn(worker.run()),
        })
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: RelayFaults) {
        self.shared.set_faults(faults);
    }

    /// What has become of the requests so far.
    #[must_use]
    pub fn counts(&self) -> RelayCounts {
        self.shared.counts()
    }

    /// Why the last failed request failed.
    #[must_use]
    pub fn last_problem(&self) -> Option<String> {
        self.shared.last_problem()
    }

    /// Waits until the queue is empty and no request is under way.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or the database does not answer.
    pub async fn wait_until_idle(&self, patience: Duration) -> Result<()> {
        let client = connect(&self.url).await?;
        let deadline = Instant::now() + patience;
        loop {
            let before = self.shared.idle_since();
            let queued: bool = client
                .query_one("select exists (select from net.http_request_queue)", &[])
                .await
                .map_err(|error| describe(&error, "start the database again"))?
                .get(0);
            if !queued && before.is_some() && before == self.shared.idle_since() {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "look at the receivers: the relay is still busy"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
