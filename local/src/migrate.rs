//! Applies a folder of migrations, laid out and recorded as the Supabase CLI does, to any Postgres.
//!
//! Files are `<version>_<name>.sql`, the version being digits; what was applied stands in
//! `supabase_migrations.schema_migrations`
//! (<https://supabase.com/docs/guides/deployment/database-migrations>), so that the CLI and this runner take
//! over from one another.

pub mod cli;
mod split;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::ErrorPosition;

use self::split::{Statement, split};
use crate::postgres::{connect, describe};

/// Any number will do, as long as every runner uses the same.
const LOCK: i64 = 0x7461_6e64_656d;

const STATEMENT: Duration = Duration::from_secs(300);

const HISTORY: &str = "
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
    alter table supabase_migrations.schema_migrations add column if not exists statements text[];
    alter table supabase_migrations.schema_migrations add column if not exists name text;";

/// The version that a set is recorded under.
const SET_VERSION: &str = "20261128000000";

/// The text of a migration: of a set, its tables and then its functions, each by the files' names.
///
/// # Errors
/// When a file cannot be read.
pub fn text(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return fs::read_to_string(path)
            .with_context(|| format!("make {} a readable text in UTF-8", path.display()));
    }
    let mut text = String::new();
    for folder in ["schema", "functions"] {
        let entries = fs::read_dir(path.join(folder))
            .with_context(|| format!("make {folder} a folder in {}", path.display()))?;
        let mut files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
        files.sort();
        for file in files {
            text.push_str(&self::text(&file)?);
            text.push('\n');
        }
    }
    Ok(text)
}

/// One migration's file, or the folder of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The digits before the first underscore, usually a time as `YYYYMMDDHHMMSS`.
    pub version: String,
    /// What stands between that underscore and `.sql`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

impl Migration {
    /// The file's name without `.sql`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}_{}", self.version, self.name)
    }
}

/// Applies the migrations of `dir` that the database has not had yet, each in a transaction of its own, and
/// returns their labels in order. Runners that start together wait for one another.
///
/// # Errors
/// When the folder or a file name is wrong, the database does not answer, or a statement fails: the sentence
/// then names the file, the line and what Postgres said. Earlier files stay applied.
pub async fn apply(url: &str, dir: &Path) -> Result<Vec<String>> {
    apply_to(&mut connect(url).await?, dir).await
}

/// As [`apply`], through a connection that is already open; its settings are reset.
///
/// # Errors
/// As [`apply`].
pub async fn apply_to(client: &mut Client, dir: &Path) -> Result<Vec<String>> {
    let files = files(dir)?;
    client
        .batch_execute("set lock_timeout = '60s'")
        .await
        .map_err(|error| lost(&error))?;
    client
        .execute("select pg_advisory_lock($1)", &[&LOCK])
        .await
        .map_err(|error| {
            describe(
                &error,
                "wait for the other process that migrates this database, then start again",
            )
        })?;
    let outcome = apply_missing(client, &files).await;
    client
        .execute("select pg_advisory_unlock($1)", &[&LOCK])
        .await
        .map_err(|error| lost(&error))?;
    outcome
}

/// The migrations of a folder in the order of their versions.
///
/// # Errors
/// When the folder cannot be read, an SQL file is not named `<digits>_<name>.sql`, or two have one version.
pub fn files(dir: &Path) -> Result<Vec<Migration>> {
    if dir.join("schema").is_dir() {
        return Ok(vec![Migration {
            version: SET_VERSION.to_owned(),
            name: "tandem".to_owned(),
            path: dir.to_owned(),
        }]);
    }
    let entries = fs::read_dir(dir)
        .with_context(|| format!("make {} a folder of migrations", dir.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(named(path)?);
        }
    }
    found.sort_by(|a, b| a.version.cmp(&b.version));
    for pair in found.windows(2) {
        ensure!(
            pair[0].version != pair[1].version,
            "rename {} or {}: both have the version {}",
            pair[0].path.display(),
            pair[1].path.display(),
            pair[0].version
        );
    }
    Ok(found)
}

fn named(path: PathBuf) -> Result<Migration> {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    match stem.split_once('_') {
        Some((version, name))
            if !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Ok(Migration {
                version: version.to_owned(),
                name: name.to_owned(),
                path,
            })
        }
        Some(_) | None => bail!("rename {} to YYYYMMDDHHMMSS_name.sql", path.display()),
    }
}

async fn apply_missing(client: &mut Client, files: &[Migration]) -> Result<Vec<String>> {
    client
        .batch_execute(HISTORY)
        .await
        .map_err(|error| describe(&error, "connect as a role that may make schemas"))?;
    let rows = client
        .query(
            "select version from supabase_migrations.schema_migrations",
            &[],
        )
        .await
        .map_err(|error| lost(&error))?;
    let applied: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut done = Vec::new();
    for file in files.iter().filter(|file| !applied.contains(&file.version)) {
        apply_one(client, file).await?;
        done.push(file.label());
    }
    Ok(done)
}

async fn apply_one(client: &mut Client, file: &Migration) -> Result<()> {
    let sql = text(&file.path)?;
    let statements = split(&sql);
    for statement in &statements {
        ensure!(
            !statement.controls_transaction(),
            "remove `{}` from {}: each migration is one transaction already",
            statement.first_word(),
            place(file, statement.token_line)
        );
    }
    // One file's `set search_path` must not change what the next one means.
    client
        .batch_execute("reset all")
        .await
        .map_err(|error| lost(&error))?;
    let transaction = client.transaction().await.map_err(|error| lost(&error))?;
    for statement in &statements {
        match timeout(STATEMENT, transaction.batch_execute(statement.sql)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => bail!(complaint(file, statement, &error)),
            Err(_) => bail!(
                "make {} faster: it ran for five minutes",
                place(file, statement.token_line)
            ),
        }
    }
    let texts: Vec<&str> = statements.iter().map(|statement| statement.sql).collect();
    transaction
        .execute(
            "insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, $2, $3)",
            &[&file.version, &texts, &file.name],
        )
        .await
        .with_context(|| format!("look at supabase_migrations.schema_migrations: {} is not in it", file.label()))?;
    // Deferred constraints speak up here.
    transaction
        .commit()
        .await
        .map_err(|error| match error.as_db_error() {
            Some(said) => anyhow::anyhow!(
                "correct {}: {} ({})",
                file.path.display(),
                said.message(),
                said.code().code()
            ),
            None => lost(&error),
        })
}

fn complaint(file: &Migration, statement: &Statement<'_>, error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        return format!(
            "start the database again: it went away at {}: {error}",
            place(file, statement.token_line)
        );
    };
    let line = match said.position() {
        Some(ErrorPosition::Original(position)) => statement.line_of(*position),
        // A position inside a function's body says nothing about the file.
        Some(ErrorPosition::Internal { .. }) | None => statement.token_line,
    };
    let mut text = format!(
        "correct {}: {} ({})",
        place(file, line),
        said.message(),
        said.code().code()
    );
    for more in [said.detail(), said.hint(), said.where_()]
        .into_iter()
        .flatten()
    {
        text.push_str("; ");
        text.push_str(&more.replace('\n', ", "));
    }
    text
}

fn lost(error: &tokio_postgres::Error) -> anyhow::Error {
    describe(error, "start again when the database runs")
}

fn place(file: &Migration, line: usize) -> String {
    format!("{} line {line}", file.path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(dir.path().join(name), "").unwrap();
        }
        dir
    }

    #[test]
    fn files_come_in_the_order_of_their_versions_and_others_are_left_alone() {
        let dir = folder(&[
            "20260102000000_second.sql",
            "20260101000000_first_one.sql",
            "README.md",
        ]);
        let labels: Vec<String> = files(dir.path())
            .unwrap()
            .iter()
            .map(Migration::label)
            .collect();
        assert_eq!(
            labels,
            ["20260101000000_first_one", "20260102000000_second"]
        );
    }

    #[test]
    fn a_file_that_would_be_passed_over_is_an_error() {
        let error = files(folder(&["seed.sql"]).path()).unwrap_err().to_string();
        assert!(
            error.contains("seed.sql to YYYYMMDDHHMMSS_name.sql"),
            "{error}"
        );
    }

    #[test]
    fn two_files_of_one_version_are_an_error() {
        let error = files(folder(&["1_a.sql", "1_b.sql"]).path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("both have the version 1"), "{error}");
    }
}
