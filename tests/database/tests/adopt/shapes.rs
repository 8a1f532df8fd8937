//! Tables with something of their own: partitions, keys that are stale, owners that are nobody, switches.

use crate::calls::{commit, connect, insert, key, part};
use crate::crm::{ANN, Crm};
use serde_json::{Value, json};

#[tokio::test]
async fn a_partitioned_table_is_followed_in_all_its_parts() {
    let tables = "
        create table visits (id uuid not null default gen_random_uuid(), day date not null, user_id uuid not null,
          title text, starts timestamptz not null, primary key (id, day)) partition by range (day);
        create table visits_old partition of visits for values from (minvalue) to ('2031-03-05');
        create table visits_new partition of visits for values from ('2031-03-05') to (maxvalue)";
    let mapping = json!({ "key": "id", "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" },
        "insert": { "day": "(tandem.moment_of($1, 'starts', 'UTC'))::date" } });
    let crm = Crm::new(tables).await;
    let said = crm.check("visits", &mapping).await;
    assert!(
        said[0].starts_with("warning | key | public.visits is partitioned"),
        "{said:#?}"
    );
    crm.adopt("visits", &mapping).await;
    crm.run(&format!("insert into visits (day, user_id, starts) values ('2031-03-03', '{ANN}', '2031-03-03T09:00Z');
        insert into visits_new (day, user_id, starts) values ('2031-03-05', '{ANN}', '2031-03-05T09:00Z')"))
        .await;
    assert_eq!(crm.changes().await, "insert insert");
    // Postgres makes a deletion and an insertion of it, and the same event stays.
    crm.run(
        "delete from tandem.changes; update visits set day = '2031-03-06' where day = '2031-03-03'",
    )
    .await;
    assert_eq!(crm.changes().await, "delete insert");
    assert_eq!(
        crm.text("select count(distinct event)::text from tandem.changes")
            .await,
        "1"
    );
    crm.run("delete from visits").await;
    crm.follows(ANN, "update visits set starts = '2031-03-04T10:00Z', day = '2031-03-04' where title = 'Kick-off'").await;
    crm.released().await;
}

#[tokio::test]
async fn a_stale_reference_stops_nothing() {
    let tables = "
        create table contacts (id integer primary key);
        create table deals (id uuid primary key);
        create table t (id bigint generated always as identity primary key, user_id uuid not null, title text,
          starts timestamptz not null, contact integer references contacts, deal uuid references deals);
        insert into contacts values (5)";
    let mapping = json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts",
        "contact_id": "contact", "deal_id": "deal" } });
    let crm = Crm::adopted(tables, "t", &mapping).await;
    connect(&crm.client, ANN).await;
    for (n, contact, deal) in [
        (1, "5", "none"),
        (2, "6", "5b1f7f0e-0000-4000-8000-000000000000"),
        (3, "x' or 1=1", ""),
    ] {
        let fields = json!({ "title": n.to_string(), "all_day": false, "starts_at": "2031-03-03T09:00:00Z",
            "ends_at": "2031-03-03T10:00:00Z", "contact_id": contact, "deal_id": deal });
        let done = commit(
            &crm.client,
            vec![part(&json!(key(n)), &Value::Null, insert(n, ANN, fields))],
        )
        .await;
        assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    }
    let rows = "select string_agg(concat_ws(' ', title, contact, deal), ', ' order by id) from t";
    assert_eq!(crm.text(rows).await, "1 5, 2, 3");
}

#[tokio::test]
async fn what_is_nobodys_is_no_event_and_stops_no_statement() {
    let tables = "create table t (id bigint generated always as identity primary key, user_id uuid, title text,
        starts timestamptz not null)";
    let mapping = json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" }, "state": "add" });
    let crm = Crm::adopted(tables, "t", &mapping).await;
    crm.run("insert into t (starts) values (now()); update t set title = 'a'")
        .await;
    assert_eq!(crm.changes().await, "");
    crm.run(&format!("update t set user_id = '{ANN}'")).await;
    crm.run("update t set user_id = null").await;
    crm.run("delete from t").await;
    assert_eq!(crm.changes().await, "insert delete");
    let old = "select old_row ->> 'owner' from tandem.changes where op = 'delete'";
    assert_eq!(crm.text(old).await, ANN);
}

#[tokio::test]
async fn a_switch_is_a_column_or_an_expression() {
    let tables = "create table t (id uuid primary key default gen_random_uuid(), user_id uuid not null, title text,
        starts timestamptz not null, sync text not null default 'on')";
    let mapping = json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" },
        "enabled": { "read": "sync = 'on'", "write": { "sync": "case when $1 = 'true' then 'on' else 'off' end" } } });
    let crm = Crm::adopted(tables, "t", &mapping).await;
    crm.run(&format!(
        "insert into t (user_id, starts) values ('{ANN}', now())"
    ))
    .await;
    crm.run("update t set sync = 'off'").await;
    assert_eq!(crm.changes().await, "insert update{enabled}");
    assert_eq!(crm.rows().await[0]["enabled"], json!(false));
}

#[tokio::test]
async fn keys_that_a_trigger_makes_are_the_tables_own() {
    let tables = "
        create table numbers (last bigint not null);
        insert into numbers values (100);
        create table t (\"No\" bigint primary key, user_id uuid not null, title text, starts timestamptz not null);
        create function number() returns trigger language plpgsql as $$ begin
          update public.numbers set last = last + 1 returning last into new.\"No\"; return new; end $$;
        create trigger numbered before insert on t for each row execute function number()";
    let mapping =
        json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" } });
    let crm = Crm::adopted(tables, "t", &mapping).await;
    crm.run(&format!(
        "insert into t (user_id, title, starts) values ('{ANN}', 'Own', now()); delete from t"
    ))
    .await;
    assert_eq!(crm.changes().await, "insert delete");
    crm.follows(
        ANN,
        "update t set starts = '2031-03-04T10:00Z' where \"No\" = 102",
    )
    .await;
    crm.released().await;
}

#[tokio::test]
async fn starts_and_ends_have_many_forms() {
    let tables = "create table t (id bigint generated always as identity primary key, user_id uuid not null, title text,
        day date, at timestamp, until_day date, until_time time, took interval)";
    let crm = Crm::new(tables).await;
    crm.run(&format!(
        "insert into t (user_id, title, day, at, until_day, until_time, took)
        values ('{ANN}', '100%', '2031-07-01', '2031-07-01 09:00', '2031-07-01', '10:30', '2 hours')"
    ))
    .await;
    let berlin = json!({ "column": "at", "zone": "Europe/Berlin" });
    let (nine, whole) = ("2031-07-01T07:00:00.000000Z", Value::Null);
    for (starts, ends, all_day, expected) in [
        (
            json!("day"),
            Value::Null,
            Value::Null,
            ["2031-07-01", "2031-07-02"],
        ),
        (
            berlin.clone(),
            json!({ "length": "45 minutes" }),
            whole.clone(),
            [nine, "2031-07-01T07:45:00.000000Z"],
        ),
        (
            berlin.clone(),
            json!("took"),
            whole.clone(),
            [nine, "2031-07-01T09:00:00.000000Z"],
        ),
        (
            berlin.clone(),
            json!({ "date": "until_day", "time": "until_time", "zone": "Europe/Berlin" }),
            whole.clone(),
            [nine, "2031-07-01T08:30:00.000000Z"],
        ),
        (
            berlin,
            Value::Null,
            json!({ "constant": true }),
            ["2031-07-01", "2031-07-02"],
        ),
    ] {
        let mut mapping = json!({ "owner": "user_id", "where": "title like '%0%'", "delete": { "title": "'%'" },
            "fields": { "title": "title", "starts_at": starts } });
        for (name, spec) in [("ends_at", ends), ("all_day", all_day)] {
            if !spec.is_null() {
                mapping["fields"][name] = spec;
            }
        }
        crm.adopt("t", &mapping).await;
        let row = &crm.rows().await[0];
        let side = |at: &str, on: &str| row.get(at).or(row.get(on)).cloned();
        let said = [side("starts_at", "starts_on"), side("ends_at", "ends_on")];
        assert_eq!(said, expected.map(|text| Some(json!(text))), "{mapping}");
    }
    crm.released().await;
}
