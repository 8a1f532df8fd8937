//! A release among the migrations of a CRM, which its own tool applies.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};

use super::{File, Release, SCHEMA_VERSION};

/// What a file of ours begins with.
const HEAD: &str = "-- Tandem: tables of version ";

/// The files that were written; none where the newest there is of this release.
///
/// `folder` is Supabase's (with `migrations`, and `schemas` where the CRM declares its schema) or the migrations'
/// own. A file is dated after all that are there, since the Supabase CLI refuses one in between.
///
/// # Errors
/// When the folder is no such one or cannot be written to, or was installed into by a release with other tables.
pub fn write(release: &Release, folder: &Path, now: DateTime<Utc>) -> Result<Vec<PathBuf>> {
    let is_project = folder.join("migrations").is_dir() || folder.join("config.toml").is_file();
    let migrations = match is_project {
        true => folder.join("migrations"),
        false => folder.to_owned(),
    };
    ensure!(
        is_project || folder.ends_with("migrations"),
        "name the folder with the CRM's migrations, such as ../crm/supabase: {} is none",
        folder.display()
    );
    fs::create_dir_all(&migrations)?;
    let all = dated(&migrations)?;
    let ours = all.iter().rev().find_map(|(_, path)| Head::of(path));
    let mut written = Vec::new();
    let head = Head::new(release);
    if ours.as_ref() != Some(&head) {
        let (name, text) = match &ours {
            None => ("tandem", release.text(true)),
            Some(ours) => {
                ensure!(
                    ours.schema == head.schema,
                    "install another release: {} has tables of version {}, this one works with {SCHEMA_VERSION}",
                    migrations.display(),
                    ours.schema
                );
                ("tandem_functions", release.text(false))
            }
        };
        let newest = all.last().map_or(0, |(version, _)| *version);
        let now = now.format("%Y%m%d%H%M%S").to_string().parse::<u64>()?;
        let version = now.max(newest + 1);
        written.push(save(
            migrations.join(format!("{version}_{name}.sql")),
            &text,
        )?);
    }
    // A declared schema is compared with what the migrations make: what it lacked would be dropped.
    let declared = folder.join("schemas/tandem.sql");
    let text = release.text(true);
    if folder.join("schemas").is_dir()
        && fs::read_to_string(&declared).ok().as_deref() != Some(&text)
    {
        written.push(save(declared, &text)?);
    }
    Ok(written)
}

fn save(path: PathBuf, text: &str) -> Result<PathBuf> {
    fs::write(&path, text).with_context(|| format!("make {} writable", path.display()))?;
    Ok(path)
}

/// Files named `<digits>_<name>.sql`, in their order.
fn dated(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let version = name
            .split_once('_')
            .and_then(|(version, _)| version.parse().ok());
        if let Some(version) = version.filter(|_| name.ends_with(".sql")) {
            found.push((version, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The first line of a file of ours.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    schema: String,
    release: String,
}

impl Head {
    fn new(release: &Release) -> Self {
        Self {
            schema: SCHEMA_VERSION.to_string(),
            release: release.id(),
        }
    }

    fn of(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let line = text.strip_prefix(HEAD)?.lines().next()?;
        let (schema, release) = line.split_once(", release ")?;
        Some(Self {
            schema: schema.to_owned(),
            release: release.to_owned(),
        })
    }
}

impl Release {
    fn text(&self, with_tables: bool) -> String {
        let Head { schema, release } = Head::new(self);
        let mut text = format!("{HEAD}{schema}, release {release}\n");
        let tables: &[File] = if with_tables { &self.schema } else { &[] };
        for file in tables.iter().chain(&self.functions).chain([&self.mark()]) {
            text.push_str(&file.sql);
            text.push('\n');
        }
        text
    }
}
