//! What Google's own client for Python gets is of Google's schema; what it does is tested in `google_client`.

use crate::served::{ANN, Served};
use anyhow::Result;
use std::path::PathBuf;
use tests::python;
use tests::stack::root;
use tokio::process::Command;

/// With everything that it needs, so that all runs see the same. It brings the discovery document too.
const PACKAGES: [&str; 22] = [
    "certifi==2026.10.18",
    "cffi==2.1.1",
    "charset-normalizer==3.5.2",
    "cryptography==50.0.2",
    "google-api-core==2.44.0",
    "google-api-python-client==2.202.0",
    "google-auth==2.62.2",
    "google-auth-httplib2==0.4.4",
    "googleapis-common-protos==1.76.0",
    "httplib2==0.32.1",
    "idna==3.20",
    "opentelemetry-api==1.45.2",
    "proto-plus==1.29.0",
    "protobuf==7.36.2",
    "pyasn1==0.6.5",
    "pyasn1_modules==0.4.2",
    "pycparser==3.12",
    "pyparsing==3.3.3",
    "requests==2.34.2",
    "typing_extensions==4.16.0",
    "uritemplate==4.2.0",
    "urllib3==2.8.0",
];

/// Where the client is installed.
pub async fn environment() -> Result<PathBuf> {
    python::environment("google-real", &PACKAGES).await
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
