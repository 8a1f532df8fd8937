//! Random histories in memory, and the ones that once found something.
#![allow(clippy::unwrap_used, reason = "a failing step fails the test")]

use model::history::{Scope, Soak, Story, live, soak};
use std::path::Path;

/// How many histories, where others are wanted than the usual ones; the binary `soak` is faster.
const OTHERS: &str = "TANDEM_HISTORIES";
const USUAL: u64 = 300;

#[test]
fn whatever_happens_both_sides_are_equal_at_rest() {
    let others = std::env::var(OTHERS).ok();
    let histories = others.map_or(USUAL, |others| others.parse().unwrap());
    let wanted = Soak {
        seeds: 1..histories + 1,
        scope: Scope::all(),
        workers: 2,
        failures: 1,
    };
    let soaked = soak(&wanted, &|_| {});
    if let Some(failure) = soaked.failures.first() {
        let (story, violation) = (failure.story.write(), &failure.violation);
        panic!(
            "seed {}: {}\n{}\nKeep it in stories:\n{story}",
            failure.seed, violation.promise, violation.found
        );
    }
    assert_eq!(soaked.tally.histories, histories);
}

/// A file in `stories` is one, as the binary `soak` printed it, named for what it is about.
#[test]
fn what_once_broke_a_promise_keeps_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stories");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut broken = Vec::new();
    for file in files {
        let story = Story::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        if let Err(violation) = live(&story) {
            let found: String = violation.found.chars().take(1_000).collect();
            broken.push(format!(
                "{}: {}\n{found}",
                file.display(),
                violation.promise
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
}
