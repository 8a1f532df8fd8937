//! Who may do what, also half-way through an installation.

use crate::calls::{ANN, BOB, connect, key, load};
use database_tests::{fresh, halves, set};

const OPEN: &str = "select string_agg(p.oid::regprocedure::text || ' ' || r, ', ') from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace cross join unnest('{anon,authenticated,tandem_user}'::text[]) r
    where (n.nspname = 'tandem' and has_schema_privilege(r, 'tandem', 'usage')
        and p.proname not in ('uid', 'user_uuid') and p.proname not like 'my\\_%'
      or n.nspname = 'public' and p.proname like 'tandem\\_%' and p.proname not like 'tandem\\_my\\_%')
    and has_function_privilege(r, p.oid, 'execute')";

#[tokio::test]
async fn users_can_call_nothing_of_the_sync() {
    let client = fresh().await;
    let open: Option<String> = client
        .query_one(OPEN, &[])
        .await
        .expect("it is asked")
        .get(0);
    assert_eq!(open, None);
    let tables = "select string_agg(c.relname || ' ' || r, ', ') from pg_class c cross join
        unnest('{anon,authenticated,service_role,tandem_user,tandem_component}'::text[]) r
        where c.relnamespace = 'tandem'::regnamespace and c.relkind in ('r', 'v', 'S')
        and c.relname <> 'meetings'
        and case when c.relkind = 'S' then has_sequence_privilege(r, c.oid, 'usage, select, update')
          else has_table_privilege(r, c.oid, 'select, insert, update, delete') end";
    let open: Option<String> = client
        .query_one(tables, &[])
        .await
        .expect("it is asked")
        .get(0);
    assert_eq!(open, None);
    let unset = "select string_agg(p.oid::regprocedure::text, ', ') from pg_proc p
        where p.pronamespace in ('tandem'::regnamespace, 'public'::regnamespace)
        and (p.pronamespace = 'tandem'::regnamespace or p.proname like 'tandem\\_%')
        and not coalesce(p.proconfig::text like '%search_path=%', false)";
    let unset: Option<String> = client
        .query_one(unset, &[])
        .await
        .expect("it is asked")
        .get(0);
    assert_eq!(unset, None);
}

#[tokio::test]
async fn half_an_installation_is_open_to_nobody() {
    let client = halves().await;
    for text in set() {
        client
            .batch_execute(&format!("begin;\n{text}\ncommit;"))
            .await
            .expect("it applies");
        let open: Option<String> = client
            .query_one(OPEN, &[])
            .await
            .expect("it is asked")
            .get(0);
        assert_eq!(open, None, "after: {}", &text[..200.min(text.len())]);
    }
}

#[tokio::test]
async fn an_installation_that_fails_leaves_nothing() {
    let client = halves().await;
    let all = format!("begin;\n{}\nselect 1 / 0;\ncommit;", set().join("\n"));
    client.batch_execute(&all).await.expect_err("it fails");
    client
        .batch_execute("rollback")
        .await
        .expect("it is rolled back");
    let left = "select to_regnamespace('tandem') is null and to_regclass('public.events') is null";
    assert!(
        client
            .query_one(left, &[])
            .await
            .expect("it is asked")
            .get::<_, bool>(0)
    );
}

#[tokio::test]
async fn a_users_occurrence_of_anothers_series_is_refused_and_a_services_is_a_family_of_its_own() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let series = format!(
        "insert into events (id, owner_id, title, starts_at, ends_at, recurrence)
         values ('{}', '{ANN}', 'series', now(), now(), '{{RRULE:FREQ=DAILY}}')",
        key(1)
    );
    client
        .batch_execute(&series)
        .await
        .expect("there is a series");
    let exception = format!(
        "insert into events (id, owner_id, starts_at, ends_at, status, recurring_event_id, original_start)
         values ('{}', '{BOB}', now(), now(), 'cancelled', '{}', '2031-03-03T09:00:00Z')",
        key(2),
        key(1)
    );
    let as_bob = format!(
        "begin; set local role authenticated; select set_config('request.jwt.claims', '{{\"sub\": \"{BOB}\"}}', true);
         {exception}; commit"
    );
    client
        .batch_execute("grant insert, select on events to authenticated")
        .await
        .expect("it is granted");
    let refused = client
        .batch_execute(&as_bob)
        .await
        .expect_err("it is refused");
    assert_eq!(
        refused.code().map(|code| code.code().to_owned()).as_deref(),
        Some("PT403")
    );
    client
        .batch_execute("rollback")
        .await
        .expect("it is rolled back");
    client
        .batch_execute(&exception)
        .await
        .expect("a service stores it");
    let family = load(&client, 2, "store").await;
    assert_eq!(
        (&family["root"], family["members"].as_array().map(Vec::len)),
        (&key(2).into(), Some(1))
    );
    assert_eq!(
        load(&client, 1, "store").await["members"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}
