//! What users and operators see.

use super::Db;
use anyhow::Result;
use serde_json::json;

#[tokio::test]
async fn a_connection_is_in_one_word() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    let state = async |sql: &str| -> Result<String> {
        db.run(&format!("update tandem.connections set {sql}"))
            .await?;
        let status = db.call("status", json!({"user_id": ann.user})).await?;
        Ok(super::text(
            &status["accounts"][0]["connections"][0]["state"],
        ))
    };
    assert_eq!(state("failures = 0").await?, "active");
    assert_eq!(state("push = 'poll'").await?, "polling");
    assert_eq!(state("sync_token = null").await?, "importing");
    assert_eq!(state("failures = 3").await?, "error");
    assert_eq!(
        state("state = 'unreachable', failures = 0").await?,
        "unreachable"
    );
    assert_eq!(state("state = 'paused'").await?, "paused");
    db.run("update tandem.accounts set state = 'reconnect_needed', reason = 'revoked'")
        .await?;
    let status = db.call("status", json!({"user_id": ann.user})).await?;
    let connection = &status["accounts"][0]["connections"][0];
    assert_eq!(
        (&connection["state"], &connection["reason"]),
        (&json!("reconnect_needed"), &json!("revoked"))
    );
    assert_eq!(connection["calendar_id"], connection["connection_id"]);
    Ok(())
}

#[tokio::test]
async fn a_status_is_of_ones_own_events() -> Result<()> {
    let db = Db::new().await;
    let (ann, bob) = (db.person("ann").await?, db.person("bob").await?);
    db.event(&ann.user, "a").await?;
    db.event(&bob.user, "b").await?;
    db.event(&bob.user, "c").await?;
    assert_eq!(
        db.call("status", json!({"user_id": bob.user})).await?["events"],
        json!({"pending": 2})
    );
    assert_eq!(
        db.call("status", json!({"user_id": "no uuid"})).await?["events"],
        json!({})
    );
    Ok(())
}

#[tokio::test]
async fn health_says_what_is_late() -> Result<()> {
    let db = Db::new().await;
    let ann = db.person("ann").await?;
    db.run("insert into tandem.settings values ('ticked_at', tandem.utc(clock_timestamp()))")
        .await?;
    assert_eq!(db.call("health", json!({})).await?["problems"], json!([]));
    let late = format!(
        "insert into tandem.work (root, owner, at, is_bulk) select gen_random_uuid(), '{}', now() - interval '1 hour', b \
         from unnest('{{true,false}}'::boolean[]) b; update tandem.connections set failures = 5",
        ann.user
    );
    db.run(&late).await?;
    let health = db.call("health", json!({})).await?;
    let expected = json!([
        "1 changes have been due for more than 10 minutes",
        "1 calendars cannot be listed"
    ]);
    assert_eq!(
        (&health["outcome"], &health["problems"]),
        (&json!("unhealthy"), &expected)
    );
    assert_eq!(health["schema_version"], 3);
    Ok(())
}

#[tokio::test]
async fn measures_have_names_labels_and_numbers() -> Result<()> {
    let db = Db::new().await;
    db.person("ann").await?;
    db.run("insert into tandem.counters values ('pushes', 'synced', 0, 2), ('pushes', 'synced', 1, 3), \
            ('crm_to_google_seconds', '1', 0, 4), ('crm_to_google_seconds', '+Inf', 0, 5), ('crm_to_google_seconds', 'sum', 0, 9)").await?;
    let measures = db.call("metrics", json!({})).await?["measures"].clone();
    let measures = measures.as_array().expect("measures");
    for (name, label, value) in [
        ("pushes_total", "outcome=\"synced\"", 5.0),
        ("crm_to_google_seconds_bucket", "le=\"1\"", 4.0),
        ("crm_to_google_seconds_count", "", 5.0),
        ("crm_to_google_seconds_sum", "", 9.0),
        ("accounts", "state=\"active\"", 1.0),
        ("jobs", "state=\"open\"", 0.0),
    ] {
        let found = measures
            .iter()
            .find(|m| m["name"] == name && m["label"] == label);
        let found = found.unwrap_or_else(|| panic!("{name} {label} in {measures:?}"));
        assert_eq!(found["value"].as_f64(), Some(value), "{name}");
    }
    Ok(())
}
