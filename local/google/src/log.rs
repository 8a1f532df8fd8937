//! What was asked and answered, for tests and for a person who looks.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::Response;
use serde::Serialize;
use serde_json::Value;

use crate::http_api::{Call, Route};

/// Requests kept; the counters go on.
const KEPT: usize = 20_000;

/// Headers worth showing; `authorization` is not among them.
const HEADERS: [&str; 5] = [
    "if-match",
    "if-none-match",
    "x-http-method-override",
    "user-agent",
    "content-type",
];

/// One request and the status it got.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    at: String,
    /// The method's name, as in `events.insert`.
    name: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: BTreeMap<&'static str, String>,
    /// JSON when it parses, text otherwise; secrets of the token endpoint are left out.
    body: Value,
    status: u16,
    /// The first error's reason, or the OAuth error.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: VecDeque<Entry>,
    counters: BTreeMap<String, u64>,
}

impl Entry {
    pub(crate) fn new(
        now: DateTime<Utc>,
        call: &Call,
        route: &Route,
        response: &Response<Bytes>,
    ) -> Self {
        let headers = HEADERS
            .iter()
            .filter_map(|name| Some((*name, call.header(name)?.to_owned())));
        let body = if route.oauth.is_some() || call.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&call.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&call.body).into_owned().into())
        };
        Self {
            at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            name: route.method.clone(),
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.0.clone(),
            headers: headers.collect(),
            body,
            status: response.status().as_u16(),
            reason: reason(response),
        }
    }
}

fn reason(response: &Response<Bytes>) -> Option<String> {
    if response.status().as_u16() < 400 {
        return None;
    }
    let body: Value = serde_json::from_slice(response.body()).ok()?;
    let reason = body["error"]["errors"][0]["reason"]
        .as_str()
        .or(body["error"].as_str());
    reason.map(str::to_owned)
}

impl Log {
    pub(crate) fn record(&mut self, entry: Entry) {
        *self.counters.entry(entry.name.clone()).or_default() += 1;
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// Entries of this method name and status, oldest first; `None` matches all.
    pub(crate) fn entries(&self, name: Option<&str>, status: Option<u16>) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| name.is_none_or(|name| entry.name == name))
            .filter(|entry| status.is_none_or(|status| entry.status == status))
            .collect()
    }

    pub(crate) fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counters.clear();
    }
}
