//! Random histories: both sides edit, messages are lost, doubled and late, Google fails before and after
//! it did the work, instances die at any call. At rest both sides are equal, each event exists once, no
//! uncontested edit is lost, and nothing moves any more.

mod crash;
mod history;
mod rest;

use crash::Kind;
use history::History;
use tests::inprocess::Fate;

/// Histories of one run; each prints its seed when it fails.
const HISTORIES: u64 = 20;

#[tokio::test]
async fn whatever_happens_both_sides_are_equal_at_rest() {
    for seed in 1..=HISTORIES {
        let mut history = History::start(seed).await.unwrap();
        for phase in 0..3 {
            history.act(12).await.unwrap();
            if let Err(error) = history.settle().await {
                panic!("seed {seed}, phase {phase}: {error:#}\n{}", history.told());
            }
        }
    }
}

/// A push makes three calls, four with a refresh or a read; a pull with a merge some more.
const CALLS: u32 = 8;

#[tokio::test]
async fn an_instance_may_end_at_any_call_of_any_kind_of_change() {
    use Kind::{CrmDelete, CrmInsert, CrmUpdate, GoogleDelete, GoogleInsert, GoogleUpdate};
    let mut history = History::start(1).await.unwrap();
    for kind in [
        CrmInsert,
        CrmUpdate,
        CrmDelete,
        GoogleInsert,
        GoogleUpdate,
        GoogleDelete,
    ] {
        for call in 0..CALLS {
            for fate in [Fate::KilledBefore, Fate::KilledAfter] {
                if let Err(error) = history.crash(kind, call, fate).await {
                    panic!("{kind:?}, {fate:?} at call {call}: {error:#}");
                }
            }
        }
    }
}
