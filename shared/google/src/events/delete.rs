//! `events.delete`: deletes the version that was read. An occurrence becomes a cancelled exception, a
//! series goes with all its occurrences.
//!
//! Source: Google's reference page of `Events: delete` and the guide "Resource versions".

use super::{SendUpdates, if_match};
use crate::answer;
use crate::error::GoogleError;
use crate::id::{AccessToken, CalendarId, Etag, EventId};
use crate::request::call;
use ::url::Url;
use bytes::Bytes;
use http::header::IF_MATCH;
use http::{Method, Request, Response};
use http_client::TransportError;

/// Asks to delete `event`, provided that its version is still `guard`.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    event: &EventId,
    guard: &Etag,
    send: SendUpdates,
) -> Request<Bytes> {
    let mut request = call(
        Method::DELETE,
        api,
        token,
        &["calendars", calendar.as_str(), "events", event.as_str()],
        &[("sendUpdates", send.as_str())],
    );
    request.headers_mut().insert(IF_MATCH, if_match(guard));
    request
}

/// Nothing: the event is deleted now.
///
/// # Errors
/// [`GoogleError::is_gone`] when it already was; [`GoogleError::is_precondition_failed`] when it
/// has changed; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<(), GoogleError> {
    answer::body(response).map(|_| ())
}
