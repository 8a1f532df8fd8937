//! What all answers have in common: transport, status, then a body.

use super::error::{ApiError, GoogleError};
use super::event::Event;
use bytes::Bytes;
use http::Response;
use http_client::TransportError;
use std::borrow::Cow;

/// The body of a 2xx answer; everything else is an error that knows its reason.
pub(super) fn body(
    response: Result<Response<Bytes>, TransportError>,
) -> Result<Bytes, GoogleError> {
    let response = response.map_err(GoogleError::Transport)?;
    if response.status().is_success() {
        Ok(response.into_body())
    } else {
        Err(GoogleError::Api(ApiError::read(&response)))
    }
}

/// The event in a 2xx answer.
pub(super) fn event(
    response: Result<Response<Bytes>, TransportError>,
) -> Result<Event, GoogleError> {
    let body = body(response)?;
    Event::read(&text(&body)).map_err(|unreadable| GoogleError::Unreadable {
        what: "event",
        why: unreadable.why,
    })
}

/// `body` as text. Bytes that are not UTF-8 are replaced: they spoil one item, not the page.
pub(super) fn text(body: &Bytes) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}
