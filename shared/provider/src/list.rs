use crate::RemoteEvent;

/// A page to list: everything, what changed since a token, or where a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// The calendar.
    pub calendar: String,
    /// Where the last listing ended; none lists everything.
    pub sync_token: Option<String>,
    /// Where this one goes on.
    pub page_token: Option<String>,
}

/// A listed event.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// As it came.
    pub raw: String,
    /// What was read in it.
    pub event: Result<RemoteEvent, Unreadable>,
}

/// An event that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id, if that much could be read.
    pub id: Option<String>,
    /// Its version, likewise.
    pub etag: Option<String>,
    /// Why, for people.
    pub why: String,
}

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its events.
    pub items: Vec<Listed>,
    /// Another page follows.
    pub next_page: Option<String>,
    /// Where the next listing begins, on the last page.
    pub sync_token: Option<String>,
    /// What the account may do with the calendar.
    pub access_role: Option<String>,
    /// The calendar's IANA zone.
    pub time_zone: Option<String>,
    /// The calendar's title.
    pub summary: Option<String>,
}
