//! What a commit does to the CRM's table, and what the CRM does meanwhile.

use crate::calls::{ANN, BOB, commit, connect, count, hour, insert, key, load, part};
use database_tests::fresh;
use serde_json::{Value, json};

#[tokio::test]
async fn own_writes_are_no_changes_and_new_columns_of_the_crm_are_left_alone() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let columns = "alter table events add priority integer not null default 3,
        add number bigint generated always as identity, add lower_title text generated always as (lower(title)) stored";
    client
        .batch_execute(columns)
        .await
        .expect("columns are added");
    let done = commit(
        &client,
        vec![part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()))],
    )
    .await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    assert_eq!(count(&client, "tandem.changes").await, 0);
    assert_eq!(
        count(&client, "events where priority = 3 and number = 1").await,
        1
    );
    assert_eq!(count(&client, "tandem.writing").await, 0);
}

#[tokio::test]
async fn what_a_trigger_of_the_crm_makes_of_it_counts() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let triggers = "create function shout() returns trigger language plpgsql as
          $$ begin new.title := upper(new.title); return new; end $$;
        create trigger a_shout before insert or update on events for each row execute function shout()";
    client
        .batch_execute(triggers)
        .await
        .expect("there is a trigger");
    let done = commit(
        &client,
        vec![part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()))],
    )
    .await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": true } }));
    assert_eq!(
        count(&client, "tandem.changes where fields = '{title}'").await,
        1
    );
}

#[tokio::test]
async fn a_refused_family_leaves_nothing_and_others_are_stored() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let mut bad = hour();
    bad["ends_at"] = json!("2031-03-02T10:00:00Z");
    let families = vec![
        part(&json!(key(1)), &Value::Null, insert(1, ANN, hour())),
        part(&json!(key(2)), &Value::Null, insert(2, ANN, bad)),
        part(&json!(key(3)), &Value::Null, insert(3, BOB, hour())),
    ];
    let done = commit(&client, families).await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
    assert_eq!(done[1]["outcome"]["refused"]["code"], "23514");
    assert_eq!(done[2]["outcome"]["refused"]["code"], "42501");
    assert_eq!(
        (
            count(&client, "events").await,
            count(&client, "tandem.links").await
        ),
        (1, 1)
    );
    assert_eq!(count(&client, "tandem.work").await, 0);
}

#[tokio::test]
async fn who_is_referred_to_is_not_deleted() {
    let client = fresh().await;
    connect(&client, ANN).await;
    commit(
        &client,
        vec![part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()))],
    )
    .await;
    let notes = format!(
        "create table notes (event uuid references events); insert into notes values ('{}')",
        key(1)
    );
    client.batch_execute(&notes).await.expect("there is a note");
    let family = load(&client, 1, "store").await;
    let delete = json!([{ "op": "delete_row", "event": key(1), "expected": family["members"][0]["row"]["fields"] }]);
    let done = commit(
        &client,
        vec![part(&family["root"], &family["fence"], delete)],
    )
    .await;
    assert_eq!(done[0]["outcome"]["refused"]["code"], "23503");
    assert_eq!(count(&client, "events").await, 1);
}

#[tokio::test]
async fn tandem_gives_way_to_the_crm() {
    let mut client = fresh().await;
    connect(&client, ANN).await;
    commit(
        &client,
        vec![part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()))],
    )
    .await;
    let family = load(&client, 1, "store").await;
    let show = json!({ "state": "synced", "error": null, "remote": "remote1", "calendar": "cal", "access": "full" });
    let name = client
        .query_one("select current_database()", &[])
        .await
        .expect("it has a name");
    let other = database_tests::again(name.get(0)).await;
    let transaction = client.transaction().await.expect("it begins");
    transaction
        .batch_execute("update events set title = 'b'")
        .await
        .expect("it is updated");
    let ops = json!([{ "op": "show", "event": key(1), "shown": show }]);
    let done = commit(&other, vec![part(&family["root"], &family["fence"], ops)]).await;
    assert_eq!(done[0]["outcome"], "stale");
    transaction.commit().await.expect("it is committed");
    assert_eq!(
        count(&other, "tandem.changes where fields = '{title}'").await,
        1
    );
}
