//! Many stories, side by side, on several threads.

use super::generate::story;
use super::run::{Tally, Violation, live};
use super::shrink::shrink;
use super::step::{Scope, Story};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A story that broke a promise, as small as it could be made.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed that it was made from.
    pub seed: u64,
    /// The small story.
    pub story: Story,
    /// What it broke.
    pub violation: Violation,
}

/// How a soak ended.
#[derive(Debug, Clone, Default)]
pub struct Soaked {
    /// What happened.
    pub tally: Tally,
    /// What was found, by seed.
    pub failures: Vec<Failure>,
}

/// Which stories a soak is made of.
#[derive(Debug, Clone)]
pub struct Soak {
    /// Their seeds.
    pub seeds: Range<u64>,
    /// What they may contain.
    pub scope: Scope,
    /// Threads.
    pub workers: usize,
    /// Failures after which no new story begins.
    pub failures: usize,
}

struct Shared<'a> {
    soak: &'a Soak,
    next: AtomicU64,
    stop: AtomicBool,
    soaked: Mutex<Soaked>,
    told: &'a (dyn Fn(&News<'_>) + Sync),
}

/// What is told while a soak goes on.
#[derive(Debug)]
pub enum News<'a> {
    /// One more was lived through; the sum of all.
    Lived(&'a Tally),
    /// One broke a promise and is being made smaller.
    Broke(u64, &'a Violation),
    /// It is as small as it gets.
    Shrunk(&'a Failure),
}

/// Lives through all of them; `told` hears of each.
pub fn soak(soak: &Soak, told: &(dyn Fn(&News<'_>) + Sync)) -> Soaked {
    let shared = Shared {
        soak,
        next: AtomicU64::new(soak.seeds.start),
        stop: AtomicBool::new(false),
        soaked: Mutex::default(),
        told,
    };
    std::thread::scope(|scope| {
        for _ in 0..soak.workers.max(1) {
            scope.spawn(|| work(&shared));
        }
    });
    let mut soaked = shared
        .soaked
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    soaked.failures.sort_by_key(|failure| failure.seed);
    soaked
}

fn work(shared: &Shared<'_>) {
    loop {
        let seed = shared.next.fetch_add(1, Ordering::Relaxed);
        if !shared.soak.seeds.contains(&seed) || shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let story = story(seed, shared.soak.scope);
        let failure = match live(&story) {
            Ok(tally) => {
                let mut soaked = shared.soaked.lock().unwrap_or_else(PoisonError::into_inner);
                soaked.tally.add(tally);
                (shared.told)(&News::Lived(&soaked.tally));
                continue;
            }
            Err(violation) => {
                (shared.told)(&News::Broke(seed, &violation));
                let (story, violation) = shrink(story, violation);
                Failure {
                    seed,
                    story,
                    violation,
                }
            }
        };
        (shared.told)(&News::Shrunk(&failure));
        let mut soaked = shared.soaked.lock().unwrap_or_else(PoisonError::into_inner);
        soaked.failures.push(failure);
        let enough = soaked.failures.len() >= shared.soak.failures;
        shared.stop.fetch_or(enough, Ordering::Relaxed);
    }
}
