//! A database that was dumped and restored elsewhere does nothing until somebody says that it is the one.

use crate::calls::{ANN, call, commit, connect, count, hour, insert, key, load, part};
use database_tests::{fresh, restored};
use serde_json::{Value, json};

#[tokio::test]
async fn a_restored_database_waits_to_be_taken_over_and_then_goes_on() {
    let client = fresh().await;
    connect(&client, ANN).await;
    let new = part(&json!(key(1)), &Value::Null, insert(1, ANN, hour()));
    commit(&client, vec![new]).await;
    let sql = "update events set title = 'before'; update tandem.settings set value = 'the old server' where key = 'cluster'";
    client.batch_execute(sql).await.expect("it is edited");
    // A load leaves a lease, an attempt and a change that is not acknowledged.
    let sql = "update tandem.settings set value = tandem.cluster() where key = 'cluster'";
    client.batch_execute(sql).await.expect("it is its own");
    load(&client, 1, "write").await;
    let sql = "update tandem.settings set value = 'the old server' where key = 'cluster'";
    client.batch_execute(sql).await.expect("it is another's");

    let other = restored(&client).await;
    for function in ["due", "load", "chores"] {
        let refused = call(&other, function, &json!({ "tick": key(1), "most": 1 })).await;
        let refused = refused.expect_err("it is refused");
        let refused = refused.as_db_error().expect("by the database");
        assert_eq!(refused.code().code(), "PT409");
        assert!(
            refused
                .hint()
                .is_some_and(|hint| hint.contains("tandem.take_over"))
        );
    }
    let sql = "update events set title = 'after'";
    other.batch_execute(sql).await.expect("the CRM works");
    assert_eq!(count(&other, "tandem.changes").await, 1);
    let sql = "select tandem.take_over('test')";
    other.batch_execute(sql).await.expect("it is taken over");
    assert_eq!(
        count(&other, "tandem.work where lease_until is not null").await,
        0
    );
    let family = load(&other, 1, "write").await;
    let member = &family["members"][0];
    assert_eq!(member["row"]["fields"]["title"], "after");
    assert_eq!(member["links"][0]["remote"], "remote1");
    let ops = json!([{ "op": "acknowledge", "event": key(1), "rev": member["rev"] }]);
    let done = commit(&other, vec![part(&family["root"], &family["fence"], ops)]).await;
    assert_eq!(done[0]["outcome"], json!({ "stored": { "again": false } }));
}
