//! Who may do what: every role against every object that the catalog knows, as a Supabase project grants it.

use anyhow::Result;
use local::postgres::{TestDatabase, supabase_test_cluster, test_cluster};
use serde_json::{Value, json};
use tests::sql::{INSTANCE, migrations, refusal};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// Everybody who is not the owner.
const ROLES: &str = "unnest(array['public', 'anon', 'authenticated', 'service_role', 'tandem_component', 'tandem_user']) role";

/// All functions of Tandem's.
const FUNCTIONS: &str = "pg_proc p join pg_namespace n on n.oid = p.pronamespace
    and (n.nspname = 'tandem' or n.nspname = 'public' and p.proname like 'tandem\\_%')";

#[tokio::test]
async fn nobody_touches_a_table_of_tandems() -> Result<()> {
    let (_database, client) = supabase().await?;
    let tables = "pg_class c where c.relnamespace = 'tandem'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')";
    let privileges = "unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege";
    let granted = format!(
        "select concat_ws(' ', role, privilege, c.oid::regclass) from {ROLES}, {privileges}, {tables} and has_table_privilege(role, c.oid, privilege)"
    );
    assert_eq!(list(&client, &granted).await?, json!([]));
    assert!(count(&client, tables).await? > 10);
    let columns = format!(
        "select concat_ws(' ', role, c.oid::regclass) from {ROLES}, {tables} and has_any_column_privilege(role, c.oid, 'select, insert, update, references')"
    );
    assert_eq!(list(&client, &columns).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_users_connections_are_for_signed_in_users_to_read() -> Result<()> {
    let (_database, client) = supabase().await?;
    let granted = format!(
        "select concat_ws(' ', role, privilege) from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) privilege, {ROLES}
         where role <> 'service_role' and has_table_privilege(role, 'public.tandem_connections', privilege)"
    );
    assert_eq!(
        list(&client, &granted).await?,
        json!(["authenticated select", "tandem_user select"])
    );
    Ok(())
}

#[tokio::test]
async fn nobody_uses_a_sequence_of_tandems() -> Result<()> {
    let (_database, client) = supabase().await?;
    // The planner could ask for a table's privilege on a sequence before it filters by kind.
    let granted = format!(
        "with s as materialized (select oid from pg_class where relnamespace = 'tandem'::regnamespace and relkind = 'S')
         select concat_ws(' ', role, s.oid::regclass) from {ROLES}, s where has_sequence_privilege(role, s.oid, 'usage, select, update')"
    );
    assert_eq!(list(&client, &granted).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_surface_is_for_components_and_the_service_and_nothing_else_is_for_anybody()
-> Result<()> {
    for (_database, client) in [supabase().await?, plain().await?] {
        let wrong = format!(
            "select concat_ws(' ', role, p.oid::regprocedure) from {FUNCTIONS}, {ROLES}
             where (role = 'public' or role::name in (select rolname from pg_roles))
               and has_function_privilege(role, p.oid, 'execute') <> case
                 when p.proname like 'tandem\\_my\\_%' or n.nspname = 'tandem' and p.proname like 'my\\_%' then role in ('authenticated', 'tandem_user')
                 when n.nspname = 'public' then role in ('service_role', 'tandem_component')
                 else p.proname = 'uid' and role in ('anon', 'authenticated', 'service_role', 'tandem_user') end"
        );
        assert_eq!(list(&client, &wrong).await?, json!([]));
        assert!(count(&client, FUNCTIONS).await? > 50);
    }
    Ok(())
}

#[tokio::test]
async fn the_schema_is_used_by_the_roles_of_row_level_security_and_made_in_by_nobody() -> Result<()>
{
    let (_database, client) = supabase().await?;
    let granted = format!(
        "select concat_ws(' ', privilege, role) from unnest(array['create', 'usage']) privilege, {ROLES} where has_schema_privilege(role, 'tandem', privilege) order by 1"
    );
    let expected = ["anon", "authenticated", "service_role", "tandem_user"]
        .map(|role| format!("usage {role}"));
    assert_eq!(list(&client, &granted).await?, json!(expected));
    Ok(())
}

#[tokio::test]
async fn a_function_that_a_later_migration_adds_is_sealed_like_the_others() -> Result<()> {
    let (_database, client) = supabase().await?;
    client
        .batch_execute(
            "create function public.tandem_new(p jsonb) returns jsonb language sql as 'select p';
             create function tandem.new() returns integer language sql as 'select 1'",
        )
        .await?;
    let open = "has_function_privilege('anon', 'public.tandem_new(jsonb)', 'execute'), has_function_privilege('tandem_component', 'tandem.new()', 'execute')";
    let open = format!("select jsonb_build_array({open})");
    assert_eq!(list(&client, &open).await?, json!([[true, true]]));
    client.batch_execute("select tandem.seal()").await?;
    assert_eq!(list(&client, &open).await?, json!([[false, false]]));
    Ok(())
}

#[tokio::test]
async fn every_function_runs_with_an_empty_search_path_and_the_surface_as_its_owner_or_its_user()
-> Result<()> {
    let (_database, client) = supabase().await?;
    let open = format!(
        "select p.oid::regprocedure::text from {FUNCTIONS} where not coalesce(p.proconfig, '{{}}') @> array['search_path=\"\"']
         or (n.nspname = 'public' or p.prorettype = 'trigger'::regtype) and p.prosecdef = (p.proname like 'tandem\\_my\\_%')"
    );
    assert_eq!(list(&client, &open).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_components_role_calls_the_surface_and_can_do_nothing_else() -> Result<()> {
    let (_database, client) = plain().await?;
    client.batch_execute("set role tandem_component").await?;
    assert!(call_due(&client).await.is_ok());
    for denied in [
        "table public.events",
        "table tandem.accounts",
        "table public.tandem_connections",
        "select tandem.clock()",
        "select tandem.uid()",
        "create table public.mine ()",
        "truncate public.events",
    ] {
        assert_eq!(
            refusal(client.batch_execute(denied).await).0,
            "42501",
            "{denied}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_user_cannot_call_the_surface_and_the_service_can() -> Result<()> {
    let (_database, client) = supabase().await?;
    for role in ["anon", "authenticated"] {
        client.batch_execute(&format!("set role {role}")).await?;
        assert_eq!(refusal(call_due(&client).await).0, "42501", "{role}");
    }
    client.batch_execute("set role service_role").await?;
    assert!(call_due(&client).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_user_sees_and_writes_their_own_events_only() -> Result<()> {
    let (_database, client) = supabase().await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for owner in [ann, bob] {
        client.batch_execute(&insert(owner)).await?;
    }
    sign_in(&client, ann).await?;
    assert_eq!(
        list(&client, "select owner_id from public.events").await?,
        json!([ann])
    );
    client.batch_execute(&insert(ann)).await?;
    assert_eq!(refusal(client.batch_execute(&insert(bob)).await).0, "42501");
    assert_eq!(
        client
            .execute("update public.events set title = 'Mine'", &[])
            .await?,
        2
    );
    assert_eq!(
        client
            .execute(
                &format!("delete from public.events where owner_id = '{bob}'"),
                &[]
            )
            .await?,
        0
    );
    client
        .batch_execute("set role anon; set request.jwt.claims = ''")
        .await?;
    assert_eq!(
        list(&client, "select id from public.events").await?,
        json!([])
    );
    client.batch_execute("reset role").await?;
    let noted =
        "select jsonb_build_array(op, count(*)) from tandem.changes group by op order by op";
    assert_eq!(
        list(&client, noted).await?,
        json!([["insert", 3], ["update", 2]])
    );
    Ok(())
}

#[tokio::test]
async fn a_user_sees_their_own_connections_and_never_a_token() -> Result<()> {
    let (_database, client) = supabase().await?;
    let (ann, bob) = (Uuid::new_v4(), Uuid::new_v4());
    for user in [ann, bob] {
        connect(&client, user).await?;
    }
    sign_in(&client, ann).await?;
    assert_eq!(
        list(
            &client,
            "select jsonb_build_array(user_id, email, state) from public.tandem_connections"
        )
        .await?,
        json!([[ann, format!("{ann}@example.com"), "active"]])
    );
    let whole = list(
        &client,
        "select to_jsonb(k) from public.tandem_connections k",
    )
    .await?
    .to_string();
    assert!(!whole.contains("secret-"), "{whole}");
    assert_eq!(
        refusal(client.batch_execute("table tandem.accounts").await).0,
        "42501"
    );
    client.batch_execute("set role anon").await?;
    assert_eq!(
        refusal(
            client
                .batch_execute("table public.tandem_connections")
                .await
        )
        .0,
        "42501"
    );
    Ok(())
}

#[tokio::test]
async fn every_table_column_and_function_says_what_it_is_for() -> Result<()> {
    let (_database, client) = plain().await?;
    let relations = "pg_class c where (c.relnamespace = 'tandem'::regnamespace and c.relkind in ('r', 'p', 'v')
        or c.oid in ('tandem.recorded'::regclass, 'public.events'::regclass, 'public.tandem_connections'::regclass))";
    let silent = format!(
        "select c.oid::regclass::text from {relations} and obj_description(c.oid, 'pg_class') is null"
    );
    assert_eq!(list(&client, &silent).await?, json!([]));
    let silent = format!(
        "select concat_ws('.', c.oid::regclass, a.attname) from pg_attribute a join {relations} and a.attrelid = c.oid
         and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null"
    )
    .replace(" c where ", " c on ");
    assert_eq!(list(&client, &silent).await?, json!([]));
    let silent = format!(
        "select p.oid::regprocedure::text from {FUNCTIONS} where obj_description(p.oid, 'pg_proc') is null"
    );
    assert_eq!(list(&client, &silent).await?, json!([]));
    assert_eq!(
        list(
            &client,
            "select obj_description('tandem'::regnamespace, 'pg_namespace') is null"
        )
        .await?,
        json!([false])
    );
    Ok(())
}

async fn supabase() -> Result<(TestDatabase, Client)> {
    let database = supabase_test_cluster()
        .await?
        .migrated(&migrations())
        .await?;
    let client = database.connect().await?;
    Ok((database, client))
}

async fn plain() -> Result<(TestDatabase, Client)> {
    let database = test_cluster().await?.migrated(&migrations()).await?;
    let client = database.connect().await?;
    Ok((database, client))
}

/// What PostgREST does for a signed-in user.
async fn sign_in(client: &Client, user: Uuid) -> Result<()> {
    let claims = json!({"sub": user, "role": "authenticated"});
    Ok(client
        .batch_execute(&format!(
            "set role authenticated; set request.jwt.claims = '{claims}'"
        ))
        .await?)
}

async fn connect(client: &Client, user: Uuid) -> Result<()> {
    let account = json!({
        "instance": INSTANCE, "user_id": user, "sub": user, "email": format!("{user}@example.com"), "scopes": "",
        "refresh_token": "secret-refresh", "access_token": "secret-access", "expires_in": 3600,
    });
    let stored: Value = client
        .query_one("select public.tandem_account_store($1)", &[&account])
        .await?
        .get(0);
    let calendar = json!({
        "instance": INSTANCE, "account_id": stored["account_id"], "google_id": format!("{user}@calendar.example"),
        "summary": "Work", "time_zone": "UTC", "access_role": "owner",
    });
    client
        .query_one("select public.tandem_calendar_connect($1)", &[&calendar])
        .await?;
    Ok(())
}

async fn call_due(client: &Client) -> Result<(), Error> {
    client
        .query_one(
            "select public.tandem_due($1)",
            &[&json!({"instance": INSTANCE})],
        )
        .await
        .map(drop)
}

fn insert(owner: Uuid) -> String {
    format!(
        "insert into public.events (owner_id, starts_at, ends_at) values ('{owner}', now(), now())"
    )
}

async fn list(client: &Client, sql: &str) -> Result<Value> {
    let all = format!("select coalesce(jsonb_agg(x.v), '[]') from ({sql}) x(v)");
    Ok(client.query_one(&all, &[]).await?.get(0))
}

async fn count(client: &Client, from: &str) -> Result<i64> {
    Ok(client
        .query_one(&format!("select count(*) from {from}"), &[])
        .await?
        .get(0))
}
