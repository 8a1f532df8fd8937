//! `tandem_due`: what the clock finds.

use super::push_claim::TokenGrant;
use super::{Database, DbError, call};
use crate::crm::RowId;
use http_client::HttpClient;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is due.
#[derive(Debug, Deserialize)]
pub struct Due {
    /// Events with a due job.
    pub events: Vec<RowId>,
    /// Calendars to list.
    pub calendars: Vec<Uuid>,
    /// Calendars that are to get a channel.
    pub channels: Vec<Uuid>,
    /// Accounts with channels that are still to be stopped.
    pub stops: Vec<Uuid>,
    /// Disconnects under way.
    pub disconnections: Vec<Uuid>,
    /// Tokens that an older key sealed.
    pub seals: Vec<TokenGrant>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    instance: &'a str,
    most: usize,
    function_url: &'a str,
    function_secret: &'a str,
    event_url: &'a str,
    seal_key: Option<&'a str>,
}

/// Asks what is due, `most` of each kind, and tells the database where triggers are to poke and where
/// the CRM shows an event. `seal_key` is the id of the current key.
///
/// # Errors
/// [`DbError`].
pub async fn send(
    door: &impl HttpClient,
    database: &Database,
    instance: &str,
    most: usize,
    function_secret: &str,
    event_url: Option<&str>,
    seal_key: Option<&str>,
) -> Result<Due, DbError> {
    let function_url = &format!("{instance}/functions/v1");
    let parameters = Parameters {
        instance,
        most,
        function_url,
        function_secret,
        event_url: event_url.unwrap_or_default(),
        seal_key,
    };
    call(door, database, "tandem_due", &parameters).await
}
