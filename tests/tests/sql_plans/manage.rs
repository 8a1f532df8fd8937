//! What users and operators call: choices, disconnects, status.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::sql::{Person, Session};

/// One call of each.
pub async fn everything(session: &Session, ann: Person, name: &str) -> Result<()> {
    let user = json!(ann.user);
    let opened = json!({"user_id": user, "with_token": true});
    session.call("tandem_accounts_open", opened).await?;
    let choice = json!({"user_id": user, "account_id": ann.account,
        "google_id": format!("{name}@calendar.example"), "policy": "crm", "state": "paused"});
    let changed = session.call("tandem_connection_change", choice).await?;
    ensure!(changed["outcome"] == "changed", "{changed}");
    let back = json!({"user_id": user, "connection_id": changed["connection_id"], "policy": "latest", "state": "active"});
    session.call("tandem_connection_change", back).await?;
    session
        .call("tandem_status", json!({"user_id": user}))
        .await?;
    let jwks = json!({"url": name, "found": {"keys": []}});
    session.call("tandem_jwks", jwks).await?;
    let sealed = json!({"account_id": ann.account, "generation": 2, "refresh_token": "k.r", "access_token": "k.a"});
    session
        .call("tandem_token_reseal", json!({"tokens": [sealed]}))
        .await?;
    let account = json!({"account_id": ann.account});
    session.call("tandem_channel_stopping", account).await?;
    Ok(())
}

/// A disconnect, as far as it goes without Google.
pub async fn disconnected(session: &Session, ann: Person) -> Result<()> {
    let begin = json!({"user_id": ann.user, "account_id": ann.account, "choice": "keep"});
    let begun = session.call("tandem_disconnect_begin", begin).await?;
    ensure!(begun["outcome"] == "begun", "{begun}");
    for one in begun["disconnections"].as_array().into_iter().flatten() {
        let step = json!({"id": one["id"].as_str().map_or(one, |_| &one["id"])});
        session.call("tandem_disconnect_step", step).await?;
    }
    Ok(())
}
