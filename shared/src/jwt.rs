//! Who a request is from: the JWT that the CRM gave its user.

mod keys;
mod signature;
mod user;

#[cfg(test)]
mod tests;

pub use keys::Keys;
pub use user::{NoUserId, UserId};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use signature::{Algorithm, Key};
use std::fmt;
use url::Url;

/// Clocks may differ by this many seconds.
const SKEW: i64 = 60;

/// The longest name of a user that is shown, in bytes.
const MAX_NAME: usize = 254;

/// Who a login must be for and from, where the deployment says so. A CRM whose sign-in serves several
/// applications signs all their logins with the same keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedClaims {
    /// One of the login's audiences, `aud`.
    pub audience: Option<String>,
    /// Its issuer, `iss`.
    pub issuer: Option<String>,
}

/// A sign-in whose logins are taken, by its own secrets and keys only.
pub struct Issuer {
    /// What its logins say.
    pub expected: ExpectedClaims,
    /// Its secrets (HS256), the current one first.
    pub secrets: Vec<String>,
    /// Where it publishes the keys of its logins (RS256, ES256, EdDSA).
    pub keys_url: Option<Url>,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({:?})", self.expected.issuer)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    kid: Option<String>,
    /// What whoever reads it has to understand: nothing of it is known here.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
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
        let claims = String::from_utf8(decoded(claims)?).map_err(|_| JwtError::Invalid)?;
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

    /// What people call its user. A verified address says who it is; what people may give themselves comes with
    /// the id (Supabase says of no address that it is verified).
    pub fn called(&self) -> Option<String> {
        let claims: Value = serde_json::from_str(&self.claims).ok()?;
        let text = |name: &str| {
            let text = claims[name].as_str()?.trim();
            let is_good = !text.is_empty() && !text.chars().any(char::is_control);
            (is_good && text.len() <= MAX_NAME).then(|| text.to_owned())
        };
        let own = |name: String| Some(format!("{name} ({})", claims["sub"].as_str()?));
        match text("email") {
            Some(email) if claims["email_verified"] == true => Some(email),
            Some(email) => own(email),
            None => own(text("name")?),
        }
    }

    /// How long it is good from `now`, in seconds.
    pub fn seconds_left(&self, now: DateTime<Utc>) -> i64 {
        #[derive(Deserialize)]
        struct Lasting {
            exp: i64,
        }
        let lasting: Option<Lasting> = serde_json::from_str(&self.claims).ok();
        lasting.map_or(0, |lasting| (lasting.exp - now.timestamp()).max(0))
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
    /// With a secret of its issuer's.
    Secret,
    /// With one of the keys that its issuer publishes.
    Key {
        /// Where.
        url: Url,
        /// Which.
        kid: String,
    },
}

/// A JWT that could be good: its claims fit, and its issuer can sign like this. Nothing of it is
/// proven; what is not even plausible is refused before anything is asked for its sake.
#[derive(Debug)]
pub struct Plausible<'a> {
    token: &'a str,
    user: UserId,
    issuer: &'a Issuer,
    algorithm: Algorithm,
    signed: Signed,
}

impl<'a> Plausible<'a> {
    /// Reads a JWT.
    ///
    /// # Errors
    /// [`JwtError`].
    pub fn read(
        token: &'a str,
        issuers: &'a [Issuer],
        now: DateTime<Utc>,
    ) -> Result<Self, JwtError> {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            return Err(JwtError::Invalid);
        };
        let header: Header = read(header)?;
        let lengths = header.alg.lengths();
        if header.crit.is_some() || !lengths.contains(&decoded(signature)?.len()) {
            return Err(JwtError::Invalid);
        }
        let claims: Claims = read(claims)?;
        let is_its =
            |issuer: &&Issuer| is_named(claims.iss.as_ref(), issuer.expected.issuer.as_deref());
        let issuer = issuers.iter().find(is_its).ok_or(JwtError::Foreign)?;
        claims.check(&issuer.expected, now)?;
        let signed = match (header.alg, header.kid, &issuer.keys_url) {
            (Algorithm::HS256, _, _) if !issuer.secrets.is_empty() => Signed::Secret,
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, Some(kid), Some(url)) => {
                let url = url.clone();
                Signed::Key { url, kid }
            }
            _ => return Err(JwtError::Invalid),
        };
        Ok(Self {
            token,
            user: claims.sub,
            issuer,
            algorithm: header.alg,
            signed,
        })
    }

    /// What it takes to prove it.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// The user, proven by a secret of the issuer's.
    ///
    /// # Errors
    /// [`JwtError::Invalid`].
    pub fn with_secrets(&self) -> Result<UserId, JwtError> {
        let fits = |secret: &String| {
            let key = Key::Secret(secret.as_bytes().to_vec());
            key.verify(self.token, self.algorithm).is_ok()
        };
        match self.issuer.secrets.iter().any(fits) {
            true => Ok(self.user.clone()),
            false => Err(JwtError::Invalid),
        }
    }

    /// The user, proven by one of the issuer's keys; `None`: the key is not among them.
    ///
    /// # Errors
    /// [`JwtError::Invalid`].
    pub fn with_keys(&self, keys: &Keys) -> Option<Result<UserId, JwtError>> {
        let Signed::Key { kid, .. } = &self.signed else {
            return Some(Err(JwtError::Invalid));
        };
        let verified = keys.verify(self.token, self.algorithm, kid)?;
        Some(verified.map(|()| self.user.clone()))
    }
}

impl Claims {
    fn check(&self, expected: &ExpectedClaims, now: DateTime<Utc>) -> Result<(), JwtError> {
        if self.exp.saturating_add(SKEW) <= now.timestamp() {
            return Err(JwtError::Expired);
        }
        if self.nbf.is_some_and(|from| from > now.timestamp() + SKEW) {
            return Err(JwtError::Invalid);
        }
        if !is_named(self.aud.as_ref(), expected.audience.as_deref()) {
            return Err(JwtError::Foreign);
        }
        Ok(())
    }
}

/// Whether a claim, of one value or several, has the expected one.
fn is_named(claim: Option<&Value>, expected: Option<&str>) -> bool {
    match (claim, expected) {
        (_, None) => true,
        (Some(Value::Array(several)), Some(expected)) => several.iter().any(|one| one == expected),
        (Some(one), Some(expected)) => one == expected,
        (None, Some(_)) => false,
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, JwtError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Invalid)
}

fn read<T: DeserializeOwned>(part: &str) -> Result<T, JwtError> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| JwtError::Invalid)
}
