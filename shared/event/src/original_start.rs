//! Which occurrence of a series: RFC 5545's RECURRENCE-ID.

use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// When an occurrence starts by its rule; stays when it is moved. To the second. Its text is
/// `2031-03-03T09:00:00Z`, or `2031-03-03` in an all-day series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OriginalStart {
    /// Of an all-day series.
    Date(NaiveDate),
    /// Of a timed one.
    Instant(DateTime<Utc>),
}

/// A text that is neither a date nor a time with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "original_start is neither a date nor a time: {0}; write 2031-03-03T09:00:00Z, or 2031-03-03 for an all-day series"
)]
pub struct NotAStart(pub String);

impl OriginalStart {
    /// A point in time, without fractions of a second.
    pub fn instant(time: DateTime<Utc>) -> Self {
        Self::Instant(time.trunc_subsecs(0))
    }

    /// As ids of occurrences end: `20310303T090000Z` or `20310303`.
    pub fn instance_suffix(self) -> String {
        match self {
            Self::Date(date) => date.format("%Y%m%d").to_string(),
            Self::Instant(time) => time.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

impl fmt::Display for OriginalStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => date.fmt(f),
            Self::Instant(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        }
    }
}

impl FromStr for OriginalStart {
    type Err = NotAStart;

    fn from_str(text: &str) -> Result<Self, NotAStart> {
        if let Ok(date) = text.parse() {
            return Ok(Self::Date(date));
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(Self::instant(time.to_utc())),
            Err(_) => Err(NotAStart(text.chars().take(40).collect())),
        }
    }
}

impl TryFrom<String> for OriginalStart {
    type Error = NotAStart;

    fn try_from(text: String) -> Result<Self, NotAStart> {
        text.parse()
    }
}

impl From<OriginalStart> for String {
    fn from(start: OriginalStart) -> Self {
        start.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str, suffix: &str) {
        let start: OriginalStart = text.parse().unwrap();
        assert_eq!(start.to_string(), canonical);
        assert_eq!(start.instance_suffix(), suffix);
        let json = serde_json::to_value(start).unwrap();
        assert_eq!(
            serde_json::from_value::<OriginalStart>(json).unwrap(),
            start
        );
    }

    #[test]
    fn one_moment_has_one_text() {
        let canonical = "2031-03-03T09:00:00Z";
        for text in [
            canonical,
            "2031-03-03T10:00:00+01:00",
            "2031-03-03T09:00:00.5Z",
        ] {
            check(text, canonical, "20310303T090000Z");
        }
        check("2031-03-03", "2031-03-03", "20310303");
    }

    #[test]
    fn what_is_no_moment_is_refused_with_an_example() {
        for text in ["", "soon", "2031-03-03T09:00:00", "20310303"] {
            let error = text.parse::<OriginalStart>().unwrap_err();
            assert!(error.to_string().contains("2031-03-03T09:00:00Z"));
        }
    }
}
