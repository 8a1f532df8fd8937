//! Gives a grant back. It ends all tokens that this user gave to the whole project.

use super::{TokenError, token_answer};
use crate::request::form;
use ::url::Url;
use bytes::Bytes;
use http::{Request, Response};
use http_client::TransportError;

/// Asks to revoke `token`, a refresh token or an access token. It is in the body, because URLs are logged.
pub fn request(oauth: &Url, token: &str) -> Request<Bytes> {
    form(oauth, &["revoke"], &[("token", token)])
}

/// Nothing: the grant is given back.
///
/// # Errors
/// [`TokenError::InvalidToken`] when there was nothing left to revoke; anything else of
/// [`TokenError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<(), TokenError> {
    token_answer::body(response).map(|_| ())
}
