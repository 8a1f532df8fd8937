//! As many random histories as asked for, in memory.

use anyhow::{Context, Result};
use clap::Parser;
use model::history::{Failure, News, Scope, Soak, Story, Tally, live, shrink, soak, story, tell};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many.
    #[arg(long, default_value_t = 1_000)]
    histories: u64,
    /// What they may contain, by the names of `Scope`; `all` is everything.
    #[arg(long, default_value = "all")]
    scope: String,
    /// Lives through one that was written down.
    #[arg(long)]
    replay: Option<PathBuf>,
    /// Only prints the first one.
    #[arg(long)]
    show: bool,
    /// Failures after which no new one begins.
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    workers: usize,
    /// Tells all that happens in the replayed one.
    #[arg(long)]
    log: bool,
    /// Makes the replayed one smaller, too.
    #[arg(long)]
    shrink: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let scope = Scope::of(&arguments.scope).context("no such scope")?;
    if let Some(file) = &arguments.replay {
        let story = Story::read(&std::fs::read_to_string(file)?)?;
        if arguments.log {
            let (_, log) = tell(&story);
            say(&log.join("\n"));
        }
        return Ok(replay(story, arguments.shrink));
    }
    if arguments.show {
        say(story(arguments.seed, scope).write().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = Soak {
        seeds: arguments.seed..arguments.seed.saturating_add(arguments.histories),
        scope,
        workers: arguments.workers,
        failures: arguments.failures,
    };
    let begun = Instant::now();
    let soaked = soak(&wanted, &|news| match news {
        News::Broke(seed, violation) => say(&format!("seed {seed} broke: {}", violation.promise)),
        News::Shrunk(failure) => say(&report(failure)),
        News::Lived(_) => {}
    });
    say(&summary(
        &soaked.tally,
        begun.elapsed(),
        soaked.failures.len(),
    ));
    Ok(ExitCode::from(u8::from(!soaked.failures.is_empty())))
}

fn replay(story: Story, shrinks: bool) -> ExitCode {
    let begun = Instant::now();
    match live(&story) {
        Ok(tally) => {
            say(&summary(&tally, begun.elapsed(), 0));
            ExitCode::SUCCESS
        }
        Err(violation) => {
            let seed = story.seed;
            let (story, violation) = if shrinks {
                shrink(story, violation)
            } else {
                (story, violation)
            };
            say(&report(&Failure {
                seed,
                story,
                violation,
            }));
            ExitCode::FAILURE
        }
    }
}

fn summary(tally: &Tally, took: Duration, failures: usize) -> String {
    let rate = tally.histories as f64 * 60.0 / took.as_secs_f64().max(0.001);
    let steps: Vec<String> = tally
        .steps
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    let drawn: Vec<String> = tally
        .drawn
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    format!(
        "{} histories in {:.1} s: {rate:.0} a minute
steps: {}
drawn: {}
{} calls to Google, {} to the database; {} failed by Google, {} instances killed, {} instances or calls late, {} conflicts
{failures} failures",
        tally.histories,
        took.as_secs_f64(),
        steps.join(", "),
        drawn.join(", "),
        tally.calls,
        tally.stored,
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
    let found: String = violation.found.chars().take(2_000).collect();
    format!(
        "\nseed {seed} broke the promise: {}\n{}{found}\n",
        violation.promise,
        story.write()
    )
}

#[expect(clippy::print_stdout, reason = "it talks to a person")]
fn say(line: &str) {
    println!("{line}");
}
