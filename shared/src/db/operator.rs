//! What an operator has done about one user of the CRM.

use super::{Database, DbError, call, outcome};
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// About whom, and what becomes of the events.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OfUser {
    /// The CRM user.
    pub user_id: UserId,
    /// `keep` where it is not said, `remove_from_google` or `remove_from_crm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

/// Which part of an export.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OfExport {
    /// The CRM user.
    pub user_id: UserId,
    /// That of the last answer; none: the first part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Begins to disconnect all that a user has connected; how many jobs the clock has with it.
///
/// # Errors
/// [`DbError`]; `PT400` for a choice that is none.
pub async fn disconnect(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    wish: &OfUser,
) -> Result<usize, DbError> {
    let answer: Value = call(client, database, "tandem_user_gone", &with(instance, wish)).await?;
    Ok(answer["disconnections"].as_array().map_or(0, Vec::len))
}

/// How far the erasure of a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Erasure {
    /// Something is left; ask again at once.
    Again,
    /// All is disconnected first, by the clock.
    Waiting,
    /// Nothing is left.
    Erased,
}

/// Forgets a bounded part of what there is of a user.
///
/// # Errors
/// [`DbError`]; `PT400` for a choice that is none.
pub async fn erase(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    wish: &OfUser,
) -> Result<Erasure, DbError> {
    let answer: Value = call(client, database, "tandem_erase_user", &with(instance, wish)).await?;
    Ok(match outcome(&answer) {
        "erased" => Erasure::Erased,
        "waiting" => Erasure::Waiting,
        _ => Erasure::Again,
    })
}

/// A part of all that there is of a user, in the database's words.
///
/// # Errors
/// [`DbError`]; `PT400` for a place that is none.
pub async fn export(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    part: &OfExport,
) -> Result<Value, DbError> {
    call(
        client,
        database,
        "tandem_export_user",
        &with(instance, part),
    )
    .await
}

fn with(instance: &str, about: &impl Serialize) -> Value {
    let mut parameters = json!(about);
    parameters["instance"] = json!(instance);
    parameters
}
