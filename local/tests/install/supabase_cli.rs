//! The real Supabase CLI.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use local::npm;

const CLI: npm::Package<'_> = ("supabase", "3.1.0");
const PATIENCE: Duration = Duration::from_secs(120);

/// Applies `supabase/migrations` of the folder `project` to a database without TLS.
///
/// # Errors
/// When npm or Node is missing, or with the CLI's own words.
pub(crate) async fn migration_up(url: &str, project: &Path) -> Result<()> {
    let modules = npm::install(&[CLI], &|_| {}).await?;
    let running = Command::new("node")
        .arg(modules.join("supabase/dist/supabase.js"))
        .args(["migration", "up", "--yes"])
        .arg(format!("--remote={url}?sslmode=disable"))
        .current_dir(project)
        .env("HOME", project)
        .env("DO_NOT_TRACK", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, running)
        .await
        .context("the CLI did not end")??;
    let (said, complaints) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{said}\n{complaints}");
    Ok(())
}
