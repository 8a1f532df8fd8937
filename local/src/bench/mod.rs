//! Measurements of the product, printed. They compare runs on one machine with each other; no test
//! asserts a time.

pub mod bulk;
pub mod components;
pub mod database;
mod functions;
pub mod google;
pub mod page;
mod plain;

use crate::stack::build;
use crate::stack::database::Driver;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// What else than the product can be measured.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Part {
    /// Many changes at once, beside a plain function that does the same job.
    Bulk(bulk::Options),
    /// The components: size, instance, cold start beside the plain function's.
    Components(components::Options),
    /// What the triggers cost the CRM.
    Database,
    /// A large calendar in the Google simulator.
    Google,
    /// The console's page: what a browser fetches at first.
    Page,
}

/// Prints the components' sizes, their calls and their times, for each driver.
///
/// # Errors
/// When the stack does not run.
pub async fn run(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    build(root, say)?;
    components::sizes(root, say)?;
    for driver in [Driver::Neon, Driver::Postgrest] {
        functions::run(root, driver, say).await?;
    }
    Ok(())
}

/// The value below which `percent` of the sorted times are.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}
