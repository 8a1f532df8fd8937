//! Who consented, out of the id token that came straight from the token endpoint.
//!
//! The signature is not checked: OpenID Connect allows that for a token received from the issuer
//! itself over TLS. An id token from anywhere else must never be given to this file.

use crate::id::IdToken;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How far clocks may differ, in seconds.
const SKEW: i64 = 300;

/// What the token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The client it was made for.
    pub client_id: &'a str,
    /// What the consent page was opened with.
    pub nonce: &'a str,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Who consented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's lasting key.
    pub sub: String,
    /// Its address; can change.
    pub email: Option<String>,
    /// Whether Google has seen that the address is the account's.
    pub email_verified: bool,
}

/// Why an id token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not three parts with JSON in the middle, or without a claim that it needs.
    #[error("the id token cannot be read")]
    Unreadable,
    /// Not from Google.
    #[error("the id token is from another issuer")]
    Issuer,
    /// Made for another application.
    #[error("the id token is for another client")]
    Audience,
    /// Not the answer to this request.
    #[error("the id token answers another request")]
    Nonce,
    /// Too late.
    #[error("the id token has expired")]
    Expired,
    /// Too early: one of the clocks is wrong.
    #[error("the id token is from the future")]
    NotYetValid,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Value,
    azp: Option<String>,
    sub: String,
    email: Option<String>,
    email_verified: Option<Value>,
    nonce: Option<String>,
    iat: i64,
    exp: i64,
}

/// Reads and checks `token`.
///
/// # Errors
/// [`IdTokenError`] says which check failed.
pub fn read(token: &IdToken, expected: Expected<'_>) -> Result<Identity, IdTokenError> {
    let claims: Claims = decode(token).ok_or(IdTokenError::Unreadable)?;
    if !["https://accounts.google.com", "accounts.google.com"].contains(&claims.iss.as_str()) {
        return Err(IdTokenError::Issuer);
    }
    if !is_for(&claims, expected.client_id) {
        return Err(IdTokenError::Audience);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(IdTokenError::Nonce);
    }
    let now = expected.now.timestamp();
    if now > claims.exp.saturating_add(SKEW) {
        return Err(IdTokenError::Expired);
    }
    if now < claims.iat.saturating_sub(SKEW) {
        return Err(IdTokenError::NotYetValid);
    }
    if claims.sub.is_empty() {
        return Err(IdTokenError::Unreadable);
    }
    Ok(Identity {
        sub: claims.sub,
        email: claims.email,
        email_verified: matches!(&claims.email_verified, Some(Value::Bool(true)))
            || claims.email_verified.as_ref().and_then(Value::as_str) == Some("true"),
    })
}

/// Whose grant `token` came with, whatever else is wrong with it: to give that grant back, and for
/// nothing else.
pub fn subject(token: &IdToken) -> Option<String> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let subject: Subject = decode(token)?;
    Some(subject.sub).filter(|sub| !sub.is_empty())
}

fn decode<C: DeserializeOwned>(token: &IdToken) -> Option<C> {
    let mut parts = token.as_str().split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&json).ok()
}

/// A token for several audiences has to name ours as the one it was made for.
fn is_for(claims: &Claims, client_id: &str) -> bool {
    match &claims.aud {
        Value::String(audience) => audience == client_id,
        Value::Array(audiences) => {
            audiences.iter().any(|a| a == client_id)
                && claims.azp.as_deref().is_none_or(|azp| azp == client_id)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn token(change: impl FnOnce(&mut Value)) -> IdToken {
        let mut claims = json!({
            "iss": "https://accounts.google.com", "aud": "client1", "azp": "client1",
            "sub": "100000000000000000001", "email": "ann@example.com", "email_verified": true,
            "nonce": "n1", "at_hash": "x", "iat": NOW - 10, "exp": NOW + 3590,
        });
        change(&mut claims);
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        IdToken::from(format!("eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln"))
    }

    fn read_it(token: &IdToken) -> Result<Identity, IdTokenError> {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        read(
            token,
            Expected {
                client_id: "client1",
                nonce: "n1",
                now,
            },
        )
    }

    fn check(name: &str, value: Value, expected: Result<(), IdTokenError>) {
        let token = token(|claims| claims[name] = value.clone());
        assert_eq!(read_it(&token).map(|_| ()), expected, "{name} = {value}");
    }

    #[test]
    fn a_good_token_says_who_consented() {
        assert_eq!(
            read_it(&token(|_| {})),
            Ok(Identity {
                sub: "100000000000000000001".to_owned(),
                email: Some("ann@example.com".to_owned()),
                email_verified: true,
            })
        );
    }

    #[test]
    fn each_claim_is_checked() {
        use IdTokenError::{Audience, Expired, Issuer, Nonce, NotYetValid, Unreadable};
        check("iss", json!("accounts.google.com"), Ok(()));
        check("iss", json!("https://accounts.example.com"), Err(Issuer));
        check("aud", json!("client2"), Err(Audience));
        check("aud", json!(["client2", "client1"]), Ok(()));
        check("aud", json!([]), Err(Audience));
        check("aud", json!(5), Err(Audience));
        check("nonce", json!("n2"), Err(Nonce));
        check("nonce", Value::Null, Err(Nonce));
        check("exp", json!(NOW - 299), Ok(()));
        check("exp", json!(NOW - 301), Err(Expired));
        check("exp", json!(i64::MIN), Err(Expired));
        check("iat", json!(NOW + 299), Ok(()));
        check("iat", json!(NOW + 301), Err(NotYetValid));
        check("sub", json!(""), Err(Unreadable));
        check("sub", json!(5), Err(Unreadable));
    }

    #[test]
    fn an_address_counts_as_verified_only_when_google_says_so() {
        for (claim, expected) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("yes"), false),
            (Value::Null, false),
        ] {
            let token = token(|claims| claims["email_verified"] = claim);
            assert_eq!(read_it(&token).unwrap().email_verified, expected);
        }
    }

    #[test]
    fn whose_grant_it_is_shows_in_a_token_that_is_refused() {
        for (claim, value) in [("iss", json!("x")), ("aud", json!(5)), ("exp", json!(1))] {
            let token = token(|claims| claims[claim] = value);
            assert_eq!(subject(&token).as_deref(), Some("100000000000000000001"));
        }
        assert_eq!(subject(&token(|claims| claims["sub"] = json!(""))), None);
        assert_eq!(subject(&IdToken::from("a.e30.c")), None);
    }

    #[test]
    fn text_that_is_no_token_is_refused() {
        for odd in ["", "a.b", "a.b.c", "a.e30.c", "a.e30.c.d"] {
            assert_eq!(
                read_it(&IdToken::from(odd)),
                Err(IdTokenError::Unreadable),
                "{odd}"
            );
        }
    }
}
