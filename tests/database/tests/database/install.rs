//! Installing on what is there already, twice, and half-way.

use crate::calls::{ANN, commit, connect, count, hour, insert, key, part};
use database_tests::{again, fresh, functions, halves, set};
use serde_json::{Value, json};
use tokio_postgres::Client;

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

async fn text(client: &Client, sql: &str) -> String {
    client
        .query_one(sql, &[])
        .await
        .expect("it is asked")
        .get(0)
}

fn whole(texts: &[String]) -> String {
    format!("begin;\n{}\ncommit;", texts.join("\n"))
}

/// All that a release replaces, and all that stands beside it.
const EVERYTHING: &str = "select md5(string_agg(x, chr(10) order by x)) from (
    select p.oid::regprocedure::text || pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '') || p.proowner::text
      from pg_proc p where p.pronamespace = 'tandem'::regnamespace
        or p.pronamespace = 'public'::regnamespace and p.proname like 'tandem\\_%'
    union all select c.oid::regclass::text || c.relkind::text || coalesce(c.relacl::text, '') || c.relrowsecurity::text || coalesce(
        pg_get_viewdef(case when c.relkind = 'v' then c.oid end), '') from pg_class c
      where c.relnamespace in ('tandem'::regnamespace, 'public'::regnamespace)
    union all select t.tgname || pg_get_triggerdef(t.oid) from pg_trigger t where not t.tgisinternal
    union all select tablename || policyname || coalesce(qual, '') || coalesce(with_check, '') from pg_policies
    union all select s.key || s.value from tandem.settings s) y (x)";

#[tokio::test]
async fn a_second_apply_of_the_functions_changes_nothing() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let new = part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()));
    commit(&client, vec![new]).await;
    let before = text(&client, EVERYTHING).await;
    run(&client, &whole(&functions())).await;
    assert_eq!(text(&client, EVERYTHING).await, before);
    assert_eq!(count(&client, "events").await, 1);
    assert_eq!(count(&client, "tandem.links").await, 1);
}

#[tokio::test]
async fn a_release_that_fails_leaves_the_last_one() {
    let client = fresh().await;
    let before = text(&client, EVERYTHING).await;
    let mut texts = functions();
    texts.push("select 1 / 0;".to_owned());
    client
        .batch_execute(&whole(&texts))
        .await
        .expect_err("it fails");
    run(&client, "rollback").await;
    assert_eq!(text(&client, EVERYTHING).await, before);
}

#[tokio::test]
async fn a_table_of_that_name_that_is_the_teams_stays_as_it_is() {
    let client = halves().await;
    run(
        &client,
        "create table public.events (id bigint primary key, subject text);
         create index events_subject on public.events (subject);
         insert into public.events values (1, 'a'); grant select on public.events to authenticated",
    )
    .await;
    let seen = "select concat(c.relrowsecurity, c.relacl, (select string_agg(i.indexdef, ';') from pg_indexes i
        where i.tablename = 'events'), (select count(*) from pg_trigger t where t.tgrelid = c.oid),
        (select count(*) from pg_policies p where p.tablename = 'events'), (select string_agg(attname, ',') from
        pg_attribute a where a.attrelid = c.oid)) from pg_class c where c.oid = 'public.events'::regclass";
    let before = text(&client, seen).await;
    run(&client, &whole(&set())).await;
    assert_eq!(text(&client, seen).await, before);
    assert_eq!(count(&client, "tandem.adoption").await, 0);
    assert_eq!(count(&client, "tandem.crm_rows").await, 0);
}

#[tokio::test]
async fn a_table_in_use_is_not_waited_for() {
    let client = fresh().await;
    let name = text(&client, "select current_database()::text").await;
    let other = again(&name).await;
    run(&other, "begin; lock table public.events in share mode").await;
    let begun = std::time::Instant::now();
    let refused = client
        .batch_execute(&whole(&functions()))
        .await
        .expect_err("the lock is not had");
    assert_eq!(
        refused.code().map(|code| code.code().to_owned()).as_deref(),
        Some("55P03")
    );
    assert!(begun.elapsed().as_secs() < 30);
    run(&other, "rollback").await;
    run(&client, "rollback").await;
    run(&client, &whole(&functions())).await;
}

#[tokio::test]
async fn every_file_bounds_its_locks_and_every_object_says_what_it_is_for() {
    for file in set() {
        assert!(file.starts_with("set local lock_timeout"), "{file:.80}");
    }
    let client = fresh().await;
    let mute = "(select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'tandem'::regnamespace
          and p.proname not like 'crm\\_%' and obj_description(p.oid, 'pg_proc') is null
        union all select c.relname from pg_class c where c.relnamespace = 'tandem'::regnamespace and c.relkind = 'r'
          and obj_description(c.oid, 'pg_class') is null) x";
    assert_eq!(count(&client, mute).await, 0);
}

#[tokio::test]
async fn all_functions_are_their_installers_and_the_surface_runs_as_them() {
    let client = fresh().await;
    let others =
        "pg_proc p where (p.pronamespace = 'tandem'::regnamespace or p.proname like 'tandem\\_%')
        and p.proowner <> 'postgres'::regrole";
    assert_eq!(count(&client, others).await, 0);
    let weak =
        "pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname like 'tandem\\_%'
        and p.proname not like 'tandem\\_my\\_%' and not p.prosecdef";
    assert_eq!(count(&client, weak).await, 0);
    run(
        &client,
        "create function tandem.later_one() returns int language sql set search_path = '' as 'select 1';
         create function public.tandem_later() returns int language sql set search_path = '' as 'select 1';
         select tandem.seal()",
    )
    .await;
    let open = "unnest('{anon,authenticated,tandem_user}'::text[]) r
        where has_function_privilege(r, 'public.tandem_later()', 'execute')
          or has_function_privilege(r, 'tandem.later_one()', 'execute')";
    assert_eq!(count(&client, open).await, 0);
    let called = "unnest('{service_role,tandem_component}'::text[]) r
        where has_function_privilege(r, 'public.tandem_later()', 'execute')";
    assert_eq!(count(&client, called).await, 2);
}
