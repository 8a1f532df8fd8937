//! The methods of the Events resource, and what they share.

pub mod delete;
pub mod get;
pub mod insert;
pub mod instances;
pub mod list;
pub mod patch;
pub mod watch;

mod page;

pub use page::Item;

use super::id::Etag;
use super::request::header_value;
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whom Google tells about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SendUpdates {
    /// Nobody.
    #[default]
    None,
    /// All guests.
    All,
    /// Guests outside the organizer's own organisation.
    ExternalOnly,
}

impl SendUpdates {
    /// The text on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::ExternalOnly => "externalOnly",
        }
    }
}

/// The query of a write. Google drops conference data and attachments without a word unless the
/// query says that they are meant.
fn write_query(
    fields: &Map<String, Value>,
    send: SendUpdates,
) -> Vec<(&'static str, &'static str)> {
    let mut query = vec![("sendUpdates", send.as_str())];
    if fields.contains_key("conferenceData") {
        query.push(("conferenceDataVersion", "1"));
    }
    if fields.contains_key("attachments") {
        query.push(("supportsAttachments", "true"));
    }
    query
}

/// The guard of a write. An etag that would guard nothing becomes one that never matches: the
/// answer is then 412, not an unguarded write.
fn if_match(etag: &Etag) -> HeaderValue {
    const NEVER: &str = "\"never\"";
    match etag.as_str().trim() {
        "" | "*" => HeaderValue::from_static(NEVER),
        text => header_value(text, NEVER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_queries_spell_the_recipients_alike() {
        for send in [
            SendUpdates::None,
            SendUpdates::All,
            SendUpdates::ExternalOnly,
        ] {
            assert_eq!(serde_json::to_value(send).unwrap(), send.as_str());
        }
    }

    #[test]
    fn an_etag_that_guards_nothing_is_never_sent() {
        for (etag, sent) in [
            ("\"3500000000000001\"", "\"3500000000000001\""),
            ("*", "\"never\""),
            ("", "\"never\""),
            (" ", "\"never\""),
            ("a\nb", "\"never\""),
        ] {
            assert_eq!(if_match(&Etag::from(etag)), sent);
        }
    }
}
