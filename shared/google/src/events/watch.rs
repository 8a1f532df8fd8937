//! `events.watch`: opens a push channel on a calendar. A channel cannot be renewed: open the next one,
//! then stop the last.
//!
//! Source: Google's guide "Push notifications" and the reference page of `Events: watch`.

use crate::answer;
use crate::error::GoogleError;
use crate::id::{AccessToken, CalendarId, ChannelId, ChannelToken, ResourceId};
use crate::request::call_with_body;
use crate::wire;
use ::url::Url;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, Request, Response};
use http_client::TransportError;
use serde_json::{Value, json};

/// A channel to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewChannel<'a> {
    /// At most 64 characters, never used before in this project.
    pub id: &'a ChannelId,
    /// Where pushes go: HTTPS with a publicly trusted certificate.
    pub address: &'a Url,
    /// Comes back in every push; at most 256 characters.
    pub token: &'a ChannelToken,
    /// How long it is to live, in seconds. Google may give less; unset it gives 604,800.
    pub ttl: Option<u32>,
}

/// An open channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// As asked for.
    pub id: ChannelId,
    /// The same for all channels on one calendar; needed to stop it.
    pub resource_id: ResourceId,
    /// When pushes end; none if Google did not say.
    pub expiration: Option<DateTime<Utc>>,
}

/// Asks for a channel on `calendar`.
pub fn request(
    api: &Url,
    token: &AccessToken,
    calendar: &CalendarId,
    channel: NewChannel<'_>,
) -> Request<Bytes> {
    let mut body = json!({
        "id": channel.id,
        "type": "web_hook",
        "address": channel.address.as_str(),
        "token": channel.token.as_str(),
    });
    if let Some(ttl) = channel.ttl {
        body["params"] = json!({ "ttl": ttl.to_string() });
    }
    let path = ["calendars", calendar.as_str(), "events", "watch"];
    call_with_body(Method::POST, api, token, &path, &[], &body)
}

/// The open channel. Its first push (state `sync`) may have come before.
///
/// # Errors
/// [`GoogleError::is_push_unsupported`] when this calendar or address can have none;
/// [`GoogleError::is_channel_id_taken`]; anything else of [`GoogleError`].
pub fn answer(response: Result<Response<Bytes>, TransportError>) -> Result<Channel, GoogleError> {
    let body = answer::body(response)?;
    let read = || -> Result<Channel, String> {
        let text = answer::text(&body);
        let fields = wire::raw_fields(&text)?;
        let field = |name: &str| fields.get(name).ok_or_else(|| format!("{name}: missing"));
        Ok(Channel {
            id: wire::parse("id", field("id")?)?,
            resource_id: wire::parse("resourceId", field("resourceId")?)?,
            expiration: match fields.get("expiration") {
                Some(raw) => milliseconds(&wire::parse("expiration", raw)?),
                None => None,
            },
        })
    };
    read().map_err(|why| GoogleError::Unreadable {
        what: "channel",
        why,
    })
}

/// The schema says a string of milliseconds, the guide shows a number.
fn milliseconds(value: &Value) -> Option<DateTime<Utc>> {
    let number = match value.as_str() {
        Some(text) => text.parse().ok()?,
        None => value.as_i64()?,
    };
    DateTime::from_timestamp_millis(number)
}
