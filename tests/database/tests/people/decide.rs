//! What a person decides: held deletions, what was given up, what was not understood.

use super::Db;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn held_deletions_are_their_users_to_confirm() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    for (person, title) in [(&ann, "a"), (&ann, "b"), (&bob, "c")] {
        let event = db.linked(person, title, "remote", "live").await?;
        let held = format!(
            "insert into tandem.work (root, owner, connection_id, at, state, notes) values ('{event}', '{}', '{}', now(), \
             'held', '{{\"held\": \"crm\"}}')",
            person.user, person.connection
        );
        db.run(&held).await?;
    }
    let stranger =
        json!({"user_id": bob.user, "connection_id": ann.connection, "decision": "apply"});
    assert_eq!(db.refusal("confirm", stranger).await?.0, "PT404");
    let wrong =
        json!({"user_id": ann.user, "connection_id": ann.connection, "decision": "perhaps"});
    assert_eq!(db.refusal("confirm", wrong).await?.0, "PT400");
    let status = db.call("status", json!({"user_id": ann.user})).await?;
    let connection = &status["accounts"][0]["connections"][0];
    assert_eq!(
        (&connection["state"], &connection["held"]["in_google"]),
        (&json!("needs_confirmation"), &json!(2))
    );
    let keep = json!({"user_id": ann.user, "calendar_id": ann.connection, "decision": "keep"});
    assert_eq!(
        db.call("confirm", keep).await?,
        json!({"outcome": "confirmed", "events": 2, "more": false})
    );
    let work = format!(
        "select jsonb_agg(distinct jsonb_build_array(state, notes -> 'decision', is_asked)) from tandem.work where owner = '{}'",
        ann.user
    );
    assert_eq!(db.get(&work).await?, json!([["open", "keep", true]]));
    assert_eq!(
        db.get("select count(*) from tandem.work where state = 'held'")
            .await?,
        1
    );
    Ok(())
}

#[tokio::test]
async fn what_was_given_up_is_tried_again() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let event = db.linked(&ann, "a", "crm", "live").await?;
    let dead = format!(
        "insert into tandem.work (root, owner, at, state, attempts, reason, notes) values ('{event}', '{}', 'infinity', \
         'dead', 10, 'no', '{{\"failed\": 1, \"refused\": {{}}, \"quiet\": true}}')",
        ann.user
    );
    db.run(&dead).await?;
    let problems = db.call("status", json!({"user_id": ann.user})).await?["problems"].clone();
    assert_eq!(
        (&problems[0]["kind"], &problems[0]["title"]),
        (&json!("dead"), &json!("a"))
    );
    let retry = |user: &str| json!({"user_id": user, "event_id": event});
    assert_eq!(db.refusal("retry", retry(&bob.user)).await?.0, "PT404");
    assert_eq!(
        db.call("retry", retry(&ann.user)).await?,
        json!({"outcome": "due"})
    );
    let work = "select jsonb_build_array(state, attempts, notes, at <= clock_timestamp()) from tandem.work";
    assert_eq!(
        db.get(work).await?,
        json!(["open", 0, {"quiet": true}, true])
    );
    assert_eq!(
        db.get("select sync_state from public.events").await?,
        "pending"
    );
    Ok(())
}

#[tokio::test]
async fn quarantine_is_shown_to_and_retried_by_its_own_user() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    let park = format!(
        "insert into tandem.parked (connection_id, remote, state, raw, reason, as_of) values \
         ('{}', 'x', 'quarantined', '{{\"summary\": \"therapy\"}}', 'odd', 1)",
        ann.connection
    );
    db.run(&park).await?;
    let items = db.call("quarantine", json!({"user_id": ann.user})).await?["items"].clone();
    assert_eq!(
        (&items[0]["google_id"], &items[0]["calendar_id"]),
        (&json!("x"), &json!(ann.connection))
    );
    assert_eq!(
        db.call("quarantine", json!({"user_id": bob.user})).await?["items"],
        json!([])
    );
    let retry =
        |user: &str| json!({"user_id": user, "calendar_id": ann.connection, "google_id": "x"});
    assert_eq!(db.refusal("retry", retry(&bob.user)).await?.0, "PT404");
    db.run("update tandem.connections set due_at = 'infinity'")
        .await?;
    db.call("retry", retry(&ann.user)).await?;
    assert_eq!(db.get("select state from tandem.parked").await?, "read");
    let due = format!(
        "select due_at <= clock_timestamp() from tandem.connections where id = '{}'",
        ann.connection
    );
    assert_eq!(db.get(&due).await?, true);
    assert_eq!(db.refusal("retry", retry(&ann.user)).await?.0, "PT404");
    // What has no id cannot be read: all of the calendar is listed.
    db.run(&park.replace("'x'", "'unnamed:1'")).await?;
    db.run("update tandem.connections set sync_token = 'token'")
        .await?;
    let unnamed =
        json!({"user_id": ann.user, "calendar_id": ann.connection, "google_id": "unnamed:1"});
    db.call("retry", unnamed).await?;
    let left = "select jsonb_build_array((select count(*) from tandem.parked x where x.remote = 'unnamed:1'),
        (select count(*) from tandem.connections where sync_token is not null))";
    assert_eq!(db.get(left).await?, json!([0, 1]));
    Ok(())
}
