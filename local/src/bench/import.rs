//! A first import through the real flow: connecting lists the first pages, the clock the rest.

use crate::smoke::fresh;
use crate::stack::build;
use crate::stack::database::Driver;
use crate::stack::sides::{Crm, Google};
use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// How large the calendar is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Options {
    /// Events of the large calendar; a tenth of them are imported too, to compare.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..))]
    events: u32,
    /// How components reach the database.
    #[arg(long, value_enum, default_value = "neon")]
    driver: Driver,
}

/// One import.
struct Imported {
    events: u32,
    taken: Duration,
    requests: usize,
    to_google: usize,
    to_database: usize,
    memory: usize,
}

/// Prints the measurements.
///
/// # Errors
/// When the stack does not run, or an event is missing after the import.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    build(root, say)?;
    let few = import(root, options.driver, options.events / 10, say).await?;
    let many = import(root, options.driver, options.events, say).await?;
    for imported in [&few, &many] {
        report(imported, say);
    }
    say(&format!(
        "memory at {} events is {:.2} times that at {}",
        many.events,
        many.memory as f64 / few.memory.max(1) as f64,
        few.events
    ));
    Ok(())
}

async fn import(root: &Path, driver: Driver, events: u32, say: &dyn Fn(&str)) -> Result<Imported> {
    let stack = fresh(root, driver, say).await?;
    stack.tick().await?;
    let google = Google::of(&stack, 0).await?;
    let person = stack.people.first().context("no demo user")?;
    let fill = format!("calendars/{}/fill", person.email);
    google
        .control(Method::POST, &fill, &json!({"count": events}))
        .await?;
    let crm = Crm::of(&stack).await?;
    say(&format!("importing {events} events"));
    stack.calls.reset();
    let begun = Instant::now();
    stack.connect(0).await?;
    let open = "select count(*) from tandem.calendars where imported_at is null";
    while crm.value(open).await? != json!(0) {
        let ticked = stack.tick().await?;
        say(&format!("  a tick goes on: {ticked}"));
    }
    let taken = begun.elapsed();
    let found = crm.value("select count(*) from public.events").await?;
    ensure!(found == json!(events), "{found} of {events} events arrived");
    let (made, handled) = stack.calls.take();
    let to_google = made.iter().filter(|call| call.to_google).count();
    let imported = Imported {
        events,
        taken,
        requests: handled.len(),
        to_google,
        to_database: made.len() - to_google,
        memory: handled
            .iter()
            .map(|one| one.memory)
            .max()
            .unwrap_or_default(),
    };
    stack.stop().await;
    Ok(imported)
}

fn report(imported: &Imported, say: &dyn Fn(&str)) {
    let Imported {
        events,
        taken,
        requests,
        to_google,
        to_database,
        memory,
    } = imported;
    let seconds = taken.as_secs_f64();
    say(&format!(
        "{events} events: {:.0} a second; {requests} requests in, {to_google} calls to Google, {to_database} to the database; \
         the largest instance had {:.1} MB of memory",
        f64::from(*events) / seconds,
        *memory as f64 / 1e6
    ));
}
