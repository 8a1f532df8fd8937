//! The page's API against its own OpenAPI document: what this allows and forbids is sent, and every answer
//! is one that it names.

use anyhow::{Context, Result, ensure};
use local::stack::database::Driver;
use std::path::Path;
use std::time::Duration;
use tests::python::{SCHEMATHESIS, environment, output};
use tests::stack::{root, world};
use tokio::process::Command;

/// For the whole run.
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_document_allows_or_forbids_is_answered_as_it_says() -> Result<()> {
    let python = environment("schemathesis", &SCHEMATHESIS).await?;
    let w = world(Driver::Postgrest).await?;
    let ann = w.stack.people.first().context("Ann")?;
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let folder = std::env::temp_dir().join(format!("tandem-schemathesis-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut run = Command::new(python.join("bin/st"));
    run.current_dir(&folder)
        .env("PYTHONPATH", &scripts)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .arg("--config-file")
        .arg(scripts.join("schemathesis.toml"))
        .arg("run")
        .arg(root().join("functions/console/openapi.json"))
        .args([
            "--url",
            &format!("{}/functions/v1/console/api", w.stack.app),
        ])
        .args(["--header", &format!("Authorization: Bearer {}", ann.jwt)])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "20", "--seed", "1", "--checks", "all"])
        // Rules of RFC 5545, zones and cursors are more than patterns can say.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--generation-database", "none", "--no-color"]);
    let ended = output(&mut run, PATIENCE).await;
    _ = std::fs::remove_dir_all(&folder);
    let ended = ended?;
    let said = String::from_utf8_lossy(&ended.stdout);
    ensure!(
        ended.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    // Ids of events that really exist are followed from answer to question.
    for phase in ["✅  Coverage", "✅  Fuzzing", "✅  Stateful"] {
        ensure!(said.contains(phase), "{phase} did not run: {said}");
    }
    Ok(())
}
