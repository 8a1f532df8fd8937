//! Faults on demand: by method, calendar and count, before or after the work is done.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Serialize};

use crate::error::{self, ApiError};

/// Extension of a response that must not be sent: the connection is to be cut instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Whether the request was dropped before it had an effect.
    pub before_commit: bool,
}

/// Extension of a response that is to be held back for this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay(pub Duration);

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Moment {
    /// The request has no effect.
    #[default]
    Before,
    /// The request has its effect, only the answer is spoiled.
    After,
}

/// A rule: which calls, and what happens to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Given by the simulator.
    #[serde(default)]
    pub(crate) id: u64,
    /// `events.insert`, `oauth.token`, ...; a final `*` matches any rest; empty matches all.
    #[serde(default)]
    pub(crate) method: String,
    /// The calendar id as the request writes it.
    #[serde(default)]
    pub(crate) calendar: Option<String>,
    /// A text that the request's body has to have in it.
    #[serde(default)]
    pub(crate) sent: Option<String>,
    /// Matching calls to let through first.
    #[serde(default)]
    pub(crate) skip: u32,
    /// Matching calls to spoil after that; absent means one.
    #[serde(default = "one")]
    pub(crate) count: u32,
    #[serde(default, rename = "when")]
    pub(crate) moment: Moment,
    #[serde(default)]
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// Seconds for a `Retry-After` header.
    #[serde(default)]
    pub(crate) retry_after: Option<u32>,
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
    #[serde(default)]
    pub(crate) cut: bool,
    /// A body to send as it is, with `status` or 200.
    #[serde(default)]
    pub(crate) body: Option<String>,
}

fn one() -> u32 {
    1
}

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Fault>,
    last_id: u64,
}

impl Faults {
    /// Adds a rule and returns its id.
    pub(crate) fn add(&mut self, mut rule: Fault) -> u64 {
        self.last_id += 1;
        rule.id = self.last_id;
        self.rules.push(rule);
        self.last_id
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.rules.retain(|rule| rule.id != id);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(crate) fn rules(&self) -> &[Fault] {
        &self.rules
    }

    /// The fault for this call, if a rule has its turn; used-up rules disappear.
    pub(crate) fn take(
        &mut self,
        method: &str,
        calendar: Option<&str>,
        body: &[u8],
    ) -> Option<Fault> {
        let mut struck = None;
        for rule in &mut self.rules {
            if !rule.matches(method, calendar) || !rule.is_of(body) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if struck.is_none() && rule.count > 0 {
                rule.count -= 1;
                struck = Some(rule.clone());
            }
        }
        self.rules.retain(|rule| rule.count > 0);
        struck
    }
}

impl Fault {
    fn matches(&self, method: &str, calendar: Option<&str>) -> bool {
        let method_fits = match self.method.strip_suffix('*') {
            Some(start) => method.starts_with(start),
            None => self.method.is_empty() || self.method == method,
        };
        method_fits && (self.calendar.is_none() || self.calendar.as_deref() == calendar)
    }

    fn is_of(&self, body: &[u8]) -> bool {
        let sent = self.sent.as_deref();
        sent.is_none_or(|text| String::from_utf8_lossy(body).contains(text))
    }

    /// Whether the request does its work and its real answer goes out, only later.
    pub(crate) fn only_delays(&self) -> bool {
        self.status.is_none() && self.reason.is_none() && self.body.is_none() && !self.cut
    }

    /// The spoiled answer.
    pub(crate) fn apply(
        &self,
        answered: Response<Bytes>,
        before_commit: bool,
        envelope: impl Fn(&ApiError) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let mut response = if self.only_delays() {
            answered
        } else if let Some(body) = &self.body {
            crate::http_api::plain(self.status.unwrap_or(200), "application/json", body.clone())
        } else {
            let status = self.status.unwrap_or(500);
            if self.method.starts_with("oauth") {
                let reason = self.reason.as_deref().unwrap_or("internal_failure");
                let body = serde_json::json!({ "error": reason }).to_string();
                crate::http_api::plain(status, "application/json; charset=utf-8", body)
            } else {
                envelope(&error::catalogue(status, self.reason.as_deref()))
            }
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert("retry-after", seconds.into());
        }
        if self.cut {
            response.extensions_mut().insert(Cut { before_commit });
        }
        if let Some(milliseconds) = self.delay_ms {
            response
                .extensions_mut()
                .insert(Delay(Duration::from_millis(milliseconds)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_rule_strikes_its_calls_after_the_skipped_ones_and_is_then_gone() {
        let mut faults = Faults::default();
        faults.add(rule(
            r#"{"method": "events.*", "skip": 1, "count": 2, "status": 503}"#,
        ));
        assert_eq!(faults.take("events.get", None, b""), None);
        assert_eq!(faults.take("calendars.get", None, b""), None);
        assert!(faults.take("events.insert", Some("primary"), b"").is_some());
        assert!(faults.take("events.get", None, b"").is_some());
        assert_eq!(faults.take("events.get", None, b""), None);
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn a_rule_for_what_is_sent_leaves_other_calls_alone() {
        let mut faults = Faults::default();
        faults.add(rule(r#"{"sent": "attendees", "status": 403}"#));
        assert_eq!(
            faults.take("events.insert", None, br#"{"summary": "a"}"#),
            None
        );
        let with_guests = br#"{"attendees": []}"#;
        assert!(faults.take("events.insert", None, with_guests).is_some());
    }

    #[test]
    fn a_rule_for_a_calendar_leaves_others_alone() {
        let mut faults = Faults::default();
        faults.add(rule(r#"{"calendar": "a", "cut": true}"#));
        assert_eq!(faults.take("events.get", Some("b"), b""), None);
        assert!(faults.take("events.get", Some("a"), b"").is_some());
    }
}
