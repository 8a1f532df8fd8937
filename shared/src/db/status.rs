//! `tandem_status`, `tandem_health`, `tandem_metrics`: what users and operators see. The database words
//! the first two; they are passed on as they come.

use super::{Database, DbError, call};
use crate::door::Door;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Where a user's sync stands.
///
/// # Errors
/// [`DbError`].
pub async fn of_user(
    door: &impl Door,
    database: &Database,
    instance: &str,
    user: Uuid,
) -> Result<Value, DbError> {
    let parameters = json!({"instance": instance, "user_id": user});
    call(door, database, "tandem_status", &parameters).await
}

/// Whether the deployment does its work.
///
/// # Errors
/// [`DbError`].
pub async fn health(
    door: &impl Door,
    database: &Database,
    instance: &str,
) -> Result<Value, DbError> {
    call(
        door,
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
    door: &impl Door,
    database: &Database,
    instance: &str,
) -> Result<Vec<Measure>, DbError> {
    #[derive(Deserialize)]
    struct Answer {
        measures: Vec<Measure>,
    }
    let parameters = json!({"instance": instance});
    let answer: Answer = call(door, database, "tandem_metrics", &parameters).await?;
    Ok(answer.measures)
}
