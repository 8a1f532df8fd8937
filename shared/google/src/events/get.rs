//! `events.get`: one event, also when it is cancelled.
//!
//! Source: Google's reference page of `Events: get`.

use super::Item;
use crate::answer;
use crate::error::GoogleError;
use crate::event::Event;
use crate::id::{AccessToken, CalendarId, EventId};
use crate::request::call;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;

/// Asks for `event`.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    event: &EventId,
) -> Request<Bytes> {
    let path = ["calendars", calendar.as_str(), "events", event.as_str()];
    call(Method::GET, api, token, &path, &[])
}

/// The event; a deleted one comes with the status `cancelled`.
///
/// # Errors
/// [`GoogleError::is_gone`] when it is unknown or purged; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Event, GoogleError> {
    answer::event(response)
}

/// The event as an item of a listing, with its text; one that cannot be read keeps the text.
///
/// # Errors
/// As [`answer`], apart from an unreadable event.
pub fn item(response: Result<Response<Bytes>, TransportError>) -> Result<Item, GoogleError> {
    let body = answer::body(response)?;
    let raw = answer::text(&body).into_owned();
    Ok(Item {
        event: Event::read(&raw),
        raw,
    })
}
