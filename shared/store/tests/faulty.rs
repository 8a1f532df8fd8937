//! A store that loses calls.

use store::contract::{Stage, connection};
use store::memory::{Fault, Faulty, MemoryStore, ready};
use store::{Claim, Claimed, Store, StoreError, Trigger};

async fn claim(store: &impl Store) -> Result<Claimed, StoreError> {
    let (instance, digest) = ("test".to_owned(), "digest".to_owned());
    let trigger = Trigger::Connection(connection(1));
    store
        .claim(&Claim {
            instance,
            digest,
            trigger,
        })
        .await
}

/// What a call says that fails so, and what the next one says.
fn check(fault: Fault, is_claimed_then: bool) {
    ready(async {
        let stage = Stage::new(MemoryStore::fresh(1)).await;
        let faulty = Faulty::new(stage.fixture.clone());
        faulty.fail_next(1, fault);
        let lost = claim(&faulty).await.expect_err("it is lost");
        assert_eq!(matches!(lost, StoreError::Busy(_)), fault == Fault::Busy);
        let then = claim(&faulty).await.expect("it answers");
        assert_eq!(
            matches!(then, Claimed::Claimed(_)),
            is_claimed_then,
            "{then:?}"
        );
        assert_eq!(faulty.calls(), 2);
    });
}

#[test]
fn a_call_is_lost_before_it_took_effect() {
    check(Fault::Before, true);
}

#[test]
fn a_call_is_lost_after_it_took_effect() {
    check(Fault::After, false);
}

#[test]
fn a_store_is_busy() {
    check(Fault::Busy, true);
}
