//! Who a request is from: the JWT that the CRM gave its user.

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use uuid::Uuid;

/// Clocks may differ by this many seconds.
const SKEW: i64 = 60;

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    exp: i64,
}

/// Why a JWT is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Not signed with the CRM's secret, or without the claims it needs.
    #[error("sign in again: the login is not valid")]
    Invalid,
    /// Its time is over.
    #[error("sign in again: the login has expired")]
    Expired,
}

/// The user of a JWT signed with `secret` (HS256), by its claim `sub`.
///
/// # Errors
/// [`JwtError`].
pub fn user(token: &str, secret: &str, now: DateTime<Utc>) -> Result<Uuid, JwtError> {
    let mut validation = Validation::new(Algorithm::HS256);
    // The library would ask the system's clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    let claims = decode::<Claims>(token, &key, &validation)
        .map_err(|_| JwtError::Invalid)?
        .claims;
    if claims.exp + SKEW <= now.timestamp() {
        return Err(JwtError::Expired);
    }
    Ok(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    const USER: &str = "0123e567-e89b-12d3-a456-426614174000";

    fn check(claims: &Value, algorithm: Algorithm, secret: &str, expected: Result<(), JwtError>) {
        let key = EncodingKey::from_secret(b"crm secret");
        let token = encode(&Header::new(algorithm), claims, &key).unwrap();
        let now = DateTime::from_timestamp(1000, 0).unwrap();
        assert_eq!(user(&token, secret, now).map(|_| ()), expected, "{claims}");
    }

    #[test]
    fn a_login_is_good_until_it_expires_and_with_the_right_secret_only() {
        let claims = json!({"sub": USER, "exp": 1500, "aud": "authenticated"});
        check(&claims, Algorithm::HS256, "crm secret", Ok(()));
        check(&claims, Algorithm::HS256, "other", Err(JwtError::Invalid));
        check(
            &claims,
            Algorithm::HS512,
            "crm secret",
            Err(JwtError::Invalid),
        );
        check(
            &json!({"sub": USER, "exp": 900}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Expired),
        );
        check(
            &json!({"sub": "ann", "exp": 1500}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Invalid),
        );
        check(
            &json!({"sub": USER}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Invalid),
        );
        assert_eq!(
            user("nonsense", "crm secret", DateTime::UNIX_EPOCH),
            Err(JwtError::Invalid)
        );
    }
}
