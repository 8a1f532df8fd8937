//! gcal-sync keeps a copy of a calendar with its own sync loop: three pages, a delta, and a token that aged.

use crate::served::{ANN, Served};
use anyhow::Result;
use serde_json::json;
use tests::python;
use tests::stack::root;
use tokio::process::Command;

/// With everything that it needs, so that all runs see the same.
const PACKAGES: [&str; 18] = [
    "aiohappyeyeballs==2.7.1",
    "aiohttp==3.14.5",
    "aiosignal==1.4.0",
    "annotated-types==0.8.0",
    "attrs==26.1.0",
    "frozenlist==1.8.0",
    "gcal_sync==8.0.0",
    "ical==14.3.1",
    "idna==3.20",
    "multidict==7.2.1",
    "propcache==0.5.4",
    "pydantic==2.14.3",
    "pydantic_core==2.50.4",
    "python-dateutil==4.0.0",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "tzdata==2026.6",
    "yarl==1.25.1",
];

#[tokio::test(flavor = "multi_thread")]
async fn gcal_sync_copies_three_pages_follows_a_delta_and_begins_anew_after_410() -> Result<()> {
    let google = Served::start().await?;
    // Its pages hold a thousand.
    let fill = json!({"count": 2100, "from": "2031-01-01T00:00:00Z"});
    google.control("POST", &format!("calendars/{ANN}/fill"), &fill)?;
    let environment = python::environment("gcal-sync", &PACKAGES).await?;
    let mut command = Command::new(environment.join("bin/python"));
    command
        .arg(root().join("tests/tests/scripts/google/gcal_sync_client.py"))
        .args([&google.origin, google.client("id")?, ANN]);
    google.run(&mut command).await
}
