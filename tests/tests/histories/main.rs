//! Random histories, the ones that once found something, and an end of the instance at every call of
//! every kind of change.

mod crash;
mod kept;

use tests::history::{Scope, Soak, soak};

/// Histories of one run; `cargo local soak` lives through as many as asked for.
const HISTORIES: u64 = 300;

#[test]
fn whatever_happens_both_sides_are_equal_at_rest() {
    let wanted = Soak {
        seeds: 1..HISTORIES + 1,
        scope: Scope::default(),
        workers: 2,
        failures: 1,
    };
    let soaked = soak(&wanted, &|_| {}).unwrap();
    if let Some(failure) = soaked.failures.first() {
        let (story, violation) = (failure.story.write(), &failure.violation);
        panic!(
            "seed {}: {}\n{}\nKeep it in histories/kept:\n{story}",
            failure.seed, violation.promise, violation.found
        );
    }
    assert_eq!(soaked.tally.histories, HISTORIES);
}
