//! Installing into a database, and among a CRM's migrations, which the real Supabase CLI applies.

mod encrypted;
mod supabase_cli;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use local::install::{Installed, Release, into};
use local::postgres::{TestDatabase, supabase_test_cluster, test_cluster};
use std::fs;
use std::path::{Path, PathBuf};
use supabase_cli::migration_up;

fn ours() -> Result<Release> {
    Release::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations"))
}

/// The project's release with another function.
fn next() -> Result<(tempfile::TempDir, Release)> {
    let folder = tempfile::tempdir()?;
    let of = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    for part in ["schema", "functions"] {
        fs::create_dir(folder.path().join(part))?;
        for file in fs::read_dir(of.join(part))? {
            let file = file?;
            fs::copy(file.path(), folder.path().join(part).join(file.file_name()))?;
        }
    }
    let new = "set local lock_timeout = '3s';\ncreate or replace function tandem.next() returns int language sql \
               set search_path = '' as 'select 1';\nselect tandem.seal();\n";
    fs::write(folder.path().join("functions/0950_next.sql"), new)?;
    let release = Release::read(folder.path())?;
    Ok((folder, release))
}

async fn value(database: &TestDatabase, sql: &str) -> Result<i64> {
    Ok(database.connect().await?.query_one(sql, &[]).await?.get(0))
}

const IS_NEXT: &str =
    "select count(*) from pg_proc where proname = 'next' and pronamespace = 'tandem'::regnamespace";

#[tokio::test]
async fn a_database_gets_it_once_and_then_what_is_new() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let (ours, (_folder, next)) = (ours()?, next()?);
    assert_eq!(ours.install(&database.url()).await?, Installed::Anew);
    assert_eq!(ours.install(&database.url()).await?, Installed::Already);
    let insert = "insert into public.events (owner_id, title, starts_at, ends_at)
        values (gen_random_uuid(), 'a', now(), now() + interval '1 hour')";
    database.connect().await?.batch_execute(insert).await?;
    assert_eq!(next.install(&database.url()).await?, Installed::Upgraded);
    assert_eq!(value(&database, IS_NEXT).await?, 1);
    assert_eq!(
        value(&database, "select count(*) from tandem.changes").await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn those_who_install_at_once_wait_for_one_another() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let (ours, url) = (ours()?, database.url());
    let (one, two) = tokio::join!(ours.install(&url), ours.install(&url));
    let mut both = [one?, two?];
    both.sort_by_key(|installed| *installed == Installed::Already);
    assert_eq!(both, [Installed::Anew, Installed::Already]);
    Ok(())
}

#[tokio::test]
async fn what_fails_leaves_nothing_and_names_the_line() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let (folder, _) = next()?;
    let bad = folder.path().join("functions/0950_next.sql");
    fs::write(&bad, "select 1;\n\nselect 1,\n       nothing;\n")?;
    let refused = Release::read(folder.path())?.install(&database.url()).await;
    let error = refused.err().context("it is installed")?.to_string();
    assert!(
        error.contains("0950_next.sql line 4: column \"nothing\" does not exist (42703)"),
        "{error}"
    );
    let rest = "select count(*) from pg_namespace where nspname = 'tandem'";
    assert_eq!(value(&database, rest).await?, 0);
    assert_eq!(ours()?.install(&database.url()).await?, Installed::Anew);
    Ok(())
}

#[tokio::test]
async fn tables_of_another_version_are_left_alone() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let ours = ours()?;
    ours.install(&database.url()).await?;
    let newer = "insert into tandem.schema_version (version) values (99)";
    database.connect().await?.batch_execute(newer).await?;
    let error = ours
        .install(&database.url())
        .await
        .err()
        .context("it is installed")?;
    assert!(
        error.to_string().contains("tables of version 99"),
        "{error}"
    );
    Ok(())
}

/// A project of the Supabase CLI, with these migrations of the CRM's.
fn project(files: &[(&str, &str)]) -> Result<(tempfile::TempDir, PathBuf)> {
    let project = tempfile::tempdir()?;
    let folder = project.path().join("supabase");
    fs::create_dir_all(folder.join("migrations"))?;
    for (name, sql) in files {
        fs::write(folder.join("migrations").join(name), sql)?;
    }
    Ok((project, folder))
}

fn day(text: &str) -> Result<DateTime<Utc>> {
    Ok(format!("{text}T12:00:00Z").parse()?)
}

fn names(written: &[PathBuf]) -> Vec<&str> {
    let names = written.iter().map(|path| path.file_name()?.to_str());
    names.map(Option::unwrap_or_default).collect()
}

#[test]
fn a_file_is_dated_after_all_that_are_there_and_written_once() -> Result<()> {
    let (ours, (_folder, next)) = (ours()?, next()?);
    let (_project, folder) =
        project(&[("20270115090000_deals.sql", "select 1;"), ("notes.md", "")])?;
    let first = into::write(&ours, &folder, day("2026-11-29")?)?;
    assert_eq!(names(&first), ["20270115090001_tandem.sql"]);
    assert_eq!(
        into::write(&ours, &folder, day("2026-11-30")?)?,
        Vec::<PathBuf>::new()
    );
    let upgrade = into::write(&next, &folder, day("2027-02-01")?)?;
    assert_eq!(names(&upgrade), ["20270201120000_tandem_functions.sql"]);
    let text = fs::read_to_string(&upgrade[0])?;
    assert!(text.contains("tandem.next()") && !text.contains("create table tandem.links"));
    // The migrations' folder itself will do.
    let again = into::write(&next, &folder.join("migrations"), day("2027-02-02")?)?;
    assert_eq!(again, Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_declared_schema_has_it_too() -> Result<()> {
    let (ours, (_folder, next)) = (ours()?, next()?);
    let (_project, folder) = project(&[])?;
    fs::create_dir(folder.join("schemas"))?;
    let first = into::write(&ours, &folder, day("2026-11-29")?)?;
    assert_eq!(names(&first), ["20261129120000_tandem.sql", "tandem.sql"]);
    let upgrade = into::write(&next, &folder, day("2026-12-01")?)?;
    assert_eq!(
        names(&upgrade),
        ["20261201120000_tandem_functions.sql", "tandem.sql"]
    );
    let text = fs::read_to_string(folder.join("schemas/tandem.sql"))?;
    assert!(text.contains("tandem.next()") && text.contains("create table tandem.links"));
    Ok(())
}

#[test]
fn a_folder_without_migrations_is_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let error = into::write(&ours()?, folder.path(), day("2026-11-29")?)
        .err()
        .context("written")?;
    assert!(
        error.to_string().contains("such as ../crm/supabase"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn the_supabase_cli_applies_it_beside_the_crms_own_history() -> Result<()> {
    let (ours, (_folder, next)) = (ours()?, next()?);
    let database = supabase_test_cluster().await?.database().await?;
    let deals = (
        "20270115090000_deals.sql",
        "create table public.deals (id int);",
    );
    let (project, folder) = project(&[deals])?;
    migration_up(&database.url(), project.path()).await?;
    into::write(&ours, &folder, day("2026-11-29")?)?;
    migration_up(&database.url(), project.path()).await?;
    assert_eq!(
        value(&database, "select count(*) from public.events").await?,
        0
    );
    assert_eq!(value(&database, IS_NEXT).await?, 0);
    into::write(&next, &folder, day("2026-11-30")?)?;
    migration_up(&database.url(), project.path()).await?;
    assert_eq!(value(&database, IS_NEXT).await?, 1);
    let history = "select count(*) from supabase_migrations.schema_migrations";
    assert_eq!(value(&database, history).await?, 3);
    // The other way to install sees what this one did.
    assert_eq!(next.install(&database.url()).await?, Installed::Already);
    Ok(())
}

#[tokio::test]
async fn what_the_supabase_cli_refuses_leaves_nothing() -> Result<()> {
    let database = supabase_test_cluster().await?.database().await?;
    let taken = "create schema tandem; create table tandem.touched ()";
    database.connect().await?.batch_execute(taken).await?;
    let (project, folder) = project(&[])?;
    into::write(&ours()?, &folder, day("2026-11-29")?)?;
    let error = migration_up(&database.url(), project.path())
        .await
        .err()
        .context("applied")?;
    assert!(error.to_string().contains("touched"), "{error}");
    let rest = "select count(*) from pg_class where relnamespace = 'tandem'::regnamespace and relname <> 'touched'";
    assert_eq!(value(&database, rest).await?, 0);
    Ok(())
}
