//! `events.instances`: one occurrence of a series, also when it is cancelled.
//!
//! Source: Google's reference page of `Events: instances`.

use super::Item;
use super::page::Fields;
use crate::answer;
use crate::error::GoogleError;
use crate::id::{AccessToken, CalendarId, EventId};
use crate::request::call;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;

/// Asks for the occurrence of `series` that the rule puts at `original_start`: a date, or a time by RFC 3339.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    series: &EventId,
    original_start: &str,
) -> Request<Bytes> {
    let query = [("showDeleted", "true"), ("originalStart", original_start)];
    let path = [
        "calendars",
        calendar.as_str(),
        "events",
        series.as_str(),
        "instances",
    ];
    call(Method::GET, api, token, &path, &query)
}

/// The occurrence, or none.
///
/// # Errors
/// [`GoogleError::is_gone`] when there is no such series; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Vec<Item>, GoogleError> {
    let body = answer::body(response)?;
    Fields::read(&answer::text(&body))?.items()
}
