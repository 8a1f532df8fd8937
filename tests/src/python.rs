//! Python packages of exact versions, each set in a virtual environment that is made once per machine.

use anyhow::{Context, Result, bail, ensure};
use local::cache;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// For an installation.
const PATIENCE: Duration = Duration::from_secs(300);

/// Google's client library with everything that it needs, so that all runs see the same. It brings the
/// discovery document too.
pub const GOOGLE_API: [&str; 22] = [
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

/// schemathesis, which asks an API whatever its OpenAPI document allows and forbids.
pub const SCHEMATHESIS: [&str; 27] = [
    "anyio==4.16.0",
    "certifi==2026.10.18",
    "charset-normalizer==3.5.2",
    "click==8.5.1",
    "graphql-core==3.3.2",
    "harfile==0.6.0",
    "hypothesis-graphql==0.13.5",
    "hypothesis==6.170.15",
    "idna==3.20",
    "iniconfig==2.3.1",
    "jsonschema_rs==0.60.3",
    "markdown-it-py==4.3.0",
    "MarkupSafe==3.0.4",
    "mdurl==0.1.2",
    "packaging==26.3",
    "pluggy==1.7.0",
    "Pygments==2.21.0",
    "pyrate-limiter==4.5.1",
    "pytest==9.2.0",
    "PyYAML==6.0.3",
    "requests==2.34.2",
    "rich==15.0.0",
    "schemathesis==4.32.5",
    "sortedcontainers==2.4.0",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "Werkzeug==3.1.9",
];

/// The folder of an environment with exactly these packages (`name==version`); `bin/python` is in it.
///
/// # Errors
/// When Python 3 is missing or a package cannot be fetched.
pub async fn environment(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let home = cache::dir()?.join("python");
    cache::make_readable(&home)?;
    let ready = home.join(name);
    let wanted = packages.join("\n");
    let done = ready.join("done");
    let _lock = cache::lock(&home.join(format!("{name}.lock")), PATIENCE).await?;
    if std::fs::read_to_string(&done).is_ok_and(|list| list == wanted) {
        return Ok(ready);
    }
    _ = std::fs::remove_dir_all(&ready);
    install(&ready, packages).await?;
    // Written last: an installation that was interrupted begins anew.
    std::fs::write(done, wanted)?;
    Ok(ready)
}

/// A file that a package brought, by its path below `site-packages`.
///
/// # Errors
/// When there is none.
pub fn file(environment: &Path, path: &str) -> Result<PathBuf> {
    for version in std::fs::read_dir(environment.join("lib"))? {
        let file = version?.path().join("site-packages").join(path);
        if file.is_file() {
            return Ok(file);
        }
    }
    bail!("no package brought {path}")
}

/// Runs a program to its end and answers what it wrote.
///
/// # Errors
/// When it does not start or does not end in time.
pub async fn output(command: &mut Command, patience: Duration) -> Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(patience, command.output()).await {
        Ok(output) => output.with_context(|| format!("install what {command:?} needs")),
        Err(_) => bail!("{command:?} did not end within {patience:?}"),
    }
}

async fn install(ready: &Path, packages: &[&str]) -> Result<()> {
    let mut venv = Command::new("python3");
    let made = output(venv.args(["-m", "venv"]).arg(ready), PATIENCE).await?;
    ensure!(
        made.status.success(),
        "install Python 3 with venv: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let mut pip = Command::new(ready.join("bin/python"));
    // All packages are named, and nothing of them runs at install.
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--only-binary", ":all:"])
        .args(packages);
    let installed = output(&mut pip, PATIENCE).await?;
    ensure!(
        installed.status.success(),
        "check the network and pip's settings: {}",
        String::from_utf8_lossy(&installed.stderr)
    );
    Ok(())
}
