//! What the token endpoint answers to an exchange and to a refresh.

use super::TokenError;
use crate::id::{AccessToken, IdToken, RefreshToken};
use crate::wire;
use bytes::Bytes;
use http::Response;
use http_client::TransportError;
use serde_json::{Map, Value};

/// How long an access token is taken to live when Google does not say: long enough for the work at
/// hand, short enough to be refreshed before the next.
const UNSTATED_LIFETIME: u32 = 300;

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For the API.
    pub access_token: AccessToken,
    /// How long it lives, in seconds from now.
    pub expires_in: u32,
    /// For more access tokens; often absent.
    pub refresh_token: Option<RefreshToken>,
    /// How long the refresh token lives, in seconds, if the user limited that.
    pub refresh_token_expires_in: Option<u32>,
    /// What was granted, separated by spaces; can be less than was asked.
    pub scope: Option<String>,
    /// Who consented.
    pub id_token: Option<IdToken>,
}

impl Tokens {
    /// The asked scopes that were not granted. An answer that names no scopes grants what was asked.
    pub fn missing_scopes(&self) -> Vec<&'static str> {
        self.scope
            .as_deref()
            .map(super::scope::missing)
            .unwrap_or_default()
    }
}

/// The body of a 2xx answer.
pub(super) fn body(response: Result<Response<Bytes>, TransportError>) -> Result<Bytes, TokenError> {
    let response = response.map_err(TokenError::Transport)?;
    if response.status().is_success() {
        Ok(response.into_body())
    } else {
        Err(TokenError::read(&response))
    }
}

/// The tokens of a 2xx answer. Errors never hold the body: it is full of secrets.
pub(super) fn read(
    response: Result<Response<Bytes>, TransportError>,
) -> Result<Tokens, TokenError> {
    let body = body(response)?;
    let unreadable = |why: &str| TokenError::Unreadable {
        why: why.to_owned(),
    };
    let mut map: Map<String, Value> =
        serde_json::from_slice(&body).map_err(|_| unreadable("not a JSON object"))?;
    let text = |map: &mut Map<String, Value>, name: &str| -> Result<Option<String>, TokenError> {
        let text: Option<String> =
            wire::optional(map, name).map_err(|_| unreadable(&format!("{name}: not a text")))?;
        Ok(text.filter(|text| !text.is_empty()))
    };
    Ok(Tokens {
        access_token: text(&mut map, "access_token")?
            .map(AccessToken::from)
            .ok_or_else(|| unreadable("access_token: missing"))?,
        expires_in: seconds(&map, "expires_in").unwrap_or(UNSTATED_LIFETIME),
        refresh_token: text(&mut map, "refresh_token")?.map(RefreshToken::from),
        refresh_token_expires_in: seconds(&map, "refresh_token_expires_in"),
        scope: text(&mut map, "scope")?,
        id_token: text(&mut map, "id_token")?.map(IdToken::from),
    })
}

/// Seconds as a number or as a text.
fn seconds(map: &Map<String, Value>, name: &str) -> Option<u32> {
    let value = map.get(name)?;
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok()?,
        None => value.as_u64()?,
    };
    u32::try_from(number).ok()
}
