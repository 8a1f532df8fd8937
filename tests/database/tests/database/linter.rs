//! What Supabase's database linter would say of an installation there: nothing of its levels ERROR and
//! WARN that has no reason here. The rules are those of supabase/splinter, in our own words; what needs
//! extensions that Tandem does not use (pgmq, pg_graphql, storage) is left out.

use database_tests::halves;
use std::collections::BTreeSet;
use std::path::Path;
use tokio_postgres::Client;

/// What a project has before anything is installed, as far as the rules look at it.
const PROJECT: &str = "create schema auth; create schema tandem;
    create table auth.users (id uuid primary key, email text unique, raw_user_meta_data jsonb);
    create function auth.uid() returns uuid language sql stable set search_path = '' as
      $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;";

/// A rule's name there, and what breaks it here.
const RULES: [(&str, &str); 18] = [
    (
        "auth_users_exposed",
        "select v.oid::regclass::text from pg_class v where v.relkind in ('v', 'm') and v.relnamespace = 'public'::regnamespace
         and (has_table_privilege('anon', v.oid, 'select') or has_table_privilege('authenticated', v.oid, 'select'))
         and exists (select from pg_rewrite r join pg_depend d on d.objid = r.oid
           where r.ev_class = v.oid and d.refobjid = to_regclass('auth.users'))",
    ),
    (
        "auth_rls_initplan",
        "select p.polrelid::regclass || ' ' || p.polname from pg_policy p
         cross join unnest(array[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]) e
         where regexp_replace(e, 'select\\s+(\\w+\\.\\w+|current_setting)\\(', '', 'gi')
           ~* '((auth|tandem)\\.(uid|jwt|role|email|user_uuid)|current_setting)\\('",
    ),
    (
        "multiple_permissive_policies",
        "select p.polrelid::regclass || ' ' || r.rolname || ' ' || c from pg_policy p
         join pg_roles r on r.oid = any (p.polroles) or 0 = any (p.polroles)
         cross join unnest(case p.polcmd when '*' then '{r,a,w,d}'::text[] else array[p.polcmd::text] end) c
         where p.polpermissive and not r.rolbypassrls and r.rolname not like 'pg\\_%'
         group by p.polrelid, r.rolname, c having count(*) > 1",
    ),
    (
        "policy_exists_rls_disabled",
        "select distinct t.oid::regclass::text from pg_policy p join pg_class t on t.oid = p.polrelid
         where not t.relrowsecurity",
    ),
    (
        "duplicate_index",
        "select i.indrelid::regclass || ' ' || string_agg(c.relname, ' ' order by c.relname) from pg_index i
         join pg_class c on c.oid = i.indexrelid where c.relnamespace in ('public'::regnamespace, 'tandem'::regnamespace)
         group by i.indrelid, replace(pg_get_indexdef(i.indexrelid), c.relname, '') having count(*) > 1",
    ),
    (
        "security_definer_view",
        "select v.oid::regclass::text from pg_class v where v.relkind = 'v' and v.relnamespace in ('public'::regnamespace,
           'tandem'::regnamespace)
         and (has_table_privilege('anon', v.oid, 'select') or has_table_privilege('authenticated', v.oid, 'select'))
         and not exists (select from pg_options_to_table(v.reloptions) o where o.option_name = 'security_invoker'
           and o.option_value in ('1', 'true', 'on', 'yes'))",
    ),
    (
        "function_search_path_mutable",
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace in ('public'::regnamespace,
           'tandem'::regnamespace) and p.prokind in ('f', 'p')
         and not exists (select from unnest(p.proconfig) s where s like 'search\\_path=%')
         and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
    ),
    (
        "rls_disabled_in_public",
        "select t.oid::regclass::text from pg_class t where t.relkind in ('r', 'p') and t.relnamespace = 'public'::regnamespace
         and not t.relrowsecurity
         and (has_table_privilege('anon', t.oid, 'select') or has_table_privilege('authenticated', t.oid, 'select'))",
    ),
    (
        "rls_references_user_metadata",
        "select p.polrelid::regclass || ' ' || p.polname from pg_policy p where concat(pg_get_expr(p.polqual, p.polrelid),
           pg_get_expr(p.polwithcheck, p.polrelid)) ~ '(raw_)?user_meta_?data'",
    ),
    (
        "rls_policy_always_true",
        "select p.polrelid::regclass || ' ' || p.polname from pg_policy p join pg_class t on t.oid = p.polrelid
         where t.relrowsecurity and p.polpermissive and p.polcmd <> 'r'
         and (0 = any (p.polroles) or p.polroles && array['anon'::regrole::oid, 'authenticated'::regrole::oid])
         and exists (select from unnest(array[pg_get_expr(p.polqual, p.polrelid),
           pg_get_expr(p.polwithcheck, p.polrelid)]) e where e ~ '^\\(*(true|1 = 1)\\)*$')",
    ),
    (
        "extension_in_public",
        "select extname::text from pg_extension where extnamespace = 'public'::regnamespace",
    ),
    (
        "materialized_view_in_api",
        "select v.oid::regclass::text from pg_class v where v.relkind = 'm' and v.relnamespace = 'public'::regnamespace
         and (has_table_privilege('anon', v.oid, 'select') or has_table_privilege('authenticated', v.oid, 'select'))",
    ),
    (
        "foreign_table_in_api",
        "select t.oid::regclass::text from pg_class t where t.relkind = 'f' and t.relnamespace = 'public'::regnamespace
         and (has_table_privilege('anon', t.oid, 'select') or has_table_privilege('authenticated', t.oid, 'select'))",
    ),
    (
        "fkey_to_auth_unique",
        "select k.conrelid::regclass || ' ' || k.conname from pg_constraint k join pg_class t on t.oid = k.confrelid
         join pg_index i on i.indexrelid = k.conindid
         where k.contype = 'f' and t.relnamespace = to_regnamespace('auth') and i.indisunique and not i.indisprimary",
    ),
    (
        "sensitive_columns_exposed",
        "select c.attrelid::regclass || ' ' || c.attname from pg_attribute c join pg_class t on t.oid = c.attrelid
         where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace and not t.relrowsecurity and c.attnum > 0
         and (has_table_privilege('anon', t.oid, 'select') or has_table_privilege('authenticated', t.oid, 'select'))
         and c.attname ~* 'passw|secret|token|_key$|jwt|iban|card_number|ssn'",
    ),
    (
        "unsupported_reg_types",
        "select c.attrelid::regclass || ' ' || c.attname from pg_attribute c join pg_class t on t.oid = c.attrelid
         where t.relkind = 'r' and t.relnamespace in ('public'::regnamespace, 'tandem'::regnamespace)
         and c.attnum > 0 and c.atttypid in ('regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype,
           'regoperator'::regtype, 'regconfig'::regtype, 'regcollation'::regtype, 'regdictionary'::regtype,
           'regnamespace'::regtype)",
    ),
    (
        "anon_security_definer_function_executable",
        "select p.oid::regprocedure::text from pg_proc p where p.prosecdef and has_function_privilege('anon', p.oid, 'execute')
         and p.pronamespace in ('public'::regnamespace, 'tandem'::regnamespace)",
    ),
    (
        "authenticated_security_definer_function_executable",
        "select p.oid::regprocedure::text from pg_proc p where p.prosecdef
         and has_function_privilege('authenticated', p.oid, 'execute')
         and p.pronamespace in ('public'::regnamespace, 'tandem'::regnamespace)",
    ),
];

const CALLERS: &str = "what is the caller's own alone, by tandem.uid()";
const READ: &str = "takes a row that its caller has read under row level security";
const IDS: &str =
    "ids and keys alone, which give access to nothing, in a schema that is not in the API";
const NOBODYS: &str = "nothing of anybody's";

/// Rule, object, and why it may be so.
const EXCEPTIONS: [(&str, &str, &str); 16] = {
    const DEFINER: &str = "authenticated_security_definer_function_executable";
    [
        (DEFINER, "tandem.my_aside(uuid,jsonb)", CALLERS),
        (DEFINER, "tandem.my_children(uuid[])", IDS),
        (DEFINER, "tandem.my_copies_before(text)", IDS),
        (DEFINER, "tandem.my_event_of(text)", IDS),
        (DEFINER, "tandem.my_keys(uuid[])", IDS),
        (DEFINER, "tandem.my_known_zone(jsonb,text)", NOBODYS),
        (DEFINER, "tandem.my_marks(uuid[])", CALLERS),
        (DEFINER, "tandem.my_meeting(text)", IDS),
        (DEFINER, "tandem.my_new_key(uuid)", IDS),
        (DEFINER, "tandem.my_parents(uuid[])", IDS),
        (DEFINER, "tandem.my_record(events,jsonb)", READ),
        (DEFINER, "tandem.my_server()", NOBODYS),
        (DEFINER, "tandem.my_state(text)", CALLERS),
        (DEFINER, "tandem.my_touched(text,integer)", CALLERS),
        (DEFINER, "tandem.my_view(events)", READ),
        (DEFINER, "tandem.my_zone()", CALLERS),
    ]
};

/// What breaks each rule, in their order.
const OFFENCES: [&str; 18] = [
    "create view public.who as select email from auth.users",
    "create policy each on public.crm using (owner = auth.uid())",
    "create policy one on public.crm for select using (true); create policy two on public.crm using (id = 2)",
    "alter table public.crm disable row level security; create policy three on public.crm for select using (id = 3)",
    "create index once on public.crm (owner); create index twice on public.crm (owner)",
    "create view public.all_of_it as select * from public.crm",
    "create function public.anywhere() returns int language sql as 'select 1'",
    "create table public.open (id int)",
    "create policy four on public.crm using ((current_setting('a')::jsonb -> 'user_metadata' ->> 'x') = 'y')",
    "create policy five on public.crm for insert to authenticated with check (true)",
    "create extension pg_trgm schema public",
    "create materialized view public.stored as select 1 as id",
    "create foreign data wrapper w; create server s foreign data wrapper w; create foreign table public.far (id int) server s",
    "create table public.mails (mail text references auth.users (email))",
    "create table public.keys (api_key text)",
    "create table public.odd (f regproc)",
    "create function public.anyone() returns int language sql security definer set search_path = '' as 'select 1'",
    "create function public.user() returns int language sql security definer set search_path = '' as 'select 1';
     revoke execute on function public.user() from public, anon",
];

async fn project() -> Client {
    let client = halves().await;
    client.batch_execute(PROJECT).await.expect("a project");
    client
}

async fn broken(client: &Client, sql: &str) -> BTreeSet<String> {
    let rows = client.query(sql, &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn an_installation_breaks_no_rule_without_a_reason() {
    let client = project().await;
    let all = format!("begin;\n{}\ncommit;", database_tests::set().join("\n"));
    client.batch_execute(&all).await.expect("the set applies");
    assert!(EXCEPTIONS.iter().all(|(_, _, why)| !why.is_empty()));
    for (rule, sql) in RULES {
        let found = broken(&client, sql).await;
        let of_rule = EXCEPTIONS.iter().filter(|(of, _, _)| *of == rule);
        let excused: BTreeSet<String> = of_rule.map(|(_, what, _)| (*what).to_owned()).collect();
        assert_eq!(found, excused, "{rule}");
    }
}

#[tokio::test]
async fn each_rule_finds_what_breaks_it() {
    let client = project().await;
    for ((rule, sql), offence) in RULES.into_iter().zip(OFFENCES) {
        let begin = "begin; create table public.crm (id int, owner uuid);
            alter table public.crm enable row level security;";
        client.batch_execute(begin).await.expect("a table");
        let before = broken(&client, sql).await;
        let made = client.batch_execute(offence).await;
        made.unwrap_or_else(|error| panic!("{rule}: {error:?}"));
        let found = broken(&client, sql).await;
        assert!(found.is_superset(&before) && found != before, "{rule}");
        client.batch_execute("rollback").await.expect("it is over");
    }
}

#[tokio::test]
async fn each_table_says_how_long_it_keeps_what_it_has() {
    let client = database_tests::fresh().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/what-is-kept.md");
    let page = std::fs::read_to_string(root).expect("the page");
    let tables = "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'tandem'::regnamespace";
    for table in broken(&client, tables).await {
        assert!(page.contains(&format!("`{table}`")), "{table} is not named");
    }
}
