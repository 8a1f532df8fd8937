//! Reads an [`ApiError`] out of an answer: the Calendar backend's envelope (`errors`, `code`,
//! `message`), the front end's (the same with `status` and `details`), or no envelope at all.

use super::{ApiError, Reason};
use crate::wire::clip;
use bytes::Bytes;
use chrono::DateTime;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Response};
use serde_json::Value;

impl ApiError {
    /// Reads a refusal. It never fails: a body that says nothing leaves the status.
    pub(crate) fn read(response: &Response<Bytes>) -> Self {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let error = &body["error"];
        let is_envelope = ["code", "errors", "status"]
            .iter()
            .any(|key| !error[*key].is_null());
        if !is_envelope {
            return Self {
                status,
                reason: Reason::Unexplained,
                message: "the answer is not one of Google's".to_owned(),
                retry_after,
            };
        }
        let message = error["message"]
            .as_str()
            .or(error["errors"][0]["message"].as_str())
            .unwrap_or_default();
        Self {
            status,
            reason: Reason::read(status, word(error), message),
            message: clip(message),
            retry_after,
        }
    }
}

/// The most exact word for what went wrong, or an empty text.
fn word(error: &Value) -> &str {
    let details = || error["details"].as_array().into_iter().flatten();
    let reason = &error["errors"][0]["reason"];
    // The front end says `forbidden` of whatever it does not let through.
    let front = details().filter(|detail| detail["domain"] == "googleapis.com");
    let front = front.filter(|_| *reason == "forbidden");
    front
        .map(|detail| &detail["reason"])
        .chain(std::iter::once(reason))
        .chain(details().map(|detail| &detail["reason"]))
        .chain(std::iter::once(&error["status"]))
        .filter_map(Value::as_str)
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

/// Seconds to wait: a number, or a date that the answer's own `Date` gives a meaning.
fn retry_after(headers: &HeaderMap) -> Option<u32> {
    let text = header(headers, &RETRY_AFTER)?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    let now = DateTime::parse_from_rfc2822(header(headers, &DATE)?).ok()?;
    Some(u32::try_from((at - now).num_seconds()).unwrap_or(0))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
