//! Google OAuth 2.0 and Calendar v3 as requests and answers: one file per method, with a `request`
//! that builds what is sent and an `answer` that reads what came back. Nothing here sends, waits,
//! reads a clock or decides; an error carries its class, so that no caller looks at a status.
//!
//! Every id goes into a URL as a path segment, every token into a header or a body.

pub mod calendar_list;
pub mod channels;
pub mod error;
pub mod event;
pub mod events;
pub mod id;
pub mod notification;
pub mod oauth;

mod answer;
mod calendar;
mod map;
mod provider_error;
mod request;
mod url;
mod vocabulary;
mod wire;

#[cfg(test)]
mod tests;

pub use self::event::{AccessRole, Event, EventTime, Unreadable};
pub use calendar::{GoogleCalendar, listed, quota_units};
pub use error::{ApiError, GoogleError, Reason};
pub use events::SendUpdates;
pub use id::{
    AccessToken, CalendarId, ChannelId, ChannelToken, Etag, EventId, PageToken, RefreshToken,
    ResourceId, SyncToken,
};

pub use map::{
    access, add_properties, body, insert_body, link_back, occurrence_of, original_start,
    remote_event, remote_fields, stamp, write_body,
};
pub use provider_error::{page_error, provider_error};

use ::url::Url;

/// Where Google is: its own servers, or a simulator.
///
/// A path in one of them is kept as a prefix; query and fragment are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// Calendar v3: `https://www.googleapis.com`.
    pub api: Url,
    /// The token endpoints: `https://oauth2.googleapis.com`.
    pub oauth: Url,
    /// The consent page, which a browser opens: `https://accounts.google.com`.
    pub accounts: Url,
}
