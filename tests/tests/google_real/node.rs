//! Google's own client library for Node.js works against the simulator as it does against Google.

use crate::served::Served;
use anyhow::{Result, ensure};
use local::npm;
use tests::stack::root;
use tokio::process::Command;

/// Is never asked for consent.
const CARL: &str = "carl@example.com";
const PACKAGES: [npm::Package<'static>; 1] = [("googleapis", "188.0.0")];

#[tokio::test(flavor = "multi_thread")]
async fn googles_client_for_node_signs_in_writes_syncs_watches_refreshes_and_retries() -> Result<()>
{
    let google = Served::start().await?;
    google.sim.add_user(CARL, "Carl", true);
    let modules = npm::install(&PACKAGES, &|_| {}).await?;
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/tests/scripts/google/googleapis_client.js"))
        .args([
            &google.origin,
            google.client("id")?,
            google.client("secret")?,
            CARL,
        ])
        .env("NODE_PATH", modules);
    google.run(&mut command).await?;
    let messages = google.messages(2).await?;
    let header = |n: usize, name: &str| {
        messages[n]
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    ensure!(
        header(0, "x-goog-resource-state") == "sync" && header(0, "x-goog-message-number") == "1"
    );
    ensure!(
        header(1, "x-goog-resource-state") == "exists"
            && header(1, "x-goog-channel-token") == "secret"
    );
    ensure!(
        messages.len() == 2,
        "a message came after the stop: {messages:?}"
    );
    Ok(())
}
