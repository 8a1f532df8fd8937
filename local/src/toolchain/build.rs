//! Compiles packages of the workspace to components.

use super::{TARGET, Toolchain, command};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// Where the manifest expects what is built; components have a folder of their own so that builds
/// for the host and for components do not throw out each other's work.
const FOLDER: &str = "target/components";
/// The profile in the workspace's Cargo.toml.
const PROFILE: &str = "component";

/// Where components are built: `$TANDEM_TARGET_DIR`, else `target/components` below `root`.
pub fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("TANDEM_TARGET_DIR")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| root.join(FOLDER), |folder| root.join(folder))
}

/// Where a manifest's `source` is: below `root`, unless `$TANDEM_TARGET_DIR` moved what is built.
pub fn artifact(root: &Path, source: &Path) -> PathBuf {
    source
        .strip_prefix(FOLDER)
        .map_or_else(|_| root.join(source), |rest| target_dir(root).join(rest))
}

/// Compiles `packages` of the workspace at `root`, as far as they have changed, and answers their
/// components in the same order. Says through `progress` when something really is compiled.
///
/// # Errors
/// When cargo fails; then with its own messages.
pub fn build_components(
    root: &Path,
    toolchain: &Toolchain,
    packages: &[&str],
    progress: &dyn Fn(&str),
) -> Result<Vec<PathBuf>> {
    let root = &std::path::absolute(root)?;
    let folder = target_dir(root);
    let mut cargo = toolchain.cargo()?;
    cargo
        .current_dir(root)
        .args([
            "build",
            "--target",
            TARGET,
            "--profile",
            PROFILE,
            "--color",
            "never",
        ])
        .arg("--target-dir")
        .arg(&folder);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let mut compiles = false;
    let ended = command::run(&mut cargo, None, &mut |line| {
        let line = line.trim();
        if let Some(named) = line.strip_prefix("Compiling ") {
            if !compiles {
                progress("compiling the components: some minutes the first time");
                compiles = true;
            }
            let name = named.split(' ').next().unwrap_or_default();
            if packages.contains(&name) {
                progress(&format!("compiling {name}"));
            }
        } else if line.starts_with("Blocking ") {
            progress("waiting for another build of the components");
        }
    })?;
    if !ended.ok {
        bail!(
            "the components do not compile:\n{}",
            complaints(&ended.lines)
        );
    }
    let built = folder.join(TARGET).join(PROFILE);
    Ok(packages
        .iter()
        .map(|package| built.join(format!("{}.wasm", package.replace('-', "_"))))
        .collect())
}

/// Cargo's lines without those that report progress.
fn complaints(lines: &[String]) -> String {
    const PROGRESS: [&str; 8] = [
        "Blocking",
        "Checking",
        "Compiling",
        "Downloaded",
        "Downloading",
        "Finished",
        "Locking",
        "Updating",
    ];
    let kept: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| {
            !PROGRESS
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        })
        .collect();
    kept.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_elsewhere_stays_below_the_root() {
        let found = artifact(Path::new("/app"), Path::new("parts/x.wasm"));
        assert_eq!(found, Path::new("/app/parts/x.wasm"));
    }

    #[test]
    fn only_complaints_are_shown_when_a_build_fails() {
        let lines = [
            "   Compiling x v0.1.0",
            "error: no",
            " --> here",
            "    Finished",
        ];
        let shown = complaints(&lines.map(str::to_owned));
        assert_eq!(shown, "error: no\n --> here");
    }
}
