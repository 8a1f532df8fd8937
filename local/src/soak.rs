//! `cargo local soak`: random histories, which the tests know. They stand on this crate, so cargo runs them.

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
    /// Threads, each with a database of its own; 0 is one for each processor.
    #[arg(long, default_value_t = 0)]
    pub workers: usize,
    /// What they contain beyond one user's single events, comma separated; everything without this.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub with: Option<Vec<Feature>>,
    /// Print the first seed's history instead.
    #[arg(long)]
    pub show: bool,
    /// Live through the history in this file instead, as it was printed or is kept.
    #[arg(long, conflicts_with_all = ["histories", "show", "with"])]
    pub replay: Option<PathBuf>,
    /// Live through so many days of one connection instead: channels of a week, tokens of an hour, a lost
    /// week of messages, a withdrawn grant, a rotated key.
    #[arg(long, conflicts_with_all = ["histories", "show", "with"])]
    pub days: Option<u16>,
    /// Broken promises after which to end.
    #[arg(long, default_value_t = 1)]
    pub failures: usize,
}

/// What a history can contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Feature {
    /// Nothing more.
    None,
    /// Several users, two of them with one Google account.
    Users,
    /// A second calendar for each account.
    Calendars,
    /// Series and their exceptions.
    Series,
    /// Events that are kept out of Google for a while.
    OptOut,
    /// The CRM's own references, which Google only carries.
    References,
    /// Instances that stand still, and calls that take effect late.
    Late,
    /// Connections with other settings than the defaults.
    Settings,
}

/// Has cargo run them.
///
/// # Errors
/// When cargo does not start.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args([
            "run",
            "--quiet",
            "--package",
            "tests",
            "--bin",
            "soak",
            "--",
        ])
        .args(arguments(options));
    let status = command.status().context("install cargo")?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

fn arguments(options: &Options) -> Vec<String> {
    let mut all = Vec::new();
    for (name, number) in [
        ("--histories", options.histories),
        ("--seed", options.seed),
        ("--workers", options.workers as u64),
        ("--failures", options.failures as u64),
    ] {
        all.extend([name.to_owned(), number.to_string()]);
    }
    for feature in options.with.iter().flatten() {
        let name = clap::ValueEnum::to_possible_value(feature);
        let name = name.map(|value| value.get_name().to_owned());
        all.extend(["--with".to_owned(), name.unwrap_or_default()]);
    }
    if let Some(days) = options.days {
        return vec!["--days".to_owned(), days.to_string()];
    }
    if let Some(file) = &options.replay {
        return vec!["--replay".to_owned(), file.display().to_string()];
    }
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
            "--with",
            "opt-out,late",
            "--show",
        ];
        let options = Whole::parse_from(given).options;
        let passed = std::iter::once("soak".to_owned()).chain(arguments(&options));
        let again = Whole::parse_from(passed).options;
        assert_eq!(format!("{again:?}"), format!("{options:?}"));
    }
}
