//! `tandem_jwks`: the CRM's published keys, kept so that a login seldom costs a request for them.

use super::{Database, DbError, call};
use crate::door::Door;
use crate::jwt::Keys;
use serde::Deserialize;
use serde_json::{Value, json};

/// The keys as they were last fetched.
#[derive(Debug, Deserialize)]
pub struct Kept {
    /// The keys; none before the first time.
    pub keys: Option<Keys>,
    /// They may be fetched again now: not often, since strangers can ask for it.
    pub may_fetch: bool,
}

/// Asks for the keys; `found` stores new ones first.
///
/// # Errors
/// [`DbError`].
pub async fn keys(
    door: &impl Door,
    database: &Database,
    instance: &str,
    url: &str,
    found: Option<&Value>,
) -> Result<Kept, DbError> {
    let parameters = json!({"instance": instance, "url": url, "found": found});
    call(door, database, "tandem_jwks", &parameters).await
}
