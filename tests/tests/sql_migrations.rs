//! The migrations as files: they do no harm twice, and the real Supabase CLI applies them.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use local::migrate::{self, cli};
use local::postgres::test_cluster;
use serde_json::{Value, json};
use tests::sql::migrations;
use tokio_postgres::Client;
use uuid::Uuid;

#[tokio::test]
async fn the_runner_applies_them_once() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let applied = migrate::apply(&database.url(), &migrations()).await?;
    assert_eq!(applied.len(), migrate::files(&migrations())?.len());
    assert_eq!(
        migrate::apply(&database.url(), &migrations()).await?,
        Vec::<String>::new()
    );
    Ok(())
}

#[tokio::test]
async fn each_file_by_hand_a_second_time_changes_nothing() -> Result<()> {
    let database = test_cluster().await?.database().await?;
    let client = database.connect().await?;
    by_hand(&client).await?;
    client.batch_execute("insert into public.events (owner_id, starts_at, ends_at) values (gen_random_uuid(), now(), now())").await?;
    let before = fingerprint(&client).await?;
    by_hand(&client).await?;
    assert_eq!(fingerprint(&client).await?, before);
    assert_eq!(
        list(&client, "select op from tandem.changes").await?,
        json!(["insert"])
    );
    Ok(())
}

#[tokio::test]
async fn the_supabase_cli_applies_them_to_an_empty_postgres_and_then_finds_nothing_to_do()
-> Result<()> {
    let database = test_cluster().await?.database().await?;
    let project = Project::new()?;
    cli::migration_up(&database.url(), &project.0).await?;
    let client = database.connect().await?;
    let versions: Vec<String> = migrate::files(&migrations())?
        .into_iter()
        .map(|file| file.version)
        .collect();
    let history = "select version from supabase_migrations.schema_migrations order by version";
    assert_eq!(list(&client, history).await?, json!(versions));
    let before = fingerprint(&client).await?;
    cli::migration_up(&database.url(), &project.0).await?;
    assert_eq!(fingerprint(&client).await?, before);
    let by_runner = test_cluster().await?.migrated(&migrations()).await?;
    assert_eq!(before, fingerprint(&by_runner.connect().await?).await?);
    Ok(())
}

#[tokio::test]
async fn plpgsql_check_finds_nothing() -> Result<()> {
    let database = test_cluster().await?.migrated(&migrations()).await?;
    let client = database.connect().await?;
    let available = "select name from pg_available_extensions where name = 'plpgsql_check'";
    if list(&client, available).await? == json!([]) {
        // Debian has it as a package of its own; what this finds is the same on every machine.
        return Ok(());
    }
    client
        .batch_execute("create extension plpgsql_check")
        .await?;
    let ours = "pg_proc p join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
        where (p.pronamespace = 'tandem'::regnamespace or p.proname like 'tandem\\_%')";
    let plain = format!("select concat(p.oid::regprocedure, ': ', c) from {ours} and p.prorettype <> 'trigger'::regtype")
        .replace("where", "cross join lateral plpgsql_check_function(p.oid, performance_warnings := false) c where");
    assert_eq!(list(&client, &plain).await?, json!([]));
    let triggers = "select concat(t.tgname, ': ', c) from pg_trigger t cross join lateral plpgsql_check_function(
        t.tgfoid, t.tgrelid, oldtable := coalesce(t.tgoldtable, 'old_events'), newtable := coalesce(t.tgnewtable, 'new_events')) c
        where not t.tgisinternal and t.tgname = 'tandem_after_update'
        union all select concat(t.tgname, ': ', c) from pg_trigger t cross join lateral plpgsql_check_function(t.tgfoid, t.tgrelid) c
        where not t.tgisinternal and t.tgname in ('zz_tandem_before', 'tandem_before_truncate')";
    assert_eq!(list(&client, triggers).await?, json!([]));
    Ok(())
}

/// A folder as the CLI wants one, removed in the end.
struct Project(PathBuf);

impl Project {
    fn new() -> Result<Self> {
        let project = Self(std::env::temp_dir().join(format!("project-{}", Uuid::new_v4())));
        let folder = project.0.join("supabase/migrations");
        fs::create_dir_all(&folder)?;
        for file in migrate::files(&migrations())? {
            fs::copy(&file.path, folder.join(format!("{}.sql", file.label())))?;
        }
        Ok(project)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn by_hand(client: &Client) -> Result<()> {
    for file in migrate::files(&migrations())? {
        let applied = client.batch_execute(&fs::read_to_string(&file.path)?).await;
        applied.with_context(|| file.label())?;
    }
    Ok(())
}

/// All that the migrations make, as text.
async fn fingerprint(client: &Client) -> Result<Value> {
    let made = "
        select pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          where n.nspname = 'tandem' or n.nspname = 'public' and p.proname like 'tandem\\_%'
        union all select concat_ws(' ', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
          from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
          where c.relnamespace in ('tandem'::regnamespace, 'public'::regnamespace) and c.relkind in ('r', 'v', 'S')
        union all select pg_get_constraintdef(k.oid) from pg_constraint k where k.connamespace in ('tandem'::regnamespace, 'public'::regnamespace)
        union all select indexdef from pg_indexes where schemaname in ('tandem', 'public')
        union all select pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
        union all select policyname || qual || with_check from pg_policies";
    list(
        client,
        &format!("select v from ({made}) m(v) order by v collate \"C\""),
    )
    .await
}

async fn list(client: &Client, sql: &str) -> Result<Value> {
    let all = format!("select coalesce(jsonb_agg(x.v), '[]') from ({sql}) x(v)");
    Ok(client.query_one(&all, &[]).await?.get(0))
}
