//! A person at the simulator's page and at its consent page, in headless Chromium.

use crate::served::Served;
use anyhow::Result;
use local::{browser, npm};
use std::path::Path;
use tests::stack::root;
use tokio::process::Command;

const PACKAGES: [npm::Package<'static>; 1] = [("playwright-core", "1.65.1")];

#[tokio::test(flavor = "multi_thread")]
async fn a_person_creates_edits_answers_splits_deletes_and_consents_in_a_browser() -> Result<()> {
    browser::ensure_chromium().await?;
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
