//! A statement of many rows, in a program of its own so that nothing else takes its time.

use database_tests::fresh;

/// Supabase's limit is 8 s, of a machine that does nothing else: what others take of this one is added.
fn limit() -> String {
    let loads = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: f64 = loads
        .split(' ')
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(1.0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cores = u32::try_from(cores).map_or(1.0, f64::from);
    format!(
        "set statement_timeout = '{}s'",
        8.0 * (load / cores).clamp(1.0, 5.0)
    )
}

#[tokio::test]
async fn fifty_thousand_rows_in_a_session_with_plans_of_one() {
    let client = fresh().await;
    let people = "insert into tandem.accounts (user_id, subject, email)
          select format('00000000-0000-4000-9000-%s', lpad(i::text, 12, '0')), i, '' from generate_series(0, 9) i;
        insert into tandem.connections (user_id, account_id, calendar_id, is_target)
          select user_id, id, 'cal', true from tandem.accounts";
    client
        .batch_execute(people)
        .await
        .expect("there are people");
    client.batch_execute(&limit()).await.expect("it is set");
    let insert = |count: u32| {
        format!(
            "insert into events (owner_id, title, starts_at, ends_at)
             select format('00000000-0000-4000-9000-%s', lpad((i % 10)::text, 12, '0'))::uuid, 'a', now(), now()
             from generate_series(1, {count}) i"
        )
    };
    client
        .batch_execute(&insert(1))
        .await
        .expect("one is inserted");
    client
        .batch_execute("update events set title = 'b'")
        .await
        .expect("one is updated");
    // Statistics of empty tables.
    client
        .batch_execute("analyze")
        .await
        .expect("it is analysed");
    client
        .batch_execute(&insert(50_000))
        .await
        .expect("many are inserted");
    client
        .batch_execute("update events set title = 'c'")
        .await
        .expect("many are updated");
    client
        .batch_execute("update events set updated_at = now()")
        .await
        .expect("many are touched");
    client
        .batch_execute("delete from events")
        .await
        .expect("many are deleted");
    let count = "select count(*) from tandem.changes";
    assert_eq!(
        client
            .query_one(count, &[])
            .await
            .expect("it is counted")
            .get::<_, i64>(0),
        150_004
    );
}
