//! `events.instances`: the occurrences of one series, cancelled ones included.
//!
//! Source: Google's reference page of `Events: instances`.

use super::Item;
use super::page::Fields;
use crate::answer;
use crate::error::GoogleError;
use crate::id::{AccessToken, CalendarId, EventId, PageToken};
use crate::request::call;
use ::url::Url;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, Request, Response};
use http_client::TransportError;

/// Which occurrences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// All of them; a series without an end has many pages.
    All,
    /// The one that the rule puts there, as `originalStartTime` spells it.
    OriginalStart(&'a str),
    /// Those that end at or after the first and start before the second.
    Between(DateTime<Utc>, DateTime<Utc>),
}

/// A page of occurrences.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In no particular order.
    pub items: Vec<Item>,
    /// If there is another page.
    pub next: Option<PageToken>,
}

/// Asks for a page of the occurrences of `series`.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    series: &EventId,
    which: Which<'_>,
    page: Option<&PageToken>,
) -> Request<Bytes> {
    let rfc3339 = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (from, to);
    let mut query = vec![("maxResults", "250"), ("showDeleted", "true")];
    match which {
        Which::All => {}
        Which::OriginalStart(start) => query.push(("originalStart", start)),
        Which::Between(min, max) => {
            (from, to) = (rfc3339(min), rfc3339(max));
            query.extend([("timeMin", from.as_str()), ("timeMax", to.as_str())]);
        }
    }
    if let Some(page) = page {
        query.push(("pageToken", page.as_str()));
    }
    let path = [
        "calendars",
        calendar.as_str(),
        "events",
        series.as_str(),
        "instances",
    ];
    call(Method::GET, api, token, &path, &query)
}

/// The page, with each item read or kept as text.
///
/// # Errors
/// [`GoogleError::is_gone`] when there is no such series; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Page, GoogleError> {
    let body = answer::body(response)?;
    let text = answer::text(&body);
    let fields = Fields::read(&text)?;
    Ok(Page {
        items: fields.items()?,
        next: fields.token("nextPageToken")?.map(PageToken::from),
    })
}
