//! `events.patch`: changes some fields of the version that was read, or nothing at all.
//!
//! Source: Google's reference page of `Events: patch` and the guide "Resource versions".

use super::{SendUpdates, if_match, write_query};
use crate::answer;
use crate::error::GoogleError;
use crate::event::Event;
use crate::id::{AccessToken, CalendarId, Etag, EventId};
use crate::request::call_with_body;
use ::url::Url;
use bytes::Bytes;
use http::header::IF_MATCH;
use http::{Method, Request, Response};
use http_client::TransportError;
use serde_json::{Map, Value};

/// Asks for `changes` to `event`, provided that its version is still `guard`.
///
/// Objects are merged, arrays replaced whole, `null` removes. A deleted event comes back with
/// `status: confirmed`, unless Google refuses.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    event: &EventId,
    guard: &Etag,
    changes: &Map<String, Value>,
    send: SendUpdates,
) -> Request<Bytes> {
    let mut request = call_with_body(
        Method::PATCH,
        api,
        token,
        &["calendars", calendar.as_str(), "events", event.as_str()],
        &write_query(changes, send),
        &Value::Object(changes.clone()),
    );
    request.headers_mut().insert(IF_MATCH, if_match(guard));
    request
}

/// The event as Google stored it.
///
/// # Errors
/// [`GoogleError::is_precondition_failed`] when it has changed; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Event, GoogleError> {
    answer::event(response)
}
