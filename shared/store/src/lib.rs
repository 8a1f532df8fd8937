//! What the sync stores, behind one contract. A store is mechanical: it knows keys, revs, fences,
//! leases, times, counts and states. Rows, bases and standings pass through it unread.

mod commit;
#[cfg(feature = "contract")]
pub mod contract;
mod family;
mod listing;
mod load;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(any(feature = "memory", feature = "contract"))]
pub mod sides;
mod work;

pub use commit::*;
pub use family::*;
pub use listing::*;
pub use load::*;
pub use work::*;

use std::future::Future;

/// The sync's storage.
pub trait Store {
    /// Leases families and returns all that is known of them.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is leased then.
    fn load(&self, load: &Load) -> impl Future<Output = Result<Loaded, StoreError>>;

    /// Stores what came of families, each by itself, and where a listing stands, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is stored then.
    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Committed, StoreError>>;

    /// Leases a connection, to list it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<Claimed, StoreError>>;

    /// Stores that a listing stopped before its end, and releases it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn fail(&self, stopped: &Stopped) -> impl Future<Output = Result<(), StoreError>>;

    /// What the clock finds to do. Bounded, whatever is due.
    ///
    /// # Errors
    /// [`StoreError`].
    fn due(&self, ask: &AskDue) -> impl Future<Output = Result<Due, StoreError>>;
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There was no answer; whether it was stored is unknown.
    #[error("the database did not answer: {0}")]
    NoAnswer(String),
    /// The database was busy: nothing was stored, and it is worth trying again at once.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database belongs to another deployment.
    #[error("{0}")]
    OtherInstance(String),
    /// The call was refused, and will be again.
    #[error("the database refused: {0}")]
    Refused(String),
}
