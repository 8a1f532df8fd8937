//! The store in memory, held to the contract.

use chrono::{DateTime, Utc};
use store::contract::{self, Fixture, differential};
use store::memory::{MemoryStore, ready};
use store::sides::{Act, CrmError, Picture, Statement};

macro_rules! tests {
    ($($subject:ident: $($check:ident),+;)+) => {
        $(mod $subject {
            $(#[test]
            fn $check() {
                super::check(concat!(stringify!($subject), "::", stringify!($check)));
            })+
        })+
    };
}

store::store_checks!(tests);

fn check(name: &str) {
    ready(contract::check(name, MemoryStore::fresh(1)));
}

#[test]
fn every_check_is_run_by_run_all() {
    ready(contract::run_all(async || MemoryStore::fresh(2)));
}

#[test]
fn random_histories_are_told_alike() {
    for seed in 0..60 {
        let (a, b) = (MemoryStore::fresh(seed), MemoryStore::fresh(!seed));
        let told = ready(differential(a, b, seed, 200));
        assert_eq!(told, Ok(()));
    }
}

/// A store whose CRM forgets each tenth transaction.
struct Forgetful(MemoryStore, std::cell::Cell<u32>);

impl Fixture for Forgetful {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.0
    }

    fn instance(&self) -> &str {
        self.0.instance()
    }

    async fn set_now(&self, now: DateTime<Utc>) {
        self.0.set_now(now);
    }

    async fn transact(&self, statements: &[Statement]) -> Result<(), CrmError> {
        self.1.set(self.1.get() + 1);
        if self.1.get().is_multiple_of(10) {
            return Ok(());
        }
        Fixture::transact(&self.0, statements).await
    }

    async fn act(&self, act: &Act) {
        self.0.act(act);
    }

    async fn look(&self) -> Picture {
        self.0.look()
    }
}

#[test]
fn a_difference_is_found() {
    let (a, b) = (
        MemoryStore::fresh(1),
        Forgetful(MemoryStore::fresh(1), 0.into()),
    );
    let told = ready(differential(a, b, 1, 1000)).expect_err("they differ");
    assert_ne!(told.first, told.second);
}

#[test]
fn a_fork_goes_its_own_way() {
    let store = MemoryStore::fresh(1);
    let other = store.fork();
    ready(async {
        let stage = contract::Stage::new(other).await;
        assert_eq!(stage.fixture.look().connections.len(), 3);
    });
    assert_eq!(store.look(), Picture::default());
}
