//! Random histories on Postgres.

use database_tests::Blocking;
use model::World;
use model::history::{Scope, live_on, story};
use std::env;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Others than the usual ones: `TANDEM_DATABASE_HISTORIES="first seed, how many"`.
const OTHERS: &str = "TANDEM_DATABASE_HISTORIES";
const USUAL: Range<u64> = 1..21;

fn wanted() -> Range<u64> {
    let Ok(given) = env::var(OTHERS) else {
        return USUAL;
    };
    let mut numbers = given
        .split(',')
        .map(|number| number.trim().parse().expect("a number"));
    let (Some(first), Some(count)) = (numbers.next(), numbers.next()) else {
        panic!("{OTHERS} is two numbers");
    };
    first..first + count
}

fn lives(seed: u64, database: &Rc<Blocking>) -> Result<(), String> {
    let story = story(seed, Scope::all());
    let on = |seed, now| {
        database.reset();
        World::on(Rc::<Blocking>::clone(database), seed, now)
    };
    let lived = live_on(&story, &on);
    let found = |violation: model::history::Violation| {
        format!(
            "seed {seed}: {}: {}\n{}",
            violation.promise,
            violation.found,
            story.write()
        )
    };
    lived.map(drop).map_err(found)
}

#[test]
fn whatever_happens_both_sides_are_equal_at_rest() {
    let seeds = wanted();
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let database = Rc::new(Blocking::new());
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        return;
                    }
                    if let Err(found) = lives(seed, &database) {
                        panic!("{found}");
                    }
                    if (seed - seeds.start).is_multiple_of(100) {
                        println!("{} histories", seed - seeds.start);
                    }
                }
            });
        }
    });
}
