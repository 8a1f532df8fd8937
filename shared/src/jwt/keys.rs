//! The keys that a CRM publishes (RFC 7517).

use super::JwtError;
use super::signature::{Algorithm, Key};
use serde::Deserialize;
use serde_json::Value;

/// The keys that a CRM publishes.
#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// Whether a JWT is signed with the key `kid`; `None`: the key is not among them.
    pub(super) fn verify(
        &self,
        token: &str,
        algorithm: Algorithm,
        kid: &str,
    ) -> Option<Result<(), JwtError>> {
        // A set may hold keys of kinds that are not known here.
        let key = self.keys.iter().find(|key| key["kid"] == kid)?;
        Some(Key::published(key).and_then(|key| key.verify(token, algorithm)))
    }
}
