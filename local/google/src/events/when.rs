//! Start and end of an event: a date, or an instant with an optional zone.

use chrono::{
    DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat,
    SubsecRound, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{self, ApiError};

/// One end of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum When {
    /// A whole day; the end's day is exclusive.
    Day(NaiveDate),
    /// An instant; the zone's name is kept as the client gave it.
    Time { at: DateTime<Utc>, zone: Option<Tz> },
}

/// Years an event may be in.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

impl When {
    /// Reads `start` or `end`; `which` names it in messages.
    pub(crate) fn parse(value: &Value, which: &str) -> Result<Self, ApiError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        match (text("date"), text("dateTime")) {
            (Some(date), None) => date
                .parse()
                .ok()
                .filter(|date: &NaiveDate| YEARS.contains(&date.year()))
                .map(Self::Day)
                .ok_or_else(|| error::invalid(format!("Invalid {which} time."))),
            (None, Some(time)) => Self::parse_time(time, text("timeZone"), which),
            (Some(_), Some(_)) => Err(error::invalid(format!("Invalid {which} time."))),
            (None, None) => Err(error::required(format!("Missing {which} time."))),
        }
    }

    fn parse_time(text: &str, zone: Option<&str>, which: &str) -> Result<Self, ApiError> {
        let zone = match zone {
            None | Some("") => None,
            Some(name) => Some(name.parse::<Tz>().map_err(|_| {
                error::invalid(format!("Invalid time zone definition for {which} time."))
            })?),
        };
        let outside = || error::invalid(format!("Invalid {which} time."));
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            // That Google keeps whole seconds is assumed.
            let at = at.with_timezone(&Utc).trunc_subsecs(0);
            return if YEARS.contains(&at.year()) {
                Ok(Self::Time { at, zone })
            } else {
                Err(outside())
            };
        }
        let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .map_err(|_| error::bad_request("Bad Request"))?;
        if !YEARS.contains(&local.year()) {
            return Err(outside());
        }
        let local = local.trunc_subsecs(0);
        let zone = zone.ok_or_else(|| {
            error::invalid(format!("Missing time zone definition for {which} time."))
        })?;
        Ok(Self::Time {
            at: local_to_utc(local, zone),
            zone: Some(zone),
        })
    }

    /// The JSON of this end, times in `shown` with that zone's offset.
    pub(crate) fn render(&self, shown: Tz) -> Value {
        match self {
            Self::Day(date) => json!({ "date": date.to_string() }),
            Self::Time { at, zone } => {
                let time = at
                    .with_timezone(&shown)
                    .to_rfc3339_opts(SecondsFormat::Secs, true);
                match zone {
                    None => json!({ "dateTime": time }),
                    Some(zone) => json!({"dateTime": time, "timeZone": zone.name()}),
                }
            }
        }
    }

    /// As an instant; a day begins at midnight in `zone`.
    pub(crate) fn instant(&self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(date) => local_to_utc(date.and_time(NaiveTime::MIN), zone),
            Self::Time { at, .. } => *at,
        }
    }

    pub(crate) fn is_day(&self) -> bool {
        matches!(self, Self::Day(_))
    }

    pub(crate) fn zone(&self) -> Option<Tz> {
        match self {
            Self::Day(_) => None,
            Self::Time { zone, .. } => *zone,
        }
    }

    /// The tail of an instance id: `YYYYMMDD` or `YYYYMMDDTHHMMSSZ`.
    pub(crate) fn stamp(&self) -> String {
        match self {
            Self::Day(date) => date.format("%Y%m%d").to_string(),
            Self::Time { at, .. } => at.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }

    /// Reads such a tail; the zone is that of the series.
    pub(crate) fn from_stamp(stamp: &str, zone: Option<Tz>) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if stamp.len() == 8 && digits(stamp) {
            return NaiveDate::parse_from_str(stamp, "%Y%m%d")
                .ok()
                .map(Self::Day);
        }
        if stamp.len() != 16 || !stamp.ends_with('Z') {
            return None;
        }
        let at = NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").ok()?;
        Some(Self::Time {
            at: at.and_utc(),
            zone,
        })
    }

    /// Moved by the same amount as from `from` to `to`, in whole days for days.
    pub(crate) fn shifted(&self, from: &Self, to: &Self) -> Self {
        match (self, from, to) {
            (Self::Day(day), Self::Day(from), Self::Day(to)) => {
                Self::Day(day.checked_add_signed(*to - *from).unwrap_or(*day))
            }
            (Self::Time { at, zone }, Self::Time { at: from, .. }, Self::Time { at: to, .. }) => {
                Self::Time {
                    at: at.checked_add_signed(*to - *from).unwrap_or(*at),
                    zone: *zone,
                }
            }
            (same, _, _) => same.clone(),
        }
    }
}

/// A wall-clock time as an instant: the first of two, and past a gap by the gap's length.
pub(crate) fn local_to_utc(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.with_timezone(&Utc),
        MappedLocalTime::None => {
            let before = local
                .checked_sub_signed(TimeDelta::hours(3))
                .unwrap_or(local);
            match zone.from_local_datetime(&before).earliest() {
                Some(at) => at.with_timezone(&Utc) + TimeDelta::hours(3),
                None => local.and_utc(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_time_in_a_gap_moves_forward_by_the_gap() {
        let local: NaiveDateTime = "2026-03-29T02:30:00".parse().unwrap();
        let at = local_to_utc(local, Tz::Europe__Copenhagen);
        assert_eq!(at.to_rfc3339(), "2026-03-29T01:30:00+00:00");
    }

    #[test]
    fn stamps_are_read_back() {
        for stamp in ["20260105", "20260105T083000Z"] {
            assert_eq!(When::from_stamp(stamp, None).unwrap().stamp(), stamp);
        }
        for stamp in ["2026010", "R20260105T0830", "20261305", "20260105T083000"] {
            assert_eq!(When::from_stamp(stamp, None), None, "{stamp}");
        }
    }
}
