//! What a browser fetches to show the page for the first time.

use crate::browser;
use crate::page;
use crate::smoke::fresh;
use crate::stack::build;
use crate::stack::database::Driver;
use anyhow::{Result, ensure};
use std::path::Path;
use tokio::process::Command;

/// Prints the requests and their size as they were transferred.
///
/// # Errors
/// When the stack does not run, or the page does not show itself.
pub async fn run(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    browser::ensure_chromium().await?;
    page::build(root, say).await?;
    let folder = page::install(root, say).await?;
    build(root, say)?;
    let stack = fresh(root, Driver::Neon, None, say).await?;
    let output = Command::new("node")
        .arg(folder.join("e2e/first-load.mjs"))
        .args([&stack.app, browser::CHROMIUM])
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    say(String::from_utf8_lossy(&output.stdout).trim_end());
    stack.stop().await;
    Ok(())
}
