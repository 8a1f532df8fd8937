//! The example of a deployment's variables.

use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use toml::Table;

/// For the local stack, or with a default that is the real Google's.
const NOT_FOR_DEPLOYMENTS: [&str; 5] = [
    "demo_users",
    "google_accounts_origin",
    "google_api_origin",
    "google_oauth_origin",
    "google_simulator",
];

fn read(name: &str) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(fs::read_to_string(root.join(name))?)
}

#[test]
fn the_example_names_each_variable_and_no_other() -> Result<()> {
    let manifest: Table = read("spin.toml")?.parse()?;
    let variables = manifest["variables"].as_table().context("variables")?;
    let mut wanted: BTreeSet<&str> = variables.keys().map(String::as_str).collect();
    for name in NOT_FOR_DEPLOYMENTS {
        assert!(wanted.remove(name), "{name} is no variable");
    }
    let text = read("tandem.example.toml")?;
    let optional = text.lines().filter_map(|line| line.strip_prefix('#'));
    let optional = optional.filter(|line| !line.starts_with([' ', '#']) && !line.is_empty());
    let optional = optional.map(|line| line.parse::<Table>().context(line.to_owned()));
    let mut named: Vec<String> = text.parse::<Table>()?.keys().cloned().collect();
    for line in optional {
        named.extend(line?.keys().cloned());
    }
    let named: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    assert_eq!(named, wanted);
    Ok(())
}
