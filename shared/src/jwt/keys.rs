//! The keys that a CRM publishes (RFC 7517).

use super::{JwtError, verify};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The keys that a CRM publishes.
#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// Whether a JWT is signed with the key `kid`; `None`: the key is not among them.
    pub(super) fn verify(&self, token: &str, kid: &str) -> Option<Result<(), JwtError>> {
        // A set may hold keys of kinds that are not known here.
        let key = self.keys.iter().find(|key| key["kid"] == kid)?;
        Some(with_key(token, key))
    }
}

/// The library takes 32 bytes from a key of Ed25519, and panics where there are fewer.
fn is_whole(x: &Value) -> bool {
    let x = super::decoded(x.as_str().unwrap_or_default());
    x.is_ok_and(|x| x.len() == 32)
}

/// The key says by itself which algorithm it is for; the token has no say in it.
fn with_key(token: &str, key: &Value) -> Result<(), JwtError> {
    let (algorithm, names) = match (key["kty"].as_str(), key["crv"].as_str()) {
        (Some("RSA"), _) => (Algorithm::RS256, &["RS256"][..]),
        (Some("EC"), _) => (Algorithm::ES256, &["ES256"][..]),
        // RFC 9864 calls it Ed25519.
        (Some("OKP"), Some("Ed25519")) if is_whole(&key["x"]) => {
            (Algorithm::EdDSA, &["EdDSA", "Ed25519"][..])
        }
        _ => return Err(JwtError::Invalid),
    };
    let is_or_absent = |part: &str, values: &[&str]| {
        key[part].is_null() || values.iter().any(|value| key[part] == *value)
    };
    if !is_or_absent("alg", names) || !is_or_absent("use", &["sig"]) {
        return Err(JwtError::Invalid);
    }
    let mut key = key.clone();
    if let Some(fields) = key.as_object_mut() {
        // Checked above; the library may not know its newer name.
        fields.remove("alg");
    }
    let jwk: Jwk = serde_json::from_value(key).map_err(|_| JwtError::Invalid)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| JwtError::Invalid)?;
    verify(token, &key, algorithm)
}
