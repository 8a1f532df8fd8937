//! The store in memory as one that the suite can hold to the contract.

use super::MemoryStore;
use crate::contract::Fixture;
use crate::sides::{Act, CrmError, Picture, Statement};
use chrono::{DateTime, Utc};

/// The deployment of [`MemoryStore::fresh`].
const INSTANCE: &str = "test";

impl MemoryStore {
    /// An empty store for a check.
    #[must_use]
    pub fn fresh(seed: u64) -> Self {
        Self::new(INSTANCE, seed, DateTime::UNIX_EPOCH)
    }
}

impl Fixture for MemoryStore {
    type Store = Self;

    fn store(&self) -> &Self {
        self
    }

    fn instance(&self) -> &str {
        INSTANCE
    }

    async fn set_now(&self, now: DateTime<Utc>) {
        MemoryStore::set_now(self, now);
    }

    async fn transact(&self, statements: &[Statement]) -> Result<(), CrmError> {
        MemoryStore::transact(self, statements).map(|_| ())
    }

    async fn act(&self, act: &Act) {
        MemoryStore::act(self, act);
    }

    async fn look(&self) -> Picture {
        MemoryStore::look(self)
    }
}
