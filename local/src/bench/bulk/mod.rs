//! Many changes at once, beside a plain function that does the same job without the care. Ratios of one run compare;
//! seconds are this machine's.

mod lab;
mod listings;
mod writes;

use crate::stack::build;
use anyhow::Result;
use lab::Lab;
use std::path::Path;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Milliseconds that Google takes to answer.
    #[arg(long, default_value_t = 250)]
    google_delay: u64,
    /// Only these.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// One change after the other.
    Single,
    /// 500 rows in one statement.
    Statement,
    /// The same under Google's quota of a user.
    Quota,
    /// 20 users with 100 rows each.
    Users,
    /// 1,000 transactions, 16 at a time.
    Transactions,
    /// 20 users with 100 rows each, found by a tick alone.
    Tick,
    /// Single changes beside 2,000 rows of the same user's and of another's.
    Overtaking,
    /// A notification of 1, 50, 250 events.
    Notification,
    /// 10,000 events of a calendar that is connected.
    Import,
    /// 10,000 rows of a user who connects a calendar.
    Export,
}

/// Prints the measurements.
///
/// # Errors
/// When the stack or the plain function does not run.
pub async fn run(root: &Path, options: Options, say: &dyn Fn(&str)) -> Result<()> {
    build(root, say)?;
    let lab = Lab::start(root, options.google_delay, say).await?;
    say(&format!(
        "Google answers in {} ms; Tandem, the plain function, and their ratio",
        options.google_delay
    ));
    let all = <Part as clap::ValueEnum>::value_variants();
    let is_wanted = |part: &&Part| options.only.is_empty() || options.only.contains(part);
    for part in all.iter().filter(is_wanted) {
        match part {
            Part::Single => writes::single(&lab, say).await?,
            Part::Statement => writes::statement(&lab, say).await?,
            Part::Quota => writes::quota(&lab, say).await?,
            Part::Users => writes::users(&lab, say).await?,
            Part::Transactions => writes::transactions(&lab, say).await?,
            Part::Tick => writes::tick(&lab, say).await?,
            Part::Overtaking => writes::overtaking(&lab, say).await?,
            Part::Notification => listings::notification(&lab, say).await?,
            Part::Import => listings::import(&lab, say).await?,
            Part::Export => listings::export(&lab, say).await?,
        }
    }
    lab.stop().await;
    Ok(())
}
