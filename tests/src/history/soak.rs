//! Many stories, side by side, each worker with a database of its own.

use super::generate::story;
use super::run::{Tally, Violation, live};
use super::shrink::shrink;
use super::step::{Scope, Story};
use crate::inprocess::Database;
use anyhow::{Context, Result};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    Lived(Tally),
    /// One broke a promise and is being made smaller.
    Broke(u64, &'a Violation),
    /// It is as small as it gets.
    Shrunk(&'a Failure),
}

/// Lives through all of them; `told` hears of each.
///
/// # Errors
/// When Postgres is out of order; a broken promise is no error.
pub fn soak(soak: &Soak, told: &(dyn Fn(&News<'_>) + Sync)) -> Result<Soaked> {
    let shared = Shared {
        soak,
        next: AtomicU64::new(soak.seeds.start),
        stop: AtomicBool::new(false),
        soaked: Mutex::default(),
        told,
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..soak.workers.max(1))
            .map(|_| scope.spawn(|| worker(&shared)))
            .collect();
        let mut ended = Ok(());
        for worker in workers {
            let one = worker
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a worker panicked")));
            ended = ended.and(one);
        }
        ended
    })?;
    let mut soaked = shared
        .soaked
        .into_inner()
        .ok()
        .context("a worker panicked")?;
    soaked.failures.sort_by_key(|failure| failure.seed);
    Ok(soaked)
}

fn worker(shared: &Shared<'_>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(work(shared));
    shared.stop.fetch_or(ended.is_err(), Ordering::Relaxed);
    ended
}

async fn work(shared: &Shared<'_>) -> Result<()> {
    let mut database = Database::new().await?;
    loop {
        let seed = shared.next.fetch_add(1, Ordering::Relaxed);
        if !shared.soak.seeds.contains(&seed) || shared.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let story = story(seed, shared.soak.scope);
        let lived;
        (database, lived) = live(database, &story).await?;
        let failure = match lived {
            Ok(tally) => {
                add(shared, tally)?;
                continue;
            }
            Err(violation) => {
                (shared.told)(&News::Broke(seed, &violation));
                let (back, story, violation) = shrink(database, story, violation).await?;
                database = back;
                Failure {
                    seed,
                    story,
                    violation,
                }
            }
        };
        (shared.told)(&News::Shrunk(&failure));
        let mut soaked = shared.soaked.lock().ok().context("a worker panicked")?;
        soaked.failures.push(failure);
        let enough = soaked.failures.len() >= shared.soak.failures;
        shared.stop.fetch_or(enough, Ordering::Relaxed);
    }
}

fn add(shared: &Shared<'_>, tally: Tally) -> Result<()> {
    let mut soaked = shared.soaked.lock().ok().context("a worker panicked")?;
    soaked.tally.add(tally);
    (shared.told)(&News::Lived(soaked.tally));
    Ok(())
}
