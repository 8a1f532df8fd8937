//! Push channels.

use super::Db;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn a_channel_is_noted_recorded_and_replaced() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let chores = db.call("chores", json!({"most": 10})).await?;
    assert_eq!(chores["channels"], json!([ann.connection]));
    let begun = db
        .call(
            "channel_begin",
            json!({"calendar_id": ann.connection, "channel_id": "one"}),
        )
        .await?;
    assert_eq!(
        (&begun["outcome"], &begun["google_id"]),
        (&json!("begun"), &json!("ann"))
    );
    assert_eq!(begun["token"]["account_id"], json!(ann.account));
    let again = db
        .call(
            "channel_begin",
            json!({"connection_id": ann.connection, "channel_id": "two"}),
        )
        .await?;
    assert_eq!(
        again,
        json!({"outcome": "nothing", "reason": "the calendar has a channel"})
    );
    let record = |id, resource| json!({"channel_id": id, "resource_id": resource, "expires_at": "2039-01-01T00:00:00Z", "calls": {"ok": 1}, "units": 1});
    assert_eq!(
        db.call("channel_record", record("one", "r1")).await?["old"],
        json!([])
    );
    db.run("update tandem.connections set watch_at = now() - interval '1 minute'")
        .await?;
    db.call(
        "channel_begin",
        json!({"connection_id": ann.connection, "channel_id": "two"}),
    )
    .await?;
    let old = db.call("channel_record", record("two", "r2")).await?["old"].clone();
    assert_eq!(old, json!([{"channel_id": "one", "resource_id": "r1"}]));
    let stopping = db
        .call("channel_stopping", json!({"account_id": ann.account}))
        .await?;
    assert_eq!(
        (&stopping["outcome"], &stopping["channels"]),
        (&json!("stop"), &old)
    );
    db.call(
        "channel_stopped",
        json!({"account_id": ann.account, "channel_ids": ["one"]}),
    )
    .await?;
    let states = "select jsonb_object_agg(id, state) from tandem.channels";
    assert_eq!(
        db.get(states).await?,
        json!({"one": "stopped", "two": "active"})
    );
    let counted = "select sum(value) from tandem.counters where name = 'google_calls'";
    assert_eq!(db.get(counted).await?, 2);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_pushed_is_polled() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let unable = json!({"connection_id": ann.connection, "channel_id": "x", "unable": "no https"});
    assert_eq!(
        db.call("channel_begin", unable).await?,
        json!({"outcome": "nothing", "reason": "no https"})
    );
    assert_eq!(db.get("select push from tandem.connections").await?, "poll");
    db.run("update tandem.connections set watch_at = now(), push = 'off'")
        .await?;
    db.call(
        "channel_begin",
        json!({"connection_id": ann.connection, "channel_id": "y"}),
    )
    .await?;
    db.call(
        "channel_record",
        json!({"channel_id": "y", "failed": "not here", "unsupported": true}),
    )
    .await?;
    assert_eq!(
        db.get("select jsonb_build_array(push, last_error) from tandem.connections")
            .await?,
        json!(["poll", "not here"])
    );
    assert_eq!(
        db.get("select state from tandem.channels").await?,
        "stopped"
    );
    Ok(())
}

#[tokio::test]
async fn a_channel_that_comes_after_the_disconnect_is_stopped() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.call(
        "channel_begin",
        json!({"connection_id": ann.connection, "channel_id": "late"}),
    )
    .await?;
    let end = json!({"user_id": ann.user, "connection_id": ann.connection, "choice": "keep"});
    db.call("disconnect_begin", end).await?;
    let record =
        json!({"channel_id": "late", "resource_id": "r", "expires_at": "2039-01-01T00:00:00Z"});
    let old = db.call("channel_record", record).await?["old"].clone();
    assert_eq!(old, json!([{"channel_id": "late", "resource_id": "r"}]));
    Ok(())
}

#[tokio::test]
async fn the_tick_leaves_resting_accounts_alone() -> Result<()> {
    let db = Db::new().await;
    db.person("ann").await?;
    db.run("update tandem.accounts set state = 'reconnect_needed'")
        .await?;
    let chores = db
        .call(
            "chores",
            json!({"most": 10, "function_url": "https://f", "event_url": null}),
        )
        .await?;
    assert_eq!(chores["channels"], json!([]));
    let put_off = "select watch_at > now() + interval '10 hours' from tandem.connections";
    assert_eq!(db.get(put_off).await?, true);
    let settings =
        "select jsonb_object_agg(key, value) from tandem.settings where key like '%\\_url'";
    assert_eq!(
        db.get(settings).await?,
        json!({"function_url": "https://f"})
    );
    Ok(())
}
