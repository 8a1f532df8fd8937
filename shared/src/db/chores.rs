//! `tandem_chores`, `tandem_may_tick` and `tandem_upkeep`: what the clock finds beside the sync itself.

use super::token::TokenGrant;
use super::{Database, DbError, call};
use crate::jwt::UserId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is due.
#[derive(Debug, Deserialize)]
pub struct Chores {
    /// Connections that are to get a channel.
    pub channels: Vec<Uuid>,
    /// Accounts whose first calendar is still to be connected.
    pub beginnings: Vec<Beginning>,
    /// Accounts with channels that are still to be stopped.
    pub stops: Vec<Uuid>,
    /// Disconnects under way.
    pub disconnections: Vec<Uuid>,
    /// Tokens that an older key sealed.
    pub seals: Vec<TokenGrant>,
}

/// An account whose first calendar is still to be connected.
#[derive(Debug, Deserialize)]
pub struct Beginning {
    /// The account.
    pub account_id: Uuid,
    /// Whose it is.
    pub user_id: UserId,
}

/// What the database did by itself.
#[derive(Debug, Default, Deserialize)]
pub struct Upkeep {
    /// Why parts of it failed, for people.
    #[serde(default)]
    pub problems: BTreeMap<String, String>,
    /// There is more.
    #[serde(default)]
    pub more: bool,
}

#[derive(Serialize)]
struct Parameters<'a> {
    instance: &'a str,
    most: usize,
    function_url: &'a str,
    poke_key: &'a str,
    event_url: &'a str,
    seal_key: Option<&'a str>,
}

/// Asks what is due, `most` of each kind, and tells the database where triggers are to poke and where
/// the CRM shows an event. `seal_key` is the id of the current key.
///
/// # Errors
/// [`DbError`].
pub async fn chores(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    most: usize,
    poke_key: &str,
    event_url: Option<&str>,
    seal_key: Option<&str>,
) -> Result<Chores, DbError> {
    let function_url = &format!("{instance}/functions/v1");
    let parameters = Parameters {
        instance,
        most,
        function_url,
        poke_key,
        event_url: event_url.unwrap_or_default(),
        seal_key,
    };
    call(client, database, "tandem_chores", &parameters).await
}

/// Whether somebody unknown may have the clock's work done, which is once in 30 seconds.
///
/// # Errors
/// [`DbError`].
pub async fn may_tick(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
) -> Result<bool, DbError> {
    let parameters = json!({"instance": instance});
    let answer: Value = call(client, database, "tandem_may_tick", &parameters).await?;
    Ok(answer["may"] == true)
}

/// Has the database go on with what it does by itself, a bounded part of it.
///
/// # Errors
/// [`DbError`].
pub async fn upkeep(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
) -> Result<Upkeep, DbError> {
    let parameters = json!({"instance": instance});
    call(client, database, "tandem_upkeep", &parameters).await
}
