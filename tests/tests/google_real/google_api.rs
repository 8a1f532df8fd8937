//! What Google's own client for Python gets is of Google's schema; what it does is tested in `google_client`.

use crate::served::{ANN, Served};
use anyhow::Result;
use std::path::PathBuf;
use tests::python;
use tests::stack::root;
use tokio::process::Command;

/// Where the client is installed.
pub async fn environment() -> Result<PathBuf> {
    python::environment("google-api", &python::GOOGLE_API).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_googles_client_for_python_gets_is_of_googles_schema() -> Result<()> {
    let google = Served::start().await?;
    let mut command = Command::new(environment().await?.join("bin/python"));
    command
        .arg(root().join("tests/tests/scripts/google_client.py"))
        .args([&google.origin, google.client("id")?, ANN])
        .arg(format!("{}/webhook", google.origin));
    google.run(&mut command).await
}
