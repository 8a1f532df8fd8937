//! `cargo tandem soak`: what the package `model` lives through. It stands on this crate's simulator, so cargo
//! runs it.

use anyhow::{Context, Result};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Which histories.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many.
    #[arg(long, default_value_t = 1_000)]
    pub histories: u64,
    /// The first one's seed; the others follow.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub workers: usize,
    /// What they may contain, by a name that the model knows.
    #[arg(long, default_value = "all")]
    pub scope: String,
    /// Print the first seed's history instead.
    #[arg(long)]
    pub show: bool,
    /// Live through the history in this file instead, as it was printed or is kept.
    #[arg(long, conflicts_with_all = ["histories", "show", "scope"])]
    pub replay: Option<PathBuf>,
    /// Live through so many days of one connection instead: channels of a week, tokens of an hour, a lost
    /// week of messages, a withdrawn grant, a rotated key.
    #[arg(long, conflicts_with_all = ["histories", "show", "scope", "replay"])]
    pub days: Option<u16>,
    /// Broken promises after which to end.
    #[arg(long, default_value_t = 1)]
    pub failures: usize,
}

/// Has cargo run them.
///
/// # Errors
/// When cargo does not start.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["run", "--quiet"]);
    match options.days {
        Some(days) => command
            .args(["--package", "tests", "--bin", "days", "--"])
            .arg(days.to_string()),
        None => command
            .args(["--package", "model", "--bin", "soak", "--"])
            .args(arguments(options)),
    };
    let status = command.status().context("install cargo")?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

fn arguments(options: &Options) -> Vec<String> {
    if let Some(file) = &options.replay {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        return vec!["--replay".to_owned(), file.display().to_string()];
    }
    let mut all: Vec<String> = [
        ("--histories", options.histories.to_string()),
        ("--seed", options.seed.to_string()),
        ("--workers", options.workers.to_string()),
        ("--failures", options.failures.to_string()),
        ("--scope", options.scope.clone()),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect();
    all.extend(options.show.then(|| "--show".to_owned()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn what_is_passed_on_means_the_same() {
        let given = [
            "soak",
            "--histories",
            "7",
            "--seed",
            "3",
            "--scope",
            "late",
            "--show",
        ];
        let options = Whole::parse_from(given).options;
        let passed = std::iter::once("soak".to_owned()).chain(arguments(&options));
        let again = Whole::parse_from(passed).options;
        assert_eq!(format!("{again:?}"), format!("{options:?}"));
    }
}
