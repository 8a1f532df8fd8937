//! What the clock finds among very many.

use crate::calls::{ANN, call, connect, key};
use database_tests::fresh;
use serde_json::json;

#[tokio::test]
async fn a_look_is_bounded_whatever_is_due() {
    let client = fresh().await;
    connect(&client, ANN).await;
    // 100,000 changes of 1,000 users whose account is to be connected again, 20,000 of one who works, and as much work.
    let many = format!(
        "insert into tandem.accounts (id, user_id, subject, email, state)
           select gen_random_uuid(), 'user' || i, 'sub' || i, '', 'reconnect_needed' from generate_series(1, 1000) i;
         insert into tandem.connections (user_id, account_id, calendar_id, is_target)
           select user_id, id, 'cal', true from tandem.accounts where user_id like 'user%';
         insert into tandem.changes (event, root, owner, rev, op, changed_at)
           select e, e, case when i <= 100000 then 'user' || i % 1000 else '{ANN}' end, i, 'insert', now()
           from (select i, gen_random_uuid() as e from generate_series(1, 120000) i) x;
         insert into tandem.work (root, owner, at)
           select gen_random_uuid(), case when i <= 100000 then 'user' || i % 1000 else '{ANN}' end, now()
           from generate_series(1, 120000) i"
    );
    client.batch_execute(&many).await.expect("there is much");
    client
        .batch_execute("set statement_timeout = '8s'")
        .await
        .expect("it is set");
    let mut found = 0;
    for _ in 0..6 {
        let due = call(&client, "due", &json!({ "tick": key(1), "most": 50 }))
            .await
            .expect("it answers in time");
        found += due["events"].as_array().map_or(0, Vec::len);
    }
    assert!(found >= 50, "{found}");
}
