//! The crates have no arrows back, and the README's picture shows them as they are. `TANDEM_UPDATE=1 cargo test
//! -p shared --test layers` draws it again.
#![expect(clippy::unwrap_used, reason = "the helpers are test code too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use toml::Table;

/// Which of the project's crates each one may use. A component is named after its folder, `functions`.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("event", &[]),
    ("store", &[]),
    ("http-client", &[]),
    ("provider", &["event"]),
    ("planner", &["event", "provider", "store"]),
    ("engine", &["planner", "provider", "store"]),
    ("google", &["event", "http-client", "provider"]),
    (
        "shared",
        &[
            "engine",
            "event",
            "google",
            "http-client",
            "provider",
            "store",
        ],
    ),
    ("functions", &["http-client", "shared"]),
    ("google-simulator", &[]),
];

/// Between these lines the README has the picture.
const BEGIN: &str = "<!-- layers: TANDEM_UPDATE=1 cargo test -p shared --test layers -->\n";
const END: &str = "<!-- /layers -->\n";

/// What of the store's words is not a field's: a calendar has a zone, too.
const OF_THE_STORE: [&str; 1] = ["time_zone"];
/// What the user chose is the planner's to read.
const CHOICES: [&str; 3] = ["send_updates", "opt_out", "policy"];

struct Crate {
    description: String,
    uses: BTreeSet<String>,
}

#[test]
fn a_crate_uses_only_what_lies_below_it() {
    let crates = crates();
    for (name, allowed) in ALLOWED {
        let used = crates[name].uses.iter();
        let wrong: Vec<_> = used
            .filter(|other| !allowed.contains(&other.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{name} may not use {wrong:?}");
    }
}

#[test]
fn the_store_names_no_field_and_no_choice() {
    let fields = event::FIELDS.iter().map(|field| field.name);
    let words: Vec<&str> = fields
        .filter(|name| !OF_THE_STORE.contains(name))
        .chain(CHOICES)
        .collect();
    let mut read = 0;
    for file in std::fs::read_dir(root().join("migrations/functions")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !("03".."06").contains(&&name[..2]) {
            continue;
        }
        read += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        for word in lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_')) {
            assert!(!words.contains(&word), "{name} names {word}");
        }
    }
    assert!(read > 0, "no functions of the store");
}

/// Without blank lines and comments. What is generated for the CRM's table (`02*`), and what serves users and
/// operators (`06*` and up), are other parts.
#[test]
fn the_functions_that_serve_the_sync_are_few() {
    let mut lines = 0;
    for file in std::fs::read_dir(root().join("migrations/functions")).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if !["01", "03", "04", "05"]
            .iter()
            .any(|part| name.starts_with(part))
        {
            continue;
        }
        let mut in_comment = false;
        for line in std::fs::read_to_string(file.path()).unwrap().lines() {
            let text = line.trim();
            in_comment |= line.starts_with("comment on ");
            lines += usize::from(!in_comment && !text.is_empty() && !text.starts_with("--"));
            in_comment &= !text.ends_with(';');
        }
    }
    assert!(lines <= 1_200, "{lines} lines");
}

#[test]
fn the_picture_shows_the_crates_as_they_are() {
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let now = format!("{before}{BEGIN}{}{END}{after}", picture(&crates()));
    if std::env::var_os("TANDEM_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    } else {
        assert!(
            text == now,
            "TANDEM_UPDATE=1 cargo test -p shared --test layers draws the layers again"
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The project's crates, as far as [`ALLOWED`] speaks of them.
fn crates() -> BTreeMap<String, Crate> {
    let workspace = manifest(&root());
    let ours: BTreeSet<String> = dependencies(&workspace["workspace"])
        .into_iter()
        .filter(|(_, spec)| spec.get("path").is_some())
        .map(|(name, _)| name)
        .collect();
    let mut all = BTreeMap::new();
    for folder in folders() {
        let manifest = manifest(&folder);
        let package = &manifest["package"];
        let used = dependencies(&toml::Value::Table(manifest.clone()));
        let used = used.into_iter().map(|(name, _)| name);
        let used = used.filter(|name| ours.contains(name));
        let is_function = folder
            .parent()
            .is_some_and(|parent| parent.ends_with("functions"));
        let (name, description) = if is_function {
            ("functions", "one crate per component")
        } else {
            let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
            (
                text("name").unwrap(),
                text("description").unwrap_or_default(),
            )
        };
        let one = all.entry(name.to_owned()).or_insert_with(|| Crate {
            description: description.to_owned(),
            uses: BTreeSet::new(),
        });
        one.uses.extend(used);
    }
    all
}

fn folders() -> Vec<PathBuf> {
    let (shared, functions) = (root().join("shared"), root().join("functions"));
    let mut all = vec![shared.clone(), root().join("local/google")];
    for parent in [shared, functions] {
        let inside = std::fs::read_dir(parent).unwrap();
        all.extend(inside.map(|folder| folder.unwrap().path()));
    }
    // The fuzz targets are no crate of the workspace.
    all.retain(|folder| folder.join("Cargo.toml").exists() && !folder.ends_with("fuzz"));
    all
}

fn manifest(folder: &Path) -> Table {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    text.parse().unwrap()
}

fn dependencies(of: &toml::Value) -> Table {
    let table = of.get("dependencies").and_then(toml::Value::as_table);
    table.cloned().unwrap_or_default()
}

/// Arrows that others imply are left out.
fn picture(crates: &BTreeMap<String, Crate>) -> String {
    let mut text = "```mermaid\nflowchart TD\n".to_owned();
    let shown = ALLOWED.iter().rev().map(|(name, _)| *name);
    let shown = shown.filter(|name| *name != "google-simulator");
    for name in shown.clone() {
        let _ = writeln!(
            text,
            "  {name}[\"<b>{name}</b><br/>{}\"]",
            crates[name].description
        );
    }
    for name in shown {
        let uses = &crates[name].uses;
        for other in uses {
            let is_implied = uses.iter().any(|between| reaches(crates, between, other));
            if !is_implied {
                let _ = writeln!(text, "  {name} --> {other}");
            }
        }
    }
    text + "```\n"
}

fn reaches(crates: &BTreeMap<String, Crate>, from: &str, to: &str) -> bool {
    let mut uses = crates[from].uses.iter();
    uses.any(|next| next == to || reaches(crates, next, to))
}
