//! A push of a channel: all of it is in the headers, there is no body to look at. It says that
//! something changed, never what.
//!
//! Source: Google's guide "Push notifications".

use super::id::{ChannelId, ChannelToken, ResourceId};
use super::wire;
use chrono::{DateTime, Utc};
use http::HeaderMap;

/// A push, not yet proven to be Google's: compare the token first, in constant time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The channel, by its creator's id.
    pub channel: ChannelId,
    /// Grows within a channel, with gaps; 1 is the `sync` message.
    pub message_number: u64,
    /// What is watched.
    pub resource: ResourceId,
    /// What kind of message.
    pub state: State,
    /// As given when the channel was opened; none if none was.
    pub token: Option<ChannelToken>,
    /// When the channel ends; none if it does not, or the date is odd.
    pub expiration: Option<DateTime<Utc>>,
}

wire::wire_enum! {
    /// The kind of a push.
    pub enum State {
        /// The channel is open.
        Sync = "sync",
        /// Something changed: an event was made, edited or deleted.
        Exists = "exists",
        /// What is watched is gone.
        NotExists = "not_exists",
    }
}

/// Why headers are not those of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotificationError {
    /// A required header is not there, or empty.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is there twice, or is not what it has to be.
    #[error("the header {0} is malformed")]
    Malformed(&'static str),
}

/// Reads a push.
///
/// # Errors
/// [`NotificationError`] names the header.
pub fn read(headers: &HeaderMap) -> Result<Notification, NotificationError> {
    const NUMBER: &str = "x-goog-message-number";
    let state = required(headers, "x-goog-resource-state")?;
    Ok(Notification {
        channel: ChannelId::from(channel_id(headers)?),
        message_number: required(headers, NUMBER)?
            .parse()
            .map_err(|_| NotificationError::Malformed(NUMBER))?,
        resource: ResourceId::from(required(headers, "x-goog-resource-id")?),
        state: State::from(state),
        token: optional(headers, "x-goog-channel-token")?.map(ChannelToken::from),
        expiration: optional(headers, "x-goog-channel-expiration")?
            .and_then(|text| DateTime::parse_from_rfc2822(text).ok())
            .map(|time| time.with_timezone(&Utc)),
    })
}

fn channel_id(headers: &HeaderMap) -> Result<&str, NotificationError> {
    const NAME: &str = "x-goog-channel-id";
    let id = required(headers, NAME)?;
    if id.len() > 64 {
        return Err(NotificationError::Malformed(NAME));
    }
    Ok(id)
}

fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, NotificationError> {
    optional(headers, name)?.ok_or(NotificationError::Missing(name))
}

/// An empty header counts as absent.
fn optional<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
) -> Result<Option<&'a str>, NotificationError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value
        .to_str()
        .map_err(|_| NotificationError::Malformed(name))?;
    if values.next().is_some() {
        return Err(NotificationError::Malformed(name));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}
