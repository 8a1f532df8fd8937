//! What the page asks, as its user.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::sql::{Person, Session};

/// One call of each, with what a page does with the answers.
pub async fn everything(session: &Session, ann: Person) -> Result<()> {
    sign_in(session, ann).await?;
    let range = json!({"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"});
    let listed = session.call("tandem_my_events", range).await?;
    ensure!(
        listed["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty()),
        "{listed}"
    );
    let event = session.event(ann.user).await?;
    let cursor = json!({"cursor": listed["cursor"]});
    let changes = session.call("tandem_my_changes", cursor).await?;
    ensure!(changes["changed"][0]["id"] == json!(event), "{changes}");
    let quiet = session
        .call("tandem_my_changes", json!({"cursor": changes["cursor"]}))
        .await?;
    ensure!(quiet["outcome"] == "unchanged", "{quiet}");
    let found = session
        .call(
            "tandem_my_event",
            json!({"event_id": event, "series": true}),
        )
        .await?;
    let version = &found["versions"][event.to_string()];
    let fields = json!({"title": "Paged"});
    let update = json!({"op": "update", "id": event, "version": version, "fields": fields});
    let insert = json!({"op": "insert", "id": uuid::Uuid::new_v4(), "fields": {
        "title": "New", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}});
    let save = json!({"writes": [update, insert]});
    let saved = session.call("tandem_my_save", save).await?;
    ensure!(
        saved["events"].as_array().map(Vec::len) == Some(2),
        "{saved}"
    );
    let delete = json!({"writes": [{"op": "delete", "id": event}]});
    session.call("tandem_my_save", delete).await?;
    told(session, ann).await
}

async fn told(session: &Session, ann: Person) -> Result<()> {
    let user = json!(ann.user);
    for p in [
        json!({"user_id": user}),
        json!({"user_id": user, "before": 9_007_199_254_740_991_i64, "limit": 5}),
    ] {
        let told = session.call("tandem_history", p).await?;
        let event = told["entries"][0]["event_id"].clone();
        ensure!(event.is_string(), "{told}");
        session
            .call(
                "tandem_history",
                json!({"user_id": user, "event_id": event}),
            )
            .await?;
    }
    let quarantine = session
        .call("tandem_quarantine", json!({"user_id": user}))
        .await?;
    ensure!(quarantine["items"] != json!([]), "{quarantine}");
    let connection = session
        .value(&format!(
            "select id from tandem.connections where user_id = {}",
            quoted(&user)
        ))
        .await?;
    let resync = json!({"user_id": user, "connection_id": connection});
    session.call("tandem_resync", resync).await?;
    Ok(())
}

/// Whose claims the session has; it stays a superuser, so that nothing is hidden from the planner.
async fn sign_in(session: &Session, ann: Person) -> Result<()> {
    let claims = json!({"sub": ann.user});
    let set = format!(
        "select set_config('request.jwt.claims', {}, false)",
        quoted(&json!(claims.to_string()))
    );
    session.run(&set).await?;
    Ok(())
}

fn quoted(value: &Value) -> String {
    format!("'{}'", value.as_str().unwrap_or_default())
}
