//! Listens for new requests, takes them off the queue and has them sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::stream::{StreamExt, poll_fn};
use serde_json::{Map, Value};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row};

use super::faults::{Dice, Fate, HOLD, RelayFaults};
use super::send::{Outgoing, Sender};

const CONNECT: Duration = Duration::from_secs(10);
const RECONNECT: Duration = Duration::from_millis(200);

/// `skip locked`: another relay of the same database takes other rows.
const TAKE: &str = "
    with taken as (
        delete from net.http_request_queue where id in (
            select id from net.http_request_queue order by id for update skip locked limit 200
        ) returning *
    )
    select method, url, headers -> 'headers', headers -> 'params', body, timeout_milliseconds
    from taken order by id";

/// What has become of the requests that were taken off the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayCounts {
    /// Requests that were answered, whatever the answer; a doubled one counts twice.
    pub answered: u64,
    /// Requests that got no answer in time.
    pub failed: u64,
    /// Requests that were lost on demand.
    pub dropped: u64,
}

/// What the worker and the relay's owner share.
#[derive(Debug)]
pub struct Shared(Mutex<State>);

#[derive(Debug)]
struct State {
    faults: RelayFaults,
    counts: RelayCounts,
    problem: Option<String>,
    /// Requests under way, and one more while the queue is being read.
    busy: usize,
    /// How often the queue has been read.
    reads: u64,
}

impl Shared {
    pub fn new(faults: RelayFaults) -> Self {
        let counts = RelayCounts::default();
        Self(Mutex::new(State {
            faults,
            counts,
            problem: None,
            busy: 0,
            reads: 0,
        }))
    }

    pub fn set_faults(&self, faults: RelayFaults) {
        self.lock().faults = faults;
    }

    pub fn counts(&self) -> RelayCounts {
        self.lock().counts
    }

    pub fn last_problem(&self) -> Option<String> {
        self.lock().problem.clone()
    }

    /// After which reading of the queue the worker became idle; `None` while it is busy.
    pub fn idle_since(&self) -> Option<u64> {
        let state = self.lock();
        (state.busy == 0).then_some(state.reads)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts as busy until it is dropped, also when its task is aborted.
struct Busy(Arc<Shared>);

impl Busy {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.lock().busy += 1;
        Self(Arc::clone(shared))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().busy -= 1;
    }
}

pub struct Worker {
    url: String,
    shared: Arc<Shared>,
    permits: Arc<Semaphore>,
    sender: Sender,
    dice: Dice,
    under_way: JoinSet<()>,
}

impl Worker {
    pub fn new(url: String, concurrency: usize, shared: Arc<Shared>) -> Self {
        Self {
            url,
            shared,
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            sender: Sender::new(),
            dice: Dice::new(),
            under_way: JoinSet::new(),
        }
    }

    /// Works until it is aborted.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = self.listen().await {
                self.shared.lock().problem = Some(format!("{error:#}"));
            }
            sleep(RECONNECT).await;
        }
    }

    /// Works until the connection ends.
    async fn listen(&mut self) -> Result<()> {
        let config: Config = self
            .url
            .parse()
            .context("correct the relay's database URL")?;
        let (client, mut connection) = timeout(CONNECT, config.connect(NoTls))
            .await
            .context("start the database: it does not answer")??;
        let news = Arc::new(Notify::new());
        let bell = Arc::clone(&news);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut messages = poll_fn(|context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(_) = message {
                    bell.notify_one();
                }
            }
        });
        client
            .batch_execute("listen net_http_request_queue")
            .await
            .context("start the database again")?;
        loop {
            // First, because requests may have come while nobody listened.
            while self.take(&client).await? {}
            tokio::select! {
                () = news.notified() => {}
                _ = reading.join_next() => bail!("start the database again: it closed the relay's connection"),
            }
        }
    }

    /// Takes what is in the queue and has it sent; says whether there was anything.
    async fn take(&mut self, client: &Client) -> Result<bool> {
        let _busy = Busy::new(&self.shared);
        self.shared.lock().reads += 1;
        while self.under_way.try_join_next().is_some() {}
        let mut rows = client
            .query(TAKE, &[])
            .await
            .context("start the database again")?;
        if rows.is_empty() {
            return Ok(false);
        }
        let faults = self.shared.lock().faults;
        if faults.reorder {
            sleep(HOLD).await;
            rows.extend(
                client
                    .query(TAKE, &[])
                    .await
                    .context("start the database again")?,
            );
            rows.reverse();
        }
        let mut requests = Vec::new();
        for row in &rows {
            let fate = faults.fate(self.dice.roll(), self.dice.roll());
            if fate.times == 0 {
                self.shared.lock().counts.dropped += 1;
            } else {
                requests.push((outgoing(row)?, fate));
            }
        }
        if faults.reorder {
            self.send(requests);
        } else {
            requests
                .into_iter()
                .for_each(|request| self.send(vec![request]));
        }
        Ok(true)
    }

    /// Sends requests one after another, beside everything else.
    fn send(&mut self, requests: Vec<(Outgoing, Fate)>) {
        let busy = Busy::new(&self.shared);
        let (permits, sender) = (Arc::clone(&self.permits), self.sender.clone());
        self.under_way.spawn(async move {
            for (request, fate) in requests {
                sleep(fate.delay).await;
                let _permit = permits.acquire().await;
                for _ in 0..fate.times {
                    let outcome = sender.send(&request).await;
                    let mut state = busy.0.lock();
                    match outcome {
                        Ok(()) => state.counts.answered += 1,
                        Err(error) => {
                            state.counts.failed += 1;
                            state.problem = Some(format!("{error:#}"));
                        }
                    }
                }
            }
        });
    }
}

fn outgoing(row: &Row) -> Result<Outgoing> {
    let map = |value: Option<Value>| match value {
        Some(Value::Object(map)) => map,
        Some(_) | None => Map::new(),
    };
    let milliseconds: i32 = row.try_get(5).context("install the relay's SQL again")?;
    Ok(Outgoing {
        method: row.try_get(0)?,
        url: row.try_get(1)?,
        headers: map(row.try_get(2)?),
        params: map(row.try_get(3)?),
        body: row.try_get(4)?,
        timeout: Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0)),
    })
}
