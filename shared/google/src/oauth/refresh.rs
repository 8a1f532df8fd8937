//! Gets a new access token for a refresh token.

use super::{Client, TokenError, Tokens, token_answer};
use crate::id::RefreshToken;
use crate::request::form;
use ::url::Url;
use bytes::Bytes;
use http::{Request, Response};
use http_client::TransportError;

/// Asks for a new access token.
pub fn request(oauth: &Url, client: &Client, token: &RefreshToken) -> Request<Bytes> {
    form(
        oauth,
        &["token"],
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("client_id", &client.id),
            ("client_secret", client.secret.as_str()),
        ],
    )
}

/// The tokens. A refresh token in them replaces the old one; usually there is none and the old one
/// stays good.
///
/// # Errors
/// [`TokenError::InvalidGrant`] when the refresh token is of no use any more; anything else of
/// [`TokenError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Tokens, TokenError> {
    token_answer::read(response)
}
