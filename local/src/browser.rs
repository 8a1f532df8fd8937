//! The browser that tests and measurements drive.

use anyhow::{Result, ensure};
use nix::unistd::Uid;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// Where Debian's package puts it.
pub const CHROMIUM: &str = "/usr/bin/chromium";
const INSTALL: &str = "apt-get install -y --no-install-recommends chromium";
const PATIENCE: Duration = Duration::from_secs(600);

/// Makes sure that Chromium is there; installs it where this user may.
///
/// # Errors
/// When it is not; the text names the command that installs it.
pub async fn ensure_chromium() -> Result<()> {
    let there = || Path::new(CHROMIUM).exists();
    if !there() && Uid::effective().is_root() {
        let install = Command::new("sh")
            .args(["-c", INSTALL])
            .kill_on_drop(true)
            .output();
        let output = timeout(PATIENCE, install).await??;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    ensure!(there(), "there is no browser: run `{INSTALL}` as root");
    Ok(())
}
