//! `cargo local soak`: as many random histories as asked for.

use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tests::history::{Failure, Scope, Soak, Tally, soak};

/// Options; those of `cargo local soak` are passed on as they are.
#[derive(Parser)]
#[command(name = "cargo local soak", about = "Live through random histories")]
struct Arguments {
    /// How many.
    #[arg(long, default_value_t = 1_000)]
    histories: u64,
    /// The first one's seed; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads, each with a database of its own; by default one for each processor.
    #[arg(long)]
    workers: Option<usize>,
    /// What they may contain, of users, calendars, series, opt-out, late; all is everything.
    #[arg(long, value_delimiter = ',')]
    with: Option<Vec<String>>,
    /// Print the story of the first seed instead of living through it.
    #[arg(long)]
    show: bool,
    /// Failures after which it ends.
    #[arg(long, default_value_t = 1)]
    failures: usize,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let scope = arguments.with.as_deref().map_or_else(Scope::default, scope);
    if arguments.show {
        say(tests::history::story(arguments.seed, scope)
            .write()
            .trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = Soak {
        seeds: arguments.seed..arguments.seed + arguments.histories,
        scope,
        workers: arguments.workers.unwrap_or(processors),
        failures: arguments.failures,
    };
    let begun = Instant::now();
    let next = AtomicU64::new(10);
    let soaked = soak(&wanted, &|tally| {
        let at = begun.elapsed().as_secs();
        if at >= next.load(Ordering::Relaxed) {
            next.store(at + 10, Ordering::Relaxed);
            say(&progress(&tally, at));
        }
    })?;
    for failure in &soaked.failures {
        say(&report(failure));
    }
    let seconds = begun.elapsed().as_secs();
    say(&summary(&soaked.tally, seconds, soaked.failures.len()));
    Ok(ExitCode::from(u8::from(!soaked.failures.is_empty())))
}

fn scope(with: &[String]) -> Scope {
    let has = |name: &str| with.iter().any(|one| one == name || one == "all");
    Scope {
        several_users: has("users"),
        several_calendars: has("calendars"),
        series: has("series"),
        opt_out: has("opt-out"),
        late: has("late"),
    }
}

fn per_minute(count: u64, seconds: u64) -> u64 {
    count * 60 / seconds.max(1)
}

fn progress(tally: &Tally, seconds: u64) -> String {
    let rate = per_minute(tally.histories, seconds);
    format!("{} histories, {rate} a minute", tally.histories)
}

fn summary(tally: &Tally, seconds: u64, failures: usize) -> String {
    format!(
        "{} histories of {} steps and {} calls in {seconds} s: {} a minute
{} calls failed by Google, {} instances killed, {} instances or calls late, {} conflicts merged
{failures} failures",
        tally.histories,
        tally.steps,
        tally.calls,
        per_minute(tally.histories, seconds),
        tally.faults,
        tally.kills,
        tally.late,
        tally.conflicts,
    )
}

fn report(failure: &Failure) -> String {
    let Failure {
        seed,
        story,
        violation,
    } = failure;
    format!(
        "\n# seed {seed} broke the promise that {}:\n{}\n# {}",
        violation.promise,
        story.write().trim_end(),
        violation.found.replace('\n', "\n# ")
    )
}

#[expect(clippy::print_stdout, reason = "it talks to a person")]
fn say(line: &str) {
    println!("{line}");
}
