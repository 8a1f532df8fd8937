//! `calendarList.list`: the calendars a user can choose from.
//!
//! Source: Google's reference page of `CalendarList: list`.

use super::answer;
use super::error::GoogleError;
use super::event::{AccessRole, Reminder};
use super::id::{AccessToken, CalendarId, Etag, PageToken};
use super::request::call;
use super::wire;
use ::url::Url;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_client::TransportError;
use serde_json::Map;
use serde_json::value::RawValue;

wire::wire_object! {
    /// A calendar on a user's list.
    pub struct Entry {
        required {
            /// The calendar's real id, never `primary`.
            id: CalendarId = "id",
        }
        optional {
            /// Follows every change.
            etag: Etag = "etag",
            /// The title its owner gave it.
            summary: String = "summary",
            /// The title this user gave it.
            summary_override: String = "summaryOverride",
            /// Free text.
            description: String = "description",
            /// An IANA name.
            time_zone: String = "timeZone",
            /// What this user may do with it.
            access_role: AccessRole = "accessRole",
            /// Is the user's main calendar.
            primary: bool = "primary",
            /// Is shown.
            selected: bool = "selected",
            /// Is hidden from the list.
            hidden: bool = "hidden",
            /// Has left the list.
            deleted: bool = "deleted",
            /// As `#0088aa`.
            background_color: String = "backgroundColor",
            /// As `#ffffff`.
            foreground_color: String = "foregroundColor",
            /// What `useDefault` of an event's reminders stands for.
            default_reminders: Vec<Reminder> = "defaultReminders",
            /// The address of who owns it; of secondary calendars only.
            data_owner: String = "dataOwner",
        }
    }
}

impl Entry {
    /// The title to show: the user's own, else the owner's, else the id.
    pub fn title(&self) -> &str {
        self.summary_override
            .as_deref()
            .or(self.summary.as_deref())
            .unwrap_or(self.id.as_str())
    }
}

/// A page of calendars.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Those that could be read.
    pub entries: Vec<Entry>,
    /// Why others could not.
    pub unreadable: Vec<String>,
    /// If there is another page.
    pub next: Option<PageToken>,
}

/// Asks for a page of the user's calendars, those too that they hide in Google's own list: it may be the primary one.
pub fn request(api: &Url, token: &AccessToken, page: Option<&PageToken>) -> Request<Bytes> {
    let mut query = vec![("maxResults", "250"), ("showHidden", "true")];
    if let Some(page) = page {
        query.push(("pageToken", page.as_str()));
    }
    let path = ["users", "me", "calendarList"];
    call(Method::GET, api, token, &path, &query)
}

/// The page, each entry read by itself.
///
/// # Errors
/// [`GoogleError::is_scope_missing`] when the user left that box unticked; anything else of
/// [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Page, GoogleError> {
    let body = answer::body(response)?;
    let text = answer::text(&body);
    read(&text).map_err(|why| GoogleError::Unreadable {
        what: "list of calendars",
        why,
    })
}

fn read(text: &str) -> Result<Page, String> {
    let fields = wire::raw_fields(text)?;
    let mut page = Page {
        entries: Vec::new(),
        unreadable: Vec::new(),
        next: None,
    };
    if let Some(raw) = fields.get("items") {
        let items: Vec<&RawValue> =
            wire::read(raw.get()).map_err(|why| wire::clip(&format!("items: {why}")))?;
        for item in items {
            match entry(item.get()) {
                Ok(entry) => page.entries.push(entry),
                Err(why) => page.unreadable.push(why),
            }
        }
    }
    if let Some(raw) = fields.get("nextPageToken") {
        let token: Option<String> = wire::parse("nextPageToken", raw)?;
        page.next = token.filter(|token| !token.is_empty()).map(PageToken::from);
    }
    Ok(page)
}

fn entry(raw: &str) -> Result<Entry, String> {
    let mut map = Map::new();
    for (name, value) in wire::raw_fields(raw)? {
        let value = wire::parse(&name, value)?;
        map.insert(name, value);
    }
    Entry::from_map(map)
}
