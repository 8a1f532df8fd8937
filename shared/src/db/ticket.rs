//! Tickets: what a user may do once, from another place than their session.

use super::{Database, DbError, call, outcome, unknown};
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A ticket to store.
#[derive(Debug, Serialize)]
pub struct NewTicket<'a> {
    /// The deployment.
    pub instance: &'a str,
    /// Long and random, or a hash of what is.
    pub id: &'a str,
    /// Whose.
    pub user_id: &'a UserId,
    /// It is redeemed for this and nothing else.
    pub purpose: &'a str,
    /// What comes back.
    pub detail: Value,
    /// How long it is good.
    pub seconds: i64,
}

/// Stores a ticket.
///
/// # Errors
/// [`DbError`]; `PT429` where the user has too many.
pub async fn issue(
    client: &impl HttpClient,
    database: &Database,
    ticket: &NewTicket<'_>,
) -> Result<(), DbError> {
    let _issued: Value = call(client, database, "tandem_ticket_issue", ticket).await?;
    Ok(())
}

/// What became of a ticket that was shown.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Redeemed {
    /// It is used up now.
    Redeemed(Redeemable),
    /// There is no such ticket, or no longer.
    Refused,
}

/// What a ticket was good for.
#[derive(Debug, Deserialize)]
pub struct Redeemable {
    /// Whose it was.
    pub user_id: UserId,
    /// As it was stored.
    pub detail: Value,
}

impl TryFrom<Value> for Redeemed {
    type Error = serde_json::Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "redeemed" => serde_json::from_value(answer).map(Self::Redeemed),
            "refused" => Ok(Self::Refused),
            _ => Err(unknown(&answer)),
        }
    }
}

/// Uses a ticket up.
///
/// # Errors
/// [`DbError`].
pub async fn redeem(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    id: &str,
    purpose: &str,
) -> Result<Redeemed, DbError> {
    let parameters = json!({"instance": instance, "id": id, "purpose": purpose});
    call(client, database, "tandem_ticket_redeem", &parameters).await
}
