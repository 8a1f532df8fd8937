//! Measurements of the product, printed. They compare runs on one machine with each other; no test
//! asserts a time.

pub mod bulk;
pub mod database;
mod functions;
pub mod google;
pub mod page;

use crate::stack::database::Driver;
use crate::stack::{COMPONENTS, build};
use crate::toolchain::artifact;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// What else than the product can be measured.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Part {
    /// Many changes at once, beside a plain function that does the same job.
    Bulk(bulk::Options),
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
    say("size of each component");
    for package in COMPONENTS {
        let source = format!(
            "target/components/wasm32-wasip2/component/{}.wasm",
            package.replace('-', "_")
        );
        let size = artifact(root, Path::new(&source)).metadata()?.len();
        say(&format!("  {package:<16} {:>5} kB", size / 1000));
    }
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
