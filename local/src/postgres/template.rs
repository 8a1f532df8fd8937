//! Makes clusters by copying one that was initialised once: initdb takes a second, a copy a tenth of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use super::connection::{SUPERUSER, SUPERUSER_PASSWORD};
use super::find::Install;
use super::layout::Layout;
use super::owner::{Owner, give, run_as};
use crate::cache;

/// Part of the cached folder's name; raise it when `initialise` changes.
const FORMAT: u32 = 1;

const PATIENCE: Duration = Duration::from_secs(120);

/// Puts a new cluster into `layout`, in place of whatever was there.
///
/// # Errors
/// When initdb or the copy fails.
pub async fn create(
    layout: &Layout,
    install: &Install,
    owner: Option<Owner>,
    progress: &dyn Fn(&str),
) -> Result<()> {
    let template = cached(install, owner, progress).await?;
    let data = layout.data();
    remove(&data)?;
    let copying = layout.home().join("copying");
    remove(&copying)?;
    let mut command = Command::new("cp");
    command.arg("-pR").arg(&template).arg(&copying);
    let output = run(command, "cp").await?;
    ensure!(
        output.status.success(),
        "make room in {}: the new database could not be copied there: {}",
        layout.home().display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    // Only a complete copy gets the name, so that an interrupted one is not taken for a cluster.
    fs::rename(&copying, &data)
        .with_context(|| format!("make {} writable", layout.home().display()))
}

async fn cached(
    install: &Install,
    owner: Option<Owner>,
    progress: &dyn Fn(&str),
) -> Result<PathBuf> {
    let root = cache::dir()?.join("clusters");
    cache::make_readable(&root)?;
    let template = root.join(format!("{}-{FORMAT}", install.version));
    if template.is_dir() {
        return Ok(template);
    }
    let _lock = cache::lock(&root.join("lock"), PATIENCE).await?;
    if template.is_dir() {
        return Ok(template);
    }
    progress(&format!("Initialising Postgres {}", install.version));
    let building = root.join("building");
    let password = root.join("password");
    remove(&building)?;
    fs::create_dir(&building).with_context(|| format!("make {} writable", root.display()))?;
    give(&building, owner)?;
    fs::write(&password, SUPERUSER_PASSWORD)?;
    let made = initialise(install, owner, &building, &password).await;
    let _ = fs::remove_file(&password);
    made?;
    fs::rename(&building, &template)
        .with_context(|| format!("make {} writable", root.display()))?;
    Ok(template)
}

async fn initialise(
    install: &Install,
    owner: Option<Owner>,
    data: &Path,
    password: &Path,
) -> Result<()> {
    let mut complaint = String::new();
    // C.UTF-8 knows letters beyond ASCII; systems without that locale get C.
    for locale in ["C.UTF-8", "C"] {
        let mut command = std::process::Command::new(install.program("initdb"));
        command
            .arg("-D")
            .arg(data)
            .arg("--pwfile")
            .arg(password)
            .args([
                "--username",
                SUPERUSER,
                "--auth",
                "scram-sha-256",
                "--encoding",
                "UTF8",
            ])
            .args(["--locale", locale, "--no-sync", "--no-instructions"])
            .env("LC_ALL", "C");
        run_as(&mut command, owner);
        let output = run(Command::from(command), "initdb").await?;
        if output.status.success() {
            return Ok(());
        }
        complaint = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "; ");
    }
    bail!(
        "set TANDEM_PG_BIN to another Postgres: initdb of {} failed: {complaint}",
        install.bin.display()
    )
}

async fn run(mut command: Command, name: &str) -> Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(PATIENCE, command.output()).await {
        Ok(output) => output.with_context(|| format!("check that this user can run {name}")),
        Err(_) => {
            bail!("start again when the machine is less busy: {name} took more than two minutes")
        }
    }
}

/// Removes a folder if it exists.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove the folder {} by hand", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
