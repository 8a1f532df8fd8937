//! `events.list`: the events of a calendar, all or changed since a sync token. Series come as masters
//! and exceptions, deletions as tombstones.
//!
//! The parameters are always the same, because a token is good only for the set it was made with. None
//! of them restricts the time: whether a token remembers that is not known, and one that does would
//! hide an event that moves out of the window.
//! Source: Google's reference page of `Events: list` and the guide "Synchronize resources efficiently".

use super::Item;
use super::page::{Fields, unreadable};
use crate::answer;
use crate::error::{GoogleError, Reason};
use crate::event::{AccessRole, Reminder};
use crate::id::{AccessToken, CalendarId, PageToken, SyncToken};
use crate::request::call;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;

/// What every listing is asked with. Pages may be shorter, even empty.
const PARAMETERS: [(&str, &str); 3] = [
    ("maxResults", "250"),
    ("singleEvents", "false"),
    ("showDeleted", "true"),
];

/// A page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// In no particular order.
    pub items: Vec<Item>,
    /// How to go on.
    pub next: Next,
    /// What the signed-in user may do with the calendar.
    pub access_role: Option<AccessRole>,
    /// The calendar's zone, an IANA name.
    pub time_zone: Option<String>,
    /// What `useDefault` of an event's reminders stands for.
    pub default_reminders: Vec<Reminder>,
    /// The calendar's title.
    pub summary: Option<String>,
}

/// How a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// There is another page.
    Page(PageToken),
    /// This was the last page; the next listing begins here.
    Sync(SyncToken),
}

/// Text that identifies the parameter set; a token made with another one must not be used.
pub fn parameters_digest() -> String {
    PARAMETERS
        .map(|(name, value)| format!("{name}={value}"))
        .join("&")
}

/// Asks for a page of what has changed since the listing that gave the token `since`, or of everything.
/// All pages of a listing are asked with the same.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    since: Option<&SyncToken>,
    page: Option<&PageToken>,
) -> Request<Bytes> {
    let mut query = PARAMETERS.to_vec();
    if let Some(since) = since {
        query.push(("syncToken", since.as_str()));
    }
    if let Some(page) = page {
        query.push(("pageToken", page.as_str()));
    }
    let path = ["calendars", calendar.as_str(), "events"];
    call(Method::GET, api, token, &path, &query)
}

/// Asks whether the calendar answers at all, with as little as can be asked.
pub fn probe(api: &Url, token: &AccessToken, calendar: &CalendarId) -> Request<Bytes> {
    let path = ["calendars", calendar.as_str(), "events"];
    call(Method::GET, api, token, &path, &[("maxResults", "1")])
}

/// The page, with each item read or kept as text.
///
/// # Errors
/// [`GoogleError::is_full_sync_required`] when the token is of no use any more;
/// [`GoogleError::Unreadable`] when the page itself makes no sense or has neither token: taken for
/// complete, it would lose what follows; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Page, GoogleError> {
    let body = answer::body(response).map_err(any_410_means_start_over)?;
    let text = answer::text(&body);
    let fields = Fields::read(&text)?;
    let next = match (
        fields.token("nextPageToken")?,
        fields.token("nextSyncToken")?,
    ) {
        (Some(page), _) => Next::Page(PageToken::from(page)),
        (None, Some(sync)) => Next::Sync(SyncToken::from(sync)),
        (None, None) => {
            return Err(unreadable(
                "neither nextPageToken nor nextSyncToken".to_owned(),
            ));
        }
    };
    Ok(Page {
        items: fields.items()?,
        next,
        access_role: fields.lenient("accessRole"),
        time_zone: fields.lenient("timeZone"),
        default_reminders: fields.lenient("defaultReminders").unwrap_or_default(),
        summary: fields.lenient("summary"),
    })
}

/// A listing itself cannot be deleted, so a 410 is about the token, whatever its reason.
fn any_410_means_start_over(mut error: GoogleError) -> GoogleError {
    if let GoogleError::Api(api) = &mut error
        && api.status == 410
        && api.reason != Reason::UpdatedMinTooLongAgo
    {
        api.reason = Reason::FullSyncRequired;
    }
    error
}
