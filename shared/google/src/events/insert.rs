//! `events.insert`: makes an event under an id that the caller chose, so that a repeated call makes no
//! second one (Google answers 409 `duplicate`, also for the id of a deleted event).
//!
//! Source: Google's reference page of `Events: insert`.

use super::{SendUpdates, write_query};
use crate::answer;
use crate::error::GoogleError;
use crate::event::Event;
use crate::id::{AccessToken, CalendarId, EventId};
use crate::request::call_with_body;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;
use serde_json::{Map, Value};

/// Google refuses bodies with some of these and ignores the others.
const READ_ONLY: [&str; 12] = [
    "attendeesOmitted",
    "created",
    "creator",
    "endTimeUnspecified",
    "etag",
    "hangoutLink",
    "htmlLink",
    "iCalUID",
    "kind",
    "locked",
    "organizer",
    "updated",
];

/// Asks for a new event `event` with `fields`. `id` in `fields` is replaced; what only Google sets,
/// and `null`, is left out.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    event: &EventId,
    fields: &Map<String, Value>,
    send: SendUpdates,
) -> Request<Bytes> {
    let mut body = fields.clone();
    body.retain(|name, value| !READ_ONLY.contains(&name.as_str()) && !value.is_null());
    body.insert("id".to_owned(), Value::from(event.as_str()));
    let query = write_query(&body, send);
    call_with_body(
        Method::POST,
        api,
        token,
        &["calendars", calendar.as_str(), "events"],
        &query,
        &Value::Object(body),
    )
}

/// The event as Google stored it.
///
/// # Errors
/// [`GoogleError::is_duplicate`] when the id is taken; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Event, GoogleError> {
    answer::event(response)
}
