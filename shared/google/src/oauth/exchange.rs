//! Exchanges the code of the redirect for tokens. A code is good once.

use super::{Client, TokenError, Tokens, token_answer};
use crate::id::{AuthorizationCode, CodeVerifier};
use crate::request::form;
use ::url::Url;
use bytes::Bytes;
use http::{Request, Response};
use http_client::TransportError;

/// Asks for tokens. `redirect_uri` is the one that the consent page was opened with.
pub fn request(
    oauth: &Url,
    client: &Client,
    code: &AuthorizationCode,
    verifier: &CodeVerifier,
    redirect_uri: &str,
) -> Request<Bytes> {
    form(
        oauth,
        &["token"],
        &[
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", verifier.as_str()),
            ("redirect_uri", redirect_uri),
            ("client_id", &client.id),
            ("client_secret", client.secret.as_str()),
        ],
    )
}

/// The tokens. Without a refresh token the consent page has to be opened with `prompt=consent`.
///
/// # Errors
/// [`TokenError::InvalidGrant`] when the code is spent, too old or not of this request; anything
/// else of [`TokenError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Tokens, TokenError> {
    token_answer::read(response)
}
