//! `tandem_jwks`: the CRM's published keys, kept so that a login seldom costs a request for them.

use super::{Database, DbError, call};
use crate::jwt::Keys;
use http_client::HttpClient;
use serde::Deserialize;
use serde_json::{Value, json};

/// The keys as they were last fetched.
#[derive(Debug, Deserialize)]
pub struct Kept {
    /// The keys; none before the first time.
    pub keys: Option<Keys>,
    /// The caller is to fetch them: they are old or lack the key, and nobody else was told to within
    /// the last minute, since strangers can ask for it.
    pub may_fetch: bool,
}

/// The keys, for a login that names one of them.
///
/// # Errors
/// [`DbError`].
pub async fn known(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    url: &str,
    kid: &str,
) -> Result<Kept, DbError> {
    let parameters = json!({"instance": instance, "url": url, "kid": kid});
    call(client, database, "tandem_jwks", &parameters).await
}

/// Stores what was fetched.
///
/// # Errors
/// [`DbError`].
pub async fn keep(
    client: &impl HttpClient,
    database: &Database,
    instance: &str,
    url: &str,
    found: &Value,
) -> Result<Kept, DbError> {
    let parameters = json!({"instance": instance, "url": url, "found": found});
    call(client, database, "tandem_jwks", &parameters).await
}
