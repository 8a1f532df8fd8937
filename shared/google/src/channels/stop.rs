//! `channels.stop`: ends a push channel. Only the user and client that opened it can, and a last push
//! may still arrive.
//!
//! Source: Google's guide "Push notifications".

use crate::answer;
use crate::error::GoogleError;
use crate::id::{AccessToken, ChannelId, ResourceId};
use crate::request::call_with_body;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;
use serde_json::json;

/// Asks to stop `channel`.
pub fn request(
    api: &Url,
    token: &AccessToken,
    channel: &ChannelId,
    resource: &ResourceId,
) -> Request<Bytes> {
    let body = json!({ "id": channel, "resourceId": resource });
    call_with_body(Method::POST, api, token, &["channels", "stop"], &[], &body)
}

/// Nothing: the channel is stopped.
///
/// # Errors
/// [`GoogleError::is_gone`] when there is no such channel any more; anything else of
/// [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<(), GoogleError> {
    answer::body(response).map(|_| ())
}
