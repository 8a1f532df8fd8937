//! Installs npm packages of exact versions into the cache.
//!
//! Through the ordinary client, with install scripts off: a package is data here, nothing of it runs at install.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::cache;

const PATIENCE: Duration = Duration::from_secs(300);

/// A package and its exact version.
pub type Package<'a> = (&'a str, &'a str);

/// Installs the packages together and returns their `node_modules` folder; at once when they are cached.
///
/// # Errors
/// When npm is missing, fails, or takes longer than five minutes.
pub async fn install(packages: &[Package<'_>], progress: &dyn Fn(&str)) -> Result<PathBuf> {
    let root = cache::dir()?.join("npm");
    cache::make_readable(&root)?;
    let home = root.join(folder_name(packages));
    let modules = home.join("node_modules");
    if modules.is_dir() {
        return Ok(modules);
    }
    let _lock = cache::lock(&root.join("lock"), PATIENCE).await?;
    if modules.is_dir() {
        return Ok(modules);
    }
    let names: Vec<String> = packages
        .iter()
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    progress(&format!("Fetching {} from npm", names.join(", ")));
    let building = root.join("building");
    let _ = fs::remove_dir_all(&building);
    cache::make_readable(&building)?;
    fs::write(building.join("package.json"), r#"{"private":true}"#)?;
    run(&building, &names).await?;
    // A rename is atomic: whoever finds the folder finds all of it.
    let _ = fs::remove_dir_all(&home);
    fs::rename(&building, &home)
        .with_context(|| format!("make {} writable for this user", root.display()))?;
    Ok(modules)
}

async fn run(folder: &Path, names: &[String]) -> Result<()> {
    let mut command = Command::new("npm");
    command
        .args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--save-exact",
            "--loglevel=error",
        ])
        .args(names)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(_)) => bail!(
            "install Node.js with npm: {} come from there",
            names.join(", ")
        ),
        Err(_) => bail!(
            "check the network: npm did not deliver {} in five minutes",
            names.join(", ")
        ),
    };
    ensure!(
        output.status.success(),
        "check the network and npm's settings: npm could not install {}: {}",
        names.join(", "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn folder_name(packages: &[Package<'_>]) -> String {
    let names: Vec<String> = packages
        .iter()
        .map(|(name, version)| format!("{}-{version}", name.trim_start_matches('@')))
        .collect();
    names.join("+").replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_after_all_its_packages() {
        assert_eq!(
            folder_name(&[("@scope/one", "1.2.3"), ("two", "4.0.0-1")]),
            "scope-one-1.2.3+two-4.0.0-1"
        );
    }
}
