//! A CRM's table of another shape.

use crate::calls::{HOME, call, commit, connect, count, key, load, part};
use database_tests::fresh;
use serde_json::{Value, json};
use tokio_postgres::Client;

const TABLE: &str = r#"
    create table appointments (id bigint generated always as identity primary key, user_id integer not null,
      subject text not null, body text, start_time timestamptz not null, end_time timestamptz, is_all_day boolean,
      deleted_at timestamptz, parent_id bigint, score integer not null default 3);
    insert into appointments (user_id, subject, start_time) values (7, 'old', '2031-01-01');
    select tandem.adopt('public.appointments', '{"owner": "user_id", "series": "parent_id",
      "where": "deleted_at is null", "delete": {"deleted_at": "now()"}, "aside": ["location", "color"],
      "fields": {"title": "subject", "description": "body",
        "starts_at": {"read": "tandem.utc(start_time)", "write": {"start_time": "($1 #>> ''{}'')::timestamptz"}},
        "all_day": {"read": "coalesce(is_all_day, false)", "write": {"is_all_day": "($1 #>> ''{}'')::boolean"}},
        "status": {"constant": "confirmed"}}}')"#;

async fn adopted() -> Client {
    let client = fresh().await;
    client.batch_execute(TABLE).await.expect("it is adopted");
    connect(&client, "7").await;
    client
}

#[tokio::test]
async fn only_mapped_columns_make_changes_and_a_soft_deletion_is_one() {
    let client = adopted().await;
    client
        .batch_execute("update appointments set score = 4")
        .await
        .expect("it is updated");
    assert_eq!(count(&client, "tandem.changes").await, 0);
    client
        .batch_execute("update appointments set subject = 'b'")
        .await
        .expect("it is updated");
    client
        .batch_execute("update appointments set deleted_at = now()")
        .await
        .expect("it is updated");
    assert_eq!(
        count(
            &client,
            "tandem.changes where op = 'update' and fields = '{title}'"
        )
        .await,
        1
    );
    let deleted = "tandem.changes where op = 'delete' and old_row -> 'fields' ->> 'title' = 'b'";
    assert_eq!(count(&client, deleted).await, 1);
    client
        .batch_execute("update appointments set subject = 'c'")
        .await
        .expect("it is updated");
    assert_eq!(count(&client, "tandem.changes").await, 2);
}

#[tokio::test]
async fn rows_are_inserted_written_and_deleted() {
    let client = adopted().await;
    let fields = json!({ "title": "a", "location": "Berlin", "all_day": false, "starts_at": "2031-03-03T09:00:00Z" });
    let row = json!({ "owner": "7", "enabled": true, "series": null, "original_start": null, "fields": fields });
    let link = json!({ "connection": HOME, "remote": "r", "event": key(1), "root": key(1), "origin": "remote",
        "ical_uid": null, "original_start": null, "state": "live", "standing": {}, "synced_rev": 0 });
    let shown = json!({ "state": "synced", "error": null, "remote": "r", "calendar": "cal", "access": "full" });
    let ops = json!([{ "op": "insert_row", "event": key(1), "row": row }, { "op": "put_link", "link": link },
        { "op": "show", "event": key(1), "shown": shown }]);
    let done = commit(&client, vec![part(&json!(key(1)), &Value::Null, ops)]).await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    assert_eq!(
        count(&client, "tandem.event_state where state = 'synced'").await,
        1
    );
    let family = load(&client, 1, "store").await;
    let write = json!([{ "op": "write_row", "event": key(1), "expected": { "title": "a", "location": "Berlin" },
        "fields": { "title": "b", "location": "Rome" } }]);
    commit(
        &client,
        vec![part(&family["root"], &family["fence"], write)],
    )
    .await;
    let family = load(&client, 1, "store").await;
    let now = &family["members"][0]["row"]["fields"];
    assert_eq!(
        (&now["title"], &now["location"], &now["color"]),
        (&json!("b"), &json!("Rome"), &Value::Null)
    );
    assert_eq!(
        count(
            &client,
            "appointments where id = 2 and subject = 'b' and score = 3"
        )
        .await,
        1
    );
    let delete = json!([{ "op": "delete_row", "event": key(1), "expected": now }]);
    let done = commit(
        &client,
        vec![part(&family["root"], &family["fence"], delete)],
    )
    .await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    assert_eq!(
        count(&client, "appointments where deleted_at is not null").await,
        1
    );
    assert_eq!(count(&client, "tandem.changes").await, 0);
}

#[tokio::test]
async fn a_table_that_is_not_ours_keeps_its_row_level_security() {
    let client = adopted().await;
    let open = "pg_class where oid = 'appointments'::regclass and relrowsecurity";
    assert_eq!(count(&client, open).await, 0);
    assert_eq!(
        count(&client, "pg_policies where tablename = 'appointments'").await,
        0
    );
    client
        .batch_execute("select tandem.generate()")
        .await
        .expect("it is made anew");
}

#[tokio::test]
async fn what_is_kept_beside_a_row_goes_when_the_crm_deletes_it() {
    let client = adopted().await;
    let beside = "insert into tandem.event_fields (event, fields) select event, '{\"location\": \"here\"}' from tandem.keys;
        insert into tandem.event_state (event) select event from tandem.keys";
    client.batch_execute(beside).await.expect("it is kept");
    let upkeep = async || {
        let again = "delete from tandem.settings where key = 'kept_up_at'";
        client.batch_execute(again).await.expect("it is time");
        let did = call(&client, "upkeep", &json!({})).await;
        did.expect("it is kept up")["did"]["aside"].take()
    };
    assert_eq!(upkeep().await, Value::Null);
    client
        .batch_execute("delete from appointments")
        .await
        .expect("it is deleted");
    // The deletion is not loaded yet.
    assert_eq!(upkeep().await, Value::Null);
    client
        .batch_execute("delete from tandem.changes")
        .await
        .expect("it is done");
    assert_eq!(upkeep().await, json!(2));
    assert_eq!(count(&client, "tandem.event_fields").await, 0);
}

#[tokio::test]
async fn what_is_kept_beside_a_users_rows_is_erased() {
    let client = adopted().await;
    let beside = "delete from tandem.connections; delete from tandem.accounts;
        insert into tandem.event_fields (event, fields) select event, '{}' from tandem.keys;
        insert into tandem.event_state (event) select event from tandem.keys";
    client.batch_execute(beside).await.expect("it is kept");
    let ask = json!({ "user_id": "7" });
    while call(&client, "erase_user", &ask).await.expect("it answers")["outcome"] == "again" {}
    assert_eq!(count(&client, "tandem.event_fields").await, 0);
    assert_eq!(count(&client, "tandem.event_state").await, 0);
    assert_eq!(count(&client, "appointments").await, 1);
}
