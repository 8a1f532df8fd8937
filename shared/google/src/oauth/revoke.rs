//! Gives a grant back. It ends all tokens that this user gave to the whole project.

use super::{TokenError, token_answer};
use crate::id::RefreshToken;
use crate::request::form;
use ::url::Url;
use bytes::Bytes;
use http::{Request, Response};
use http_client::TransportError;

/// Asks to revoke `token`. It is in the body, because URLs are logged.
pub fn request(oauth: &Url, token: &RefreshToken) -> Request<Bytes> {
    form(oauth, &["revoke"], &[("token", token.as_str())])
}

/// Nothing: the grant is given back.
///
/// # Errors
/// [`TokenError::InvalidToken`] when there was nothing left to revoke; anything else of
/// [`TokenError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<(), TokenError> {
    token_answer::body(response).map(|_| ())
}
