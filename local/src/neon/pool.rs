//! Idle connections, kept per role, password and database. Whoever gets one finds it as if it were new.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::NeonOptions;
use super::failure::Failure;
use super::request::Target;
use super::wire::Wire;

/// How long a connection may be idle: one that is held longer than a client needs stands in the way of those
/// who want to drop or copy its database.
const IDLE: Duration = Duration::from_secs(20);
const WAIT: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_secs(5);

/// The connections of one front end.
#[derive(Debug)]
pub struct Pool {
    options: NeonOptions,
    permits: Arc<Semaphore>,
    idle: Mutex<HashMap<Target, Vec<Idle>>>,
}

#[derive(Debug)]
struct Idle {
    wire: Wire,
    /// How many statements that clean up have not been answered yet.
    cleaning: usize,
    since: Instant,
}

/// A connection that one request uses.
#[derive(Debug)]
pub struct Lease {
    pool: Arc<Pool>,
    target: Target,
    wire: Option<Wire>,
    /// How many statements that clean up were sent after the answer was complete; `None` before.
    finished: Option<usize>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub fn new(options: NeonOptions) -> Self {
        let permits = Arc::new(Semaphore::new(options.max_connections));
        Self {
            options,
            permits,
            idle: Mutex::default(),
        }
    }

    /// A connection for `target`, an idle one if there is any.
    pub async fn lease(self: &Arc<Self>, target: &Target) -> Result<Lease, Failure> {
        let permit = match timeout(WAIT, Arc::clone(&self.permits).acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => {
                return Err(Failure::internal(
                    "all connections were busy for thirty seconds",
                ));
            }
        };
        let wire = loop {
            let Some(mut idle) = self.take(target) else {
                break Wire::open(self.options.upstream, target).await?;
            };
            if idle.is_clean().await {
                break idle.wire;
            }
        };
        Ok(Lease {
            pool: Arc::clone(self),
            target: target.clone(),
            wire: Some(wire),
            finished: None,
            _permit: permit,
        })
    }

    /// Closes what has been idle for too long.
    pub fn sweep(&self) {
        self.lock().retain(|_, idle| {
            idle.retain(|idle| idle.since.elapsed() < IDLE);
            !idle.is_empty()
        });
    }

    fn take(&self, target: &Target) -> Option<Idle> {
        self.lock().get_mut(target)?.pop()
    }

    fn put(&self, target: Target, idle: Idle) {
        let mut all = self.lock();
        if all.values().map(Vec::len).sum::<usize>() < self.options.max_connections {
            all.entry(target).or_default().push(idle);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Target, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    /// Waits until the server has cleaned up and says whether the connection can be used again.
    async fn is_clean(&mut self) -> bool {
        let settled = async {
            while self.cleaning > 0 {
                let message = self.wire.receive().await?;
                if let Message::ReadyForQuery(_) = message {
                    self.cleaning -= 1;
                } else if let Message::ErrorResponse(_) = message {
                    // A transaction that was left open cannot be cleaned up after; closing ends it.
                    return Err(io::Error::other("not clean"));
                }
            }
            Ok(())
        };
        matches!(timeout(SETTLE, settled).await, Ok(Ok(()))) && self.wire.is_quiet()
    }
}

impl Lease {
    /// The connection.
    pub fn wire(&mut self) -> Result<&mut Wire, Failure> {
        self.wire
            .as_mut()
            .ok_or_else(|| Failure::internal("the connection was given back"))
    }

    /// Sends what makes the connection as good as new, once the request's answer is complete. It takes effect at
    /// once and nobody waits for it before the next use.
    pub async fn clean_up(&mut self, is_batch: bool) -> io::Result<()> {
        let Some(wire) = self.wire.as_mut() else {
            return Ok(());
        };
        if is_batch {
            // A warning, and no harm, where the batch has ended its transaction.
            frontend::query("rollback", &mut wire.output)?;
        }
        frontend::query("discard all", &mut wire.output)?;
        wire.send().await?;
        self.finished = Some(1 + usize::from(is_batch));
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(wire) = self.wire.take() else { return };
        match self.finished {
            Some(cleaning) => {
                self.pool.put(
                    self.target.clone(),
                    Idle {
                        wire,
                        cleaning,
                        since: Instant::now(),
                    },
                );
            }
            // The client went away or the answer cannot be used: what still runs is not to run on.
            None => {
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(wire.cancel());
                }
            }
        }
    }
}
