//! The way back, another mapping, and what is shown where the table may not change.

use crate::calls::{call, commit, connect, insert, key, part};
use crate::crm::{ANN, Crm};
use serde_json::{Value, json};

const TABLE: &str = "
    create table t (id bigint generated always as identity primary key, user_id uuid not null, title text,
      starts timestamptz not null);
    alter table t enable row level security;
    create policy own on t using (user_id = (select tandem.user_uuid()));
    grant select on t to authenticated, tandem_user;
    insert into t (user_id, title, starts) values ('00000000-0000-4000-8000-00000000000a', 'Ann''s', '2031-03-03T09:00Z'),
      ('00000000-0000-4000-8000-00000000000b', 'Bob''s', '2031-03-03T09:00Z')";

fn mapping() -> Value {
    json!({ "owner": "user_id", "fields": { "title": "title", "starts_at": "starts" } })
}

#[tokio::test]
async fn a_table_in_use_is_not_released() {
    let crm = Crm::adopted(TABLE, "t", &mapping()).await;
    connect(&crm.client, ANN).await;
    let release = "select string_agg(x, '; ') from tandem.release() x";
    let error = crm
        .client
        .query_one(release, &[])
        .await
        .expect_err("it is in use");
    let db = error.as_db_error().expect("the database says so");
    assert!(
        db.message()
            .starts_with("public.t is in use: 1 calendars are connected")
    );
    assert!(
        db.hint()
            .is_some_and(|hint| hint.contains("select tandem.disconnect_all()"))
    );
    crm.run("create table other (like t including all)").await;
    let said = crm.refused("other", &mapping()).await;
    assert!(said.starts_with("public.t is in use"), "{said}");
    crm.run("drop table other").await;
    assert_eq!(crm.text("select tandem.disconnect_all()::text").await, "1");
    assert_eq!(
        crm.text("select state from tandem.connections").await,
        "disconnecting"
    );
    crm.run("update tandem.connections set state = 'disconnected'")
        .await;
    let said = crm.text(release).await;
    assert!(said.contains("keeps its rows"), "{said}");
    assert_eq!(crm.text(release).await, "no table is adopted");
    crm.untouched().await;
    assert_eq!(crm.text("select count(*)::text from t").await, "2");
    // What asks for rows finds none, and a release of Tandem does not take the table back.
    let status = call(&crm.client, "status", &json!({ "user_id": ANN }))
        .await
        .expect("it answers");
    assert_eq!(status["events"], json!({}));
    crm.run(&database_tests::functions().join("\n")).await;
    assert_eq!(
        crm.text("select count(*)::text from tandem.adoption").await,
        "0"
    );
    crm.run("insert into t (user_id, starts) values (gen_random_uuid(), now())")
        .await;
    // And again.
    crm.adopt("t", &mapping()).await;
    assert_eq!(
        crm.text("select count(*)::text from tandem.crm_rows").await,
        "3"
    );
}

#[tokio::test]
async fn a_release_of_tandem_makes_the_adapter_anew() {
    let crm = Crm::adopted(TABLE, "t", &mapping()).await;
    crm.run("create view overdue as select title from tandem.events where sync_state = 'error'")
        .await;
    let made =
        "select md5(string_agg(pg_get_functiondef(p.oid), '' order by p.proname)) from pg_proc p
        where p.pronamespace = 'tandem'::regnamespace and p.proname like 'crm\\_%'";
    let before = crm.text(made).await;
    crm.run("create or replace function tandem.crm_write(items jsonb) returns void language plpgsql as 'begin end'")
        .await;
    crm.run(&database_tests::functions().join("\n")).await;
    assert_eq!(crm.text(made).await, before);
    assert_eq!(
        crm.text("select given::text from tandem.adoption").await,
        mapping_text(&crm).await
    );
}

async fn mapping_text(crm: &Crm) -> String {
    let row = crm
        .client
        .query_one("select ($1::jsonb)::text", &[&mapping()])
        .await;
    row.expect("it is text").get(0)
}

#[tokio::test]
async fn states_are_shown_beside_a_table_that_may_not_change() {
    let crm = Crm::adopted(TABLE, "t", &mapping()).await;
    connect(&crm.client, ANN).await;
    let fields = json!({ "title": "New", "all_day": false, "starts_at": "2031-03-03T09:00:00.000000Z",
        "ends_at": "2031-03-03T10:00:00.000000Z" });
    let mut ops = insert(1, ANN, fields);
    let shown = json!({ "state": "synced", "error": null, "remote": "r", "calendar": "cal", "access": "full" });
    ops.as_array_mut()
        .expect("ops")
        .push(json!({ "op": "show", "event": key(1), "shown": shown }));
    commit(&crm.client, vec![part(&json!(key(1)), &Value::Null, ops)]).await;
    let shown = "select string_agg(concat_ws(' ', title, sync_state, google_event_id), ', ' order by title) from tandem.events";
    assert_eq!(
        crm.text(shown).await,
        "Ann's none, Bob's none, New synced r"
    );
    let log_in = |who: &str| {
        format!(
            "set role tandem_user; select set_config('request.jwt.claims', '{{\"sub\": \"{who}\"}}', false)"
        )
    };
    crm.run(&log_in(ANN)).await;
    assert_eq!(crm.text(shown).await, "Ann's none, New synced r");
    crm.run(&format!(
        "reset role; {}",
        log_in("00000000-0000-4000-8000-00000000000b")
    ))
    .await;
    assert_eq!(crm.text(shown).await, "Bob's none");
    let forged = "select (tandem.my_state('3')).state";
    assert_eq!(crm.text(forged).await, "none");
    crm.run("reset role").await;
}

#[tokio::test]
async fn another_mapping_keeps_what_a_column_said() {
    let table =
        format!("{TABLE}; alter table t add column place text, add column ends timestamptz");
    let mut first = mapping();
    first["fields"]["location"] = json!("place");
    first["fields"]["ends_at"] = json!("ends");
    let crm = Crm::adopted(&table, "t", &first).await;
    connect(&crm.client, ANN).await;
    let fields = json!({ "title": "New", "location": "here", "color": "5", "all_day": false,
        "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T12:00:00.000000Z" });
    commit(
        &crm.client,
        vec![part(
            &json!(key(1)),
            &Value::Null,
            insert(1, ANN, fields.clone()),
        )],
    )
    .await;
    crm.run("update t set place = 'there' where title = 'New'")
        .await;
    crm.adopt("t", &mapping()).await;
    let now = crm.fields(1).await;
    assert_eq!(
        (&now["location"], &now["color"]),
        (&json!("there"), &json!("5"))
    );
    assert_eq!(now["ends_at"], fields["ends_at"]);
    crm.adopt("t", &first).await;
    assert_eq!(crm.fields(1).await["location"], json!("there"));
}
