//! The store in memory, with the CRM's and the people's side of it. The caller sets the clock.

mod account;
mod admit;
mod commit;
mod crm;
mod due;
mod family;
mod faulty;
#[cfg(feature = "contract")]
mod fixture;
mod listing;
mod load;
mod look;
mod ops;
mod people;
mod state;
mod table;

pub use faulty::{Fault, Faulty};

use crate::sides::{Act, CrmError, Picture, Statement};
use crate::{
    AskDue, Claim, Claimed, Commit, Committed, Due, EventId, Load, Loaded, Stopped, Store,
    StoreError,
};
use chrono::{DateTime, Utc};
use state::{Refusal, State, Tables};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A store in memory. A clone is another handle of the same; [`MemoryStore::fork`] copies.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store of a deployment; `seed` is what reserved ids come from.
    #[must_use]
    pub fn new(instance: &str, seed: u64, now: DateTime<Utc>) -> Self {
        let state = State {
            instance: instance.to_owned(),
            now,
            sequence: 0,
            txid: 0,
            seed,
            tables: Tables::default(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// An independent copy. Cheap: they share what neither changes.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.state().clone();
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The store's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.state().now
    }

    /// Sets the store's time.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.state().now = now;
    }

    /// A transaction of the CRM; its id.
    ///
    /// # Errors
    /// [`CrmError`]; nothing is changed then.
    pub fn transact(&self, statements: &[Statement]) -> Result<i64, CrmError> {
        self.state().transact(statements)
    }

    /// Something that a person does.
    pub fn act(&self, act: &Act) {
        self.state().act(act);
    }

    /// Has each commit of a family refused from now on; with none, no more.
    pub fn refuse(&self, root: &EventId, why: Option<(&str, &str, bool)>) {
        let mut state = self.state();
        match why {
            Some((code, message, transient)) => {
                let (code, message) = (code.to_owned(), message.to_owned());
                state.tables.refusals.put(
                    root.clone(),
                    Refusal {
                        code,
                        message,
                        transient,
                    },
                );
            }
            None => {
                state.tables.refusals.remove(root);
            }
        }
    }

    /// All that can be seen.
    #[must_use]
    pub fn look(&self) -> Picture {
        self.state().look()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what never waits, as calls of this store do.
///
/// # Panics
/// Where it waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

impl Store for MemoryStore {
    async fn load(&self, load: &Load) -> Result<Loaded, StoreError> {
        self.state().load(load)
    }

    async fn commit(&self, commit: &Commit) -> Result<Committed, StoreError> {
        self.state().commit(commit)
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.state().claim(claim)
    }

    async fn fail(&self, stopped: &Stopped) -> Result<(), StoreError> {
        self.state().fail(stopped)
    }

    async fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.state().due(ask)
    }
}
