//! `tandem_status`, `tandem_health`, `tandem_metrics`: what users and operators see. The database words
//! the first two; they are passed on as they come.

use super::{Database, DbError, call};
use crate::google::EventId;
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// Where a user's sync stands.
///
/// # Errors
/// [`DbError`].
pub async fn of_user(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user: &UserId,
) -> Result<Value, DbError> {
    let parameters = json!({"instance": instance, "user_id": user});
    call(client, database, "tandem_status", &parameters).await
}

/// What a person decides about something of theirs that waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UserDecision {
    /// The deletions that wait in a calendar: `apply` or `keep`.
    Confirm {
        /// The calendar.
        calendar_id: Uuid,
        /// Which.
        decision: String,
    },
    /// An event that was given up.
    Event {
        /// The event.
        event_id: Uuid,
    },
    /// An item that was not understood.
    Item {
        /// The calendar.
        calendar_id: Uuid,
        /// Google's id.
        google_id: EventId,
    },
}

/// Does what a person decided.
///
/// # Errors
/// [`DbError`]; `PT400` and `PT404` where it makes no sense.
pub async fn decide(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    user_id: &UserId,
    decision: &UserDecision,
) -> Result<Value, DbError> {
    #[derive(Serialize)]
    struct Parameters<'a> {
        instance: &'a str,
        user_id: &'a UserId,
        #[serde(flatten)]
        decision: &'a UserDecision,
    }
    let function = match decision {
        UserDecision::Confirm { .. } => "tandem_confirm",
        UserDecision::Event { .. } | UserDecision::Item { .. } => "tandem_retry",
    };
    let parameters = Parameters {
        instance,
        user_id,
        decision,
    };
    call(client, database, function, &parameters).await
}

/// Whether the deployment does its work.
///
/// # Errors
/// [`DbError`].
pub async fn health(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
) -> Result<Value, DbError> {
    call(
        client,
        database,
        "tandem_health",
        &json!({"instance": instance}),
    )
    .await
}

/// A number that an operator watches.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Measure {
    /// Without the prefix that all share.
    pub name: String,
    /// As Prometheus writes them; empty if there is none.
    pub label: String,
    /// The number.
    pub value: f64,
}

/// All measures.
///
/// # Errors
/// [`DbError`].
pub async fn metrics(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
) -> Result<Vec<Measure>, DbError> {
    #[derive(Deserialize)]
    struct Answer {
        measures: Vec<Measure>,
    }
    let parameters = json!({"instance": instance});
    let answer: Answer = call(client, database, "tandem_metrics", &parameters).await?;
    Ok(answer.measures)
}
