//! `cargo local soak`: as many random histories as asked for.

use anyhow::{Context, Result};
use chrono::TimeDelta;
use clap::Parser;
use local::soak::{Feature, Options};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tests::history::{self, Failure, News, Scope, Soak, Story, Tally, soak, story};
use tests::inprocess::Database;
use tests::sixty_days::{self, Pace};

#[derive(Parser)]
#[command(name = "cargo local soak")]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn main() -> Result<ExitCode> {
    let options = Arguments::parse().options;
    let scope = options.with.as_deref().map_or_else(Scope::default, scope);
    if let Some(days) = options.days {
        return live(days);
    }
    if let Some(file) = &options.replay {
        return replay(file);
    }
    if options.show {
        say(story(options.seed, scope).write().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = Soak {
        seeds: options.seed..options.seed.saturating_add(options.histories),
        scope,
        workers: if options.workers == 0 {
            processors
        } else {
            options.workers
        },
        failures: options.failures,
    };
    let begun = Instant::now();
    let next = AtomicU64::new(10);
    let soaked = soak(&wanted, &|news| match news {
        News::Lived(tally) => {
            let at = begun.elapsed().as_secs();
            if at >= next.load(Ordering::Relaxed) {
                next.store(at + 10, Ordering::Relaxed);
                say(&progress(tally, at));
            }
        }
        News::Broke(seed, violation) => say(&format!(
            "seed {seed} broke the promise that {}; looking for a short history that does",
            violation.promise
        )),
        News::Shrunk(failure) => say(&report(failure)),
    })?;
    let seconds = begun.elapsed().as_secs();
    say(&summary(&soaked.tally, seconds, soaked.failures.len()));
    Ok(ExitCode::from(u8::from(!soaked.failures.is_empty())))
}

/// One connection over so many days.
fn live(days: u16) -> Result<ExitCode> {
    let pace = Pace {
        days: i64::from(days),
        tick: TimeDelta::minutes(5),
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let outcome = runtime
        .enable_all()
        .build()?
        .block_on(sixty_days::story(pace))?;
    say(outcome.told().trim_end());
    Ok(ExitCode::SUCCESS)
}

/// One history that was written down.
fn replay(file: &Path) -> Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let story = Story::read(&text)?;
    let begun = Instant::now();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let lived = runtime
        .enable_all()
        .build()?
        .block_on(async { anyhow::Ok(history::live(Database::new().await?, &story).await?.1) })?;
    match lived {
        Ok(tally) => {
            say(&summary(&tally, begun.elapsed().as_secs(), 0));
            Ok(ExitCode::SUCCESS)
        }
        Err(violation) => {
            say(&report(&Failure {
                seed: story.seed,
                story,
                violation,
            }));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn scope(with: &[Feature]) -> Scope {
    Scope {
        several_users: with.contains(&Feature::Users),
        several_calendars: with.contains(&Feature::Calendars),
        series: with.contains(&Feature::Series),
        opt_out: with.contains(&Feature::OptOut),
        references: with.contains(&Feature::References),
        late: with.contains(&Feature::Late),
        settings: with.contains(&Feature::Settings),
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
