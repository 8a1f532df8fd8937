//! Who a request is from: the JWT that the CRM gave its user.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// Clocks may differ by this many seconds.
const SKEW: i64 = 60;

/// Who a login must be for and from, where the deployment says so. A CRM whose sign-in serves several
/// applications signs all their logins with the same keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedClaims {
    /// One of the login's audiences, `aud`.
    pub audience: Option<String>,
    /// Its issuer, `iss`.
    pub issuer: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    exp: i64,
    nbf: Option<i64>,
    aud: Option<Value>,
    iss: Option<Value>,
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
    /// Another application's.
    #[error("sign in again: the login is not for this application")]
    Foreign,
}

/// A login that was checked: the database is called as its user.
pub struct Login {
    token: String,
    claims: String,
}

impl Login {
    /// Of a checked JWT.
    ///
    /// # Errors
    /// [`JwtError::Invalid`] where its claims cannot be read.
    pub fn of(token: &str) -> Result<Self, JwtError> {
        let claims = token.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| JwtError::Invalid)?;
        let claims = String::from_utf8(claims).map_err(|_| JwtError::Invalid)?;
        Ok(Self::new(token, &claims))
    }

    /// Of its parts.
    pub fn new(token: &str, claims: &str) -> Self {
        Self {
            token: token.to_owned(),
            claims: claims.to_owned(),
        }
    }

    /// As it was shown.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// As JSON.
    pub fn claims(&self) -> &str {
        &self.claims
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// How a JWT says that it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// With the CRM's secret.
    Secret,
    /// With one of the CRM's own keys, by its id.
    Key(String),
}

/// What a JWT says of its signature, which is not checked by this.
///
/// # Errors
/// [`JwtError::Invalid`] for anything but HS256, RS256 and ES256, and for a key without an id.
pub fn signed(token: &str) -> Result<Signed, JwtError> {
    let header = decode_header(token).map_err(|_| JwtError::Invalid)?;
    match (header.alg, header.kid) {
        (Algorithm::HS256, _) => Ok(Signed::Secret),
        (Algorithm::RS256 | Algorithm::ES256, Some(kid)) => Ok(Signed::Key(kid)),
        _ => Err(JwtError::Invalid),
    }
}

/// The user of a JWT signed with `secret` (HS256), by its claim `sub`.
///
/// # Errors
/// [`JwtError`].
pub fn user(
    token: &str,
    secret: &str,
    expected: &ExpectedClaims,
    now: DateTime<Utc>,
) -> Result<Uuid, JwtError> {
    let key = DecodingKey::from_secret(secret.as_bytes());
    check(token, &key, Algorithm::HS256, expected, now)
}

/// The keys that a CRM publishes.
#[derive(Debug, Clone, Deserialize)]
pub struct Keys {
    keys: Vec<Value>,
}

impl Keys {
    /// The user of a JWT signed with one of the keys; `None`: the key is not among them.
    ///
    /// # Errors
    /// [`JwtError`].
    pub fn user(
        &self,
        token: &str,
        kid: &str,
        expected: &ExpectedClaims,
        now: DateTime<Utc>,
    ) -> Option<Result<Uuid, JwtError>> {
        // A set may hold keys of kinds that are not known here.
        let key = self.keys.iter().find(|key| key["kid"] == kid)?;
        Some(with_key(token, key, expected, now))
    }
}

/// The key says by itself which algorithm it is for; the token has no say in it.
fn with_key(
    token: &str,
    key: &Value,
    expected: &ExpectedClaims,
    now: DateTime<Utc>,
) -> Result<Uuid, JwtError> {
    let (algorithm, name) = match key["kty"].as_str() {
        Some("RSA") => (Algorithm::RS256, "RS256"),
        Some("EC") => (Algorithm::ES256, "ES256"),
        _ => return Err(JwtError::Invalid),
    };
    let is_or_absent = |part: &str, value: &str| key[part].is_null() || key[part] == value;
    if !is_or_absent("alg", name) || !is_or_absent("use", "sig") {
        return Err(JwtError::Invalid);
    }
    let jwk: Jwk = serde_json::from_value(key.clone()).map_err(|_| JwtError::Invalid)?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| JwtError::Invalid)?;
    check(token, &key, algorithm, expected, now)
}

fn check(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    expected: &ExpectedClaims,
    now: DateTime<Utc>,
) -> Result<Uuid, JwtError> {
    let mut validation = Validation::new(algorithm);
    // The library would ask the system's clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = decode::<Claims>(token, key, &validation)
        .map_err(|_| JwtError::Invalid)?
        .claims;
    if claims.exp.saturating_add(SKEW) <= now.timestamp() {
        return Err(JwtError::Expired);
    }
    if claims.nbf.is_some_and(|from| from > now.timestamp() + SKEW) {
        return Err(JwtError::Invalid);
    }
    let names = |claim: Option<&Value>, expected: Option<&String>| match (claim, expected) {
        (_, None) => true,
        (Some(Value::Array(several)), Some(expected)) => several.iter().any(|one| one == expected),
        (Some(one), Some(expected)) => one == expected,
        (None, Some(_)) => false,
    };
    if !names(claims.aud.as_ref(), expected.audience.as_ref())
        || !names(claims.iss.as_ref(), expected.issuer.as_ref())
    {
        return Err(JwtError::Foreign);
    }
    Ok(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    const USER: &str = "0123e567-e89b-12d3-a456-426614174000";

    fn case(claims: &Value, algorithm: Algorithm, secret: &str, expected: Result<(), JwtError>) {
        let key = EncodingKey::from_secret(b"crm secret");
        let token = encode(&Header::new(algorithm), claims, &key).unwrap();
        let now = DateTime::from_timestamp(1000, 0).unwrap();
        let found = user(&token, secret, &ExpectedClaims::default(), now);
        assert_eq!(found.map(|_| ()), expected, "{claims}");
    }

    #[test]
    fn a_login_is_good_until_it_expires_and_with_the_right_secret_only() {
        let claims = json!({"sub": USER, "exp": 1500, "aud": "authenticated"});
        case(&claims, Algorithm::HS256, "crm secret", Ok(()));
        case(&claims, Algorithm::HS256, "other", Err(JwtError::Invalid));
        case(
            &claims,
            Algorithm::HS512,
            "crm secret",
            Err(JwtError::Invalid),
        );
        case(
            &json!({"sub": USER, "exp": 900}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Expired),
        );
        case(
            &json!({"sub": "ann", "exp": 1500}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Invalid),
        );
        case(
            &json!({"sub": USER}),
            Algorithm::HS256,
            "crm secret",
            Err(JwtError::Invalid),
        );
        assert_eq!(
            user(
                "nonsense",
                "crm secret",
                &ExpectedClaims::default(),
                DateTime::UNIX_EPOCH
            ),
            Err(JwtError::Invalid)
        );
    }

    #[test]
    fn a_login_is_for_this_application_where_the_deployment_says_which() {
        let key = EncodingKey::from_secret(b"crm secret");
        let check = |claims: &Value, audience: Option<&str>, issuer: Option<&str>, result| {
            let token = encode(&Header::new(Algorithm::HS256), claims, &key).unwrap();
            let expected = ExpectedClaims {
                audience: audience.map(str::to_owned),
                issuer: issuer.map(str::to_owned),
            };
            let now = DateTime::from_timestamp(1000, 0).unwrap();
            let found = user(&token, "crm secret", &expected, now).map(|_| ());
            assert_eq!(found, result, "{claims} {expected:?}");
        };
        let one = json!({"sub": USER, "exp": 1500, "aud": "crm", "iss": "https://a.example"});
        let several = json!({"sub": USER, "exp": 1500, "aud": ["other", "crm"]});
        let bare = json!({"sub": USER, "exp": 1500});
        for claims in [&one, &several, &bare] {
            check(claims, None, None, Ok(()));
            check(claims, Some("shop"), None, Err(JwtError::Foreign));
            check(
                claims,
                None,
                Some("https://b.example"),
                Err(JwtError::Foreign),
            );
        }
        check(&one, Some("crm"), Some("https://a.example"), Ok(()));
        check(&several, Some("crm"), None, Ok(()));
        check(&bare, Some("crm"), None, Err(JwtError::Foreign));
        let later = json!({"sub": USER, "exp": 1500, "nbf": 1061});
        check(&later, None, None, Err(JwtError::Invalid));
        let now = json!({"sub": USER, "exp": 1500, "nbf": 1060});
        check(&now, None, None, Ok(()));
    }

    /// A key of this test alone, and its public half.
    const PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJI/Wapxy16/Zyf9NNBK6vLGYfgC4UGr3ci+6HTqAs7ihRANCAARmPYkLlA2rhW2sfQuoacCX145yv3Y78G9zx+VrE7Yxavtd/Ygm7FNTUOS4Q72mTNjTBSigMPxVMtt+hKuRIUnR";
    const X: &str = "Zj2JC5QNq4VtrH0LqGnAl9eOcr92O_Bvc8flaxO2MWo";
    const Y: &str = "-139iCbsU1NQ5LhDvaZM2NMFKKAw_FUy236Eq5EhSdE";

    #[test]
    fn a_login_signed_with_a_published_key_is_good_for_that_key_only() {
        let private = STANDARD.decode(PRIVATE).unwrap();
        let token = |algorithm, kid: Option<&str>, key: &EncodingKey, exp: i64| {
            let mut header = Header::new(algorithm);
            header.kid = kid.map(str::to_owned);
            encode(&header, &json!({"sub": USER, "exp": exp}), key).unwrap()
        };
        let ec = EncodingKey::from_ec_der(&private);
        let good = token(Algorithm::ES256, Some("one"), &ec, 1500);
        assert_eq!(signed(&good), Ok(Signed::Key("one".to_owned())));
        assert_eq!(
            signed(&token(Algorithm::ES256, None, &ec, 1500)),
            Err(JwtError::Invalid)
        );
        let keys: Keys = serde_json::from_value(json!({"keys": [
            {"kty": "unheard of", "kid": "odd"},
            {"kty": "EC", "crv": "P-256", "kid": "one", "x": X, "y": Y},
            {"kty": "EC", "crv": "P-256", "kid": "two", "x": Y, "y": X},
        ]}))
        .unwrap();
        let now = DateTime::from_timestamp(1000, 0).unwrap();
        let any = ExpectedClaims::default();
        let ask =
            |token: &str, kid: &str| keys.user(token, kid, &any, now).map(|user| user.is_ok());
        assert_eq!(ask(&good, "one"), Some(true));
        assert_eq!(ask(&good, "two"), Some(false));
        assert_eq!(ask(&good, "odd"), Some(false));
        assert_eq!(ask(&good, "unknown"), None);
        let old = token(Algorithm::ES256, Some("one"), &ec, 900);
        assert_eq!(
            keys.user(&old, "one", &any, now),
            Some(Err(JwtError::Expired))
        );
        // The public key as if it were a shared secret.
        let confused = EncodingKey::from_secret(X.as_bytes());
        let confused = token(Algorithm::HS256, Some("one"), &confused, 1500);
        assert_eq!(ask(&confused, "one"), Some(false));
    }
}
