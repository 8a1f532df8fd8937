//! Opaque tokens: a JSON value with a checksum, in Base64 as Google writes it.
//!
//! The alphabet is the one with `+`, `/` and `=`, so a client that does not encode a token in a
//! URL finds out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{self, ApiError};

/// What a sync token of `events.list` remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sync {
    /// Calendar and reader.
    pub(super) key: String,
    pub(super) change: u64,
    pub(super) issued: i64,
    /// The reader's access epoch.
    pub(super) epoch: u64,
    /// Parameters that must stay what they were.
    pub(super) same: String,
    /// Restrictions of the first request, as a query string.
    pub(super) window: String,
}

/// Where a list goes on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Change number of the next event; for sorted lists always 0.
    pub(super) change: u64,
    /// Rows of that event, or of the whole sorted list, that were already sent.
    pub(super) skip: usize,
}

pub(super) fn write(value: &impl Serialize) -> String {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut bytes = Sha256::digest(&body)[..8].to_vec();
    bytes.extend(masked(&bytes, &body));
    STANDARD.encode(bytes)
}

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = STANDARD.decode(text).ok()?;
    let (sum, body) = bytes.split_at_checked(8)?;
    let body = masked(sum, body);
    (Sha256::digest(&body)[..8] == *sum).then(|| serde_json::from_slice(&body).ok())?
}

/// Hides the content, so that nobody comes to rely on it.
fn masked(sum: &[u8], body: &[u8]) -> Vec<u8> {
    body.iter()
        .zip(sum.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect()
}

pub(crate) fn invalid() -> ApiError {
    error::invalid("Invalid sync token value.")
}

/// A sync token that is only a change number.
pub(crate) fn write_simple(change: u64, key: &str, now: DateTime<Utc>) -> String {
    write(&("simple", key, change, now.timestamp()))
}

/// Reads it back: 400 when it is garbage or of something else, 410 when older than `age` seconds.
pub(crate) fn read_simple(
    text: &str,
    key: &str,
    now: DateTime<Utc>,
    age: i64,
) -> Result<u64, ApiError> {
    let (kind, of, change, issued): (String, String, u64, i64) = read(text).ok_or_else(invalid)?;
    if kind != "simple" || of != key {
        return Err(invalid());
    }
    if now.timestamp() - issued > age {
        return Err(error::full_sync_required());
    }
    Ok(change)
}

pub(crate) fn write_page(after: u64, key: &str) -> String {
    write(&("page", key, after))
}

pub(crate) fn read_page(text: &str, key: &str) -> Option<u64> {
    let (kind, of, after): (String, String, u64) = read(text)?;
    (kind == "page" && of == key).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_one_changed_letter_is_noticed() {
        let token = write_page(7, "k");
        assert_eq!(read_page(&token, "k"), Some(7));
        assert_eq!(read_page(&token, "other"), None);
        for at in 0..token.len() {
            let mut broken = token.clone().into_bytes();
            broken[at] = if broken[at] == b'A' { b'B' } else { b'A' };
            let broken = String::from_utf8(broken).unwrap();
            assert!(
                read_page(&broken, "k").is_none_or(|_| broken.ends_with('A')),
                "{broken}"
            );
        }
        assert_eq!(read_page("", "k"), None);
        assert_eq!(read_page("AAAA", "k"), None);
    }
}
