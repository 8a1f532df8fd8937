//! Whose a change of a row is, and which ones are noticed.

use crate::calls::{ANN, call, commit, connect, count, hour, insert, key, part};
use database_tests::fresh;
use serde_json::{Value, json};
use tokio_postgres::Client;

const RETITLED: &str = "tandem.changes where op = 'update' and fields = '{title}'";

async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is done");
}

/// Ann's first event, as a listing brought it.
async fn listed() -> Client {
    let client = fresh().await;
    connect(&client, ANN).await;
    let new = part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()));
    commit(&client, vec![new]).await;
    client
}

async fn keep_up(client: &Client) -> Value {
    run(
        client,
        "delete from tandem.settings where key = 'kept_up_at'",
    )
    .await;
    let did = call(client, "upkeep", &json!({})).await;
    did.expect("it is kept up")["did"].take()
}

#[tokio::test]
async fn another_trigger_may_change_what_a_statement_does_not_name() {
    let client = listed().await;
    let touch = "update events set updated_at = now()";
    let shouts = "create function shout() returns trigger language plpgsql as
          $$ begin new.title := upper(new.title) || '!'; return new; end $$;
        create trigger shouts before update on events for each row execute function shout()";
    run(&client, &format!("{touch}; {shouts}; {touch}")).await;
    assert_eq!(keep_up(&client).await["triggers"], 1);
    // What it did before is found by looking at all.
    assert_eq!(keep_up(&client).await["triggers"], Value::Null);
    assert_eq!(count(&client, "tandem.work where state = 'open'").await, 1);
    run(&client, touch).await;
    assert_eq!(count(&client, RETITLED).await, 1);
    run(&client, "drop trigger shouts on events").await;
    assert_eq!(keep_up(&client).await["triggers"], 1);
    run(&client, touch).await;
    assert_eq!(count(&client, "tandem.changes").await, 1);
    run(&client, "update events set title = 'b'").await;
    assert_eq!(count(&client, RETITLED).await, 2);
}

#[tokio::test]
async fn nobody_passes_for_tandem() {
    let client = listed().await;
    run(
        &client,
        "set tandem.commit = 'yes'; set tandem.poked = 'x';
         update events set title = 'b', google_event_id = 'forged', sync_state = 'synced'",
    )
    .await;
    assert_eq!(count(&client, RETITLED).await, 1);
    let kept = "events where title = 'b' and sync_state = 'pending' and google_event_id is null";
    assert_eq!(count(&client, kept).await, 1);
}

#[tokio::test]
async fn tandems_columns_stay_tandems() {
    let client = listed().await;
    let new = format!(
        "insert into events (id, owner_id, starts_at, ends_at, sync_state, google_event_id, organizer)
         values ('{}', '{ANN}', now(), now(), 'synced', 'mine', '{{}}')",
        key(2)
    );
    run(&client, &new).await;
    let own = "update events set sync_error = 'x', google_access = 'full', creator = '{}'";
    run(&client, own).await;
    let empty = "events where google_event_id is null and organizer is null and sync_error is null
        and google_access is null and creator is null";
    assert_eq!(count(&client, empty).await, 2);
    let pending = "events where sync_state = 'pending'";
    assert_eq!(count(&client, pending).await, 1);
    assert_eq!(count(&client, "tandem.changes").await, 1);
}
