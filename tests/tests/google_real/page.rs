//! A person at the simulator's page and at its consent page, in headless Chromium.

use crate::served::Served;
use anyhow::{Result, ensure};
use local::npm;
use std::path::Path;
use std::time::Duration;
use tests::python;
use tests::stack::root;
use tokio::process::Command;

const PACKAGES: [npm::Package<'static>; 1] = [("playwright-core", "1.65.1")];
const INSTALL: &str = "apt-get install -y --no-install-recommends chromium";
const PATIENCE: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_creates_edits_answers_splits_deletes_and_consents_in_a_browser() -> Result<()> {
    chromium().await?;
    let google = Served::start().await?;
    let modules = npm::install(&PACKAGES, &|_| {}).await?;
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("google-page");
    std::fs::create_dir_all(&shots)?;
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/tests/scripts/google/page_client.js"))
        .args([&google.origin, google.client("id")?])
        .arg(shots)
        .env("NODE_PATH", modules);
    google.run(&mut command).await
}

/// Debian's browser, installed where this user may.
async fn chromium() -> Result<()> {
    let there = || Path::new("/usr/bin/chromium").exists();
    let is_root = || {
        std::fs::metadata("/proc/self")
            .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    };
    if !there() && is_root() {
        let mut install = Command::new("sh");
        install.args(["-c", INSTALL]);
        let output = python::output(&mut install, PATIENCE).await?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    ensure!(there(), "there is no browser: run `{INSTALL}` as root");
    Ok(())
}
