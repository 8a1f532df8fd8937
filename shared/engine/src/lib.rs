//! One loop for push, pull and clock: load, plan, call, commit. It holds no rule of its own.

mod access;
mod counts;
mod pages;
mod pull;
mod push;
mod pushed;
mod reads;
mod stopped;
mod tick;

pub use access::{ANOTHER_USER, Accounts, NoAccess, Opened};
pub use pull::{Pulled, pull, pull_pages};
pub use push::push;
pub use pushed::Pushed;
pub use tick::{TickReport, tick};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// What the loop works with, for one request.
pub struct Env<'a, S, A> {
    /// The storage.
    pub store: &'a S,
    /// Ways to the provider.
    pub accounts: &'a A,
    /// The deployment that the database belongs to.
    pub instance: &'a str,
    /// Identifies the listing's parameters.
    pub digest: &'a str,
    /// The CRM's page of an event, with `{id}` for its id.
    pub event_url: Option<&'a str>,
    /// The time, to measure leases. Stored times are the store's own.
    pub clock: &'a dyn Fn() -> DateTime<Utc>,
    /// From 0 to 1: spreads retries.
    pub fraction: &'a dyn Fn() -> f64,
    /// A fresh random id.
    pub new_id: &'a dyn Fn() -> Uuid,
}

/// How long a lease lasts, in seconds.
const LEASE_SECONDS: u32 = 60;
/// How long a call to the provider takes at most, all of it.
pub const CALL_DEADLINE: TimeDelta = TimeDelta::seconds(20);
/// What is left of a lease after the longest call, to commit in.
const MARGIN: TimeDelta = TimeDelta::seconds(5);

/// When a lease that began at `leased_at` allows no further call.
fn last_call(leased_at: DateTime<Utc>) -> DateTime<Utc> {
    leased_at + TimeDelta::seconds(i64::from(LEASE_SECONDS)) - CALL_DEADLINE - MARGIN
}

/// Loads, a few times where the database is busy.
///
/// # Errors
/// [`store::StoreError`].
async fn load<S: store::Store>(
    store: &S,
    load: &store::Load,
) -> Result<store::Loaded, store::StoreError> {
    while_busy(async || store.load(load).await).await
}

/// Commits, a few times where the database is busy.
///
/// # Errors
/// [`store::StoreError`].
async fn commit<S: store::Store>(
    store: &S,
    commit: &store::Commit,
) -> Result<store::Committed, store::StoreError> {
    while_busy(async || store.commit(commit).await).await
}

/// Calls a busy database again, a few times: it has stored nothing, and waiting for its lock was the wait between two
/// tries.
async fn while_busy<T>(
    call: impl AsyncFn() -> Result<T, store::StoreError>,
) -> Result<T, store::StoreError> {
    for _ in 1..TRIES {
        match call().await {
            Err(store::StoreError::Busy(_)) => {}
            result => return result,
        }
    }
    call().await
}

const TRIES: u32 = 6;
