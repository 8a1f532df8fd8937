//! A store with what surrounds it.

use crate::Store;
use crate::sides::{Act, CrmError, Picture, Statement};
use chrono::{DateTime, Utc};
use std::future::Future;

/// A store, its clock, the CRM's and the people's side of it.
pub trait Fixture {
    /// The store.
    type Store: Store;

    /// The store.
    fn store(&self) -> &Self::Store;

    /// The deployment that it belongs to.
    fn instance(&self) -> &str;

    /// Sets the store's clock.
    fn set_now(&self, now: DateTime<Utc>) -> impl Future<Output = ()>;

    /// A transaction of the CRM.
    ///
    /// # Errors
    /// [`CrmError`]; nothing is changed then.
    fn transact(&self, statements: &[Statement]) -> impl Future<Output = Result<(), CrmError>>;

    /// Something that a person does.
    fn act(&self, act: &Act) -> impl Future<Output = ()>;

    /// All that can be seen.
    fn look(&self) -> impl Future<Output = Picture>;
}
