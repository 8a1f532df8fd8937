//! The migration runner against a real database.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use local::migrate::{self, cli};
use local::postgres::{TestDatabase, test_cluster};

async fn database() -> Result<TestDatabase> {
    test_cluster().await?.database().await
}

fn folder(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    write(dir.path(), files)?;
    Ok(dir)
}

fn write(dir: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (name, sql) in files {
        fs::write(dir.join(name), sql)?;
    }
    Ok(())
}

#[tokio::test]
async fn files_are_applied_in_order_and_only_once() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[
        ("2_more.sql", "insert into t values (2);"),
        ("1_first.sql", "create table t (n int);"),
    ])?;
    assert_eq!(
        migrate::apply(&database.url(), dir.path()).await?,
        ["1_first", "2_more"]
    );
    assert_eq!(
        migrate::apply(&database.url(), dir.path()).await?,
        Vec::<String>::new()
    );

    write(dir.path(), &[("3_last.sql", "insert into t values (3);")])?;
    assert_eq!(
        migrate::apply(&database.url(), dir.path()).await?,
        ["3_last"]
    );
    let client = database.connect().await?;
    let row = client
        .query_one("select array_agg(n order by n) from t", &[])
        .await?;
    assert_eq!(row.get::<_, Vec<i32>>(0), [2, 3]);
    Ok(())
}

#[tokio::test]
async fn the_history_is_the_one_that_the_supabase_cli_keeps() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[(
        "20260101000000_two.sql",
        "create table a ();\n-- b\ncreate table b ();\n",
    )])?;
    migrate::apply(&database.url(), dir.path()).await?;
    let client = database.connect().await?;
    let row = client
        .query_one(
            "select version, statements, name from supabase_migrations.schema_migrations",
            &[],
        )
        .await?;
    assert_eq!(row.get::<_, String>(0), "20260101000000");
    assert_eq!(
        row.get::<_, Vec<String>>(1),
        ["create table a ()", "-- b\ncreate table b ()"]
    );
    assert_eq!(row.get::<_, String>(2), "two");
    Ok(())
}

#[tokio::test]
async fn a_failing_file_leaves_nothing_and_its_error_names_the_line() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[
        ("1_good.sql", "create table good ();"),
        (
            "2_bad.sql",
            "create table half ();\n\nselect 1,\n       nothing;\n",
        ),
    ])?;
    let error = migrate::apply(&database.url(), dir.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("2_bad.sql line 4: column \"nothing\" does not exist (42703)"),
        "{error}"
    );

    let client = database.connect().await?;
    client.batch_execute("table good").await?;
    assert!(client.batch_execute("table half").await.is_err());

    write(dir.path(), &[("2_bad.sql", "create table half ();")])?;
    assert_eq!(
        migrate::apply(&database.url(), dir.path()).await?,
        ["2_bad"]
    );
    Ok(())
}

#[tokio::test]
async fn an_error_at_run_time_names_the_line_of_its_statement() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[(
        "1_raise.sql",
        "select 1;\n\ndo $$\nbegin\n  raise exception 'no';\nend $$;",
    )])?;
    let error = migrate::apply(&database.url(), dir.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("1_raise.sql line 3: no (P0001)"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_constraint_that_is_checked_at_the_end_names_the_file() -> Result<()> {
    let database = database().await?;
    let sql =
        "create table t (n int primary key, up int references t deferrable initially deferred);
               insert into t values (1, 2);";
    let dir = folder(&[("1_late.sql", sql)])?;
    let error = migrate::apply(&database.url(), dir.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("1_late.sql") && error.contains("(23503)"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_file_may_not_end_its_own_transaction() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[("1_own.sql", "begin;\ncreate table t ();\ncommit;")])?;
    let error = migrate::apply(&database.url(), dir.path())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("remove `begin`") && error.contains("1_own.sql line 1"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_setting_of_one_file_does_not_reach_the_next() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[
        ("1_set.sql", "create schema other; set search_path = other;"),
        ("2_table.sql", "create table t ();"),
    ])?;
    migrate::apply(&database.url(), dir.path()).await?;
    database
        .connect()
        .await?
        .batch_execute("table public.t")
        .await?;
    Ok(())
}

#[tokio::test]
async fn runners_that_start_together_apply_everything_once() -> Result<()> {
    let database = database().await?;
    let dir = folder(&[
        ("1_a.sql", "create table a (); select pg_sleep(0.1);"),
        ("2_b.sql", "create table b ();"),
    ])?;
    let (url, path) = (database.url(), dir.path());
    let (one, two, three) = tokio::join!(
        migrate::apply(&url, path),
        migrate::apply(&url, path),
        migrate::apply(&url, path)
    );
    let mut applied: Vec<String> = [one?, two?, three?].concat();
    applied.sort();
    assert_eq!(applied, ["1_a", "2_b"]);
    Ok(())
}

#[tokio::test]
async fn a_test_database_can_be_born_with_the_migrations_applied() -> Result<()> {
    let dir = folder(&[("1_born.sql", "create table born ();")])?;
    let cluster = test_cluster().await?;
    for _ in 0..2 {
        cluster
            .migrated(dir.path())
            .await?
            .connect()
            .await?
            .batch_execute("table born")
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn files_that_change_while_they_are_applied_leave_no_mixture() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let second = |table: &str| {
        let sql = format!("create table {table} ();");
        write(dir.path(), &[("20260102000000_two.sql", sql.as_str())])
    };
    // Other runs on this server must not find its outcome.
    let slow = format!("select pg_sleep(1) /* {} */;", dir.path().display());
    write(dir.path(), &[("20260101000000_one.sql", slow.as_str())])?;
    second("old")?;
    let cluster = test_cluster().await?;
    let watcher = cluster.server().connect("postgres").await?;
    let change = async {
        let sleeps = "select from pg_stat_activity where wait_event = 'PgSleep' and query = $1";
        let query = slow.trim_end_matches(';');
        while watcher.query(sleeps, &[&query]).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        second("new")
    };
    let (database, changed) = tokio::join!(cluster.migrated(dir.path()), change);
    changed?;
    database?
        .connect()
        .await?
        .batch_execute("table new")
        .await?;
    second("old")?;
    let database = cluster.migrated(dir.path()).await?;
    database.connect().await?.batch_execute("table old").await?;
    Ok(())
}

#[tokio::test]
async fn the_supabase_cli_and_the_runner_take_over_from_one_another() -> Result<()> {
    let (database, project) = (database().await?, tempfile::tempdir()?);
    let migrations = project.path().join("supabase/migrations");
    fs::create_dir_all(&migrations)?;
    let sql = "create table a ();\n-- why; so\ncreate function f() returns int language sql begin atomic select 1; end;
               do $$ begin perform 1; end $$;\n";
    write(&migrations, &[("20260101000000_one.sql", sql)])?;
    migrate::apply(&database.url(), &migrations).await?;
    write(
        &migrations,
        &[(
            "20260102000000_two.sql",
            sql.replace(" a ", " b ").replace("f()", "g()").as_str(),
        )],
    )?;
    cli::migration_up(&database.url(), project.path()).await?;
    assert_eq!(
        migrate::apply(&database.url(), &migrations).await?,
        Vec::<String>::new()
    );

    let client = database.connect().await?;
    let history = "select version, name, statements from supabase_migrations.schema_migrations order by version";
    let rows = client.query(history, &[]).await?;
    let column = |row: usize| {
        let statements: Vec<String> = rows[row].get(2);
        let as_in_the_first = |text: &String| text.replace(" b ", " a ").replace("g()", "f()");
        statements.iter().map(as_in_the_first).collect::<Vec<_>>()
    };
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].get::<_, String>(1), "two");
    assert_eq!(column(0), column(1));
    Ok(())
}
