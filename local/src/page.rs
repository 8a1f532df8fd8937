//! Builds the console's page with npm, as far as its sources changed.

use crate::cache;
use crate::toolchain::command;
use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The workspace of the page and the hook.
const FOLDER: &str = "functions/console";
/// What the page is made from.
const SOURCES: [&str; 6] = [
    ".npmrc",
    "openapi.json",
    "package.json",
    "package-lock.json",
    "page",
    "react",
];
/// What npm and the build make beside it.
const MADE: [&str; 2] = ["node_modules", "dist"];
/// The digest of what the folder beside it was made from.
const STAMP: &str = ".made-from";
const INSTALL: &str =
    "install Node.js 20.19 or later with npm (Debian: apt-get install -y nodejs npm)";
/// For one step of npm.
const PATIENCE: Duration = Duration::from_secs(600);

/// The workspace's folder.
pub fn folder(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

/// Makes `page/dist`, at once when nothing changed since.
///
/// # Errors
/// When Node is missing, or npm or the build fails; then with their own words.
pub async fn build(root: &Path, progress: &dyn Fn(&str)) -> Result<()> {
    let folder = folder(root);
    let _lock = lock(&folder).await?;
    let dist = folder.join("page/dist");
    let sources = digest(&SOURCES.map(|name| folder.join(name)))?;
    if is_made_from(&dist, &sources) {
        return Ok(());
    }
    install_unlocked(&folder, progress)?;
    progress("building the page");
    npm(&folder, &["run", "build"])?;
    fs::write(dist.join(STAMP), sources)?;
    Ok(())
}

/// Installs the workspace's packages, at once when they are there, and answers its folder.
///
/// # Errors
/// When Node is missing, or npm fails.
pub async fn install(root: &Path, progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let folder = folder(root);
    let _lock = lock(&folder).await?;
    install_unlocked(&folder, progress)?;
    Ok(folder)
}

fn install_unlocked(folder: &Path, progress: &dyn Fn(&str)) -> Result<()> {
    let modules = folder.join("node_modules");
    let wanted = digest(&[
        folder.join("package.json"),
        folder.join("package-lock.json"),
        folder.join("page/package.json"),
        folder.join("react/package.json"),
    ])?;
    if is_made_from(&modules, &wanted) {
        return Ok(());
    }
    ensure!(
        command::exists("node") && command::exists("npm"),
        "{INSTALL}: it builds the page"
    );
    progress("fetching the page's packages from npm");
    let quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
    npm(folder, &[&["ci"][..], &quiet].concat())?;
    fs::write(modules.join(STAMP), wanted)?;
    Ok(())
}

/// Held by whoever builds: `cargo dev` and tests may start at once.
async fn lock(folder: &Path) -> Result<fs::File> {
    cache::lock(&folder.join(".building"), PATIENCE * 2).await
}

fn npm(folder: &Path, arguments: &[&str]) -> Result<()> {
    let mut npm = Command::new("sh");
    // npm writes to both; only one is read.
    npm.args(["-c", "exec npm \"$@\" 1>&2", "npm"])
        .args(arguments)
        .arg("--loglevel=error")
        .current_dir(folder);
    let ended =
        command::run(&mut npm, Some(PATIENCE), &mut |_| {}).with_context(|| INSTALL.to_owned())?;
    if !ended.ok {
        let from = ended.lines.len().saturating_sub(40);
        let last = ended.lines.get(from..).unwrap_or_default().join("\n");
        bail!("npm {} failed:\n{last}", arguments.join(" "));
    }
    Ok(())
}

fn is_made_from(made: &Path, digest: &str) -> bool {
    fs::read_to_string(made.join(STAMP)).is_ok_and(|stamp| stamp == digest)
}

/// A digest of all names and contents at these places.
fn digest(places: &[PathBuf]) -> Result<String> {
    let mut hash = Sha256::new();
    for place in places {
        add(&mut hash, place)?;
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn add(hash: &mut Sha256, place: &Path) -> Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    if place.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(place)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        entries.sort();
        for entry in entries {
            let own = entry.file_name().unwrap_or_default();
            if !MADE.iter().any(|made| own == *made) {
                add(hash, &entry)?;
            }
        }
        return Ok(());
    }
    let content = fs::read(place).with_context(|| format!("{} cannot be read", place.display()))?;
    hash.update(name.as_bytes());
    hash.update((content.len() as u64).to_le_bytes());
    hash.update(&content);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_and_the_build_make_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let digest = || digest(&[folder.path().join("page")]).unwrap();
        write("page/src/main.tsx", "one");
        let first = digest();
        write("page/dist/index.html", "made");
        write("page/node_modules/x/index.js", "fetched");
        assert_eq!(digest(), first);
        write("page/src/main.tsx", "two");
        assert_ne!(digest(), first);
    }
}
