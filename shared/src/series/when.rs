//! Start and end of a row: dates, or instants.

use crate::crm::Row;
use chrono::{
    DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, SubsecRound,
    TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

/// The planned start of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// In an all-day series.
    Day(NaiveDate),
    /// In any other.
    At(DateTime<Utc>),
}

impl Start {
    /// A date, or a time with its offset.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Some(Self::Day(day));
        }
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self::At(at.to_utc().trunc_subsecs(0)))
    }

    /// The one form in which the database compares them.
    pub fn text(self) -> String {
        match self {
            Self::Day(day) => day.to_string(),
            Self::At(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// Start and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The first day, and the day after the last.
    Days(NaiveDate, NaiveDate),
    /// Two instants.
    Times(DateTime<Utc>, DateTime<Utc>),
}

impl Span {
    /// Of a row; `None` where it is not whole, which the database does not let happen.
    pub fn of(row: &Row) -> Option<Self> {
        let time = |field| {
            let text = row.text(field)?;
            Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
        };
        if row.flag("all_day") {
            let day = |field| row.text(field)?.parse().ok();
            Some(Self::Days(day("starts_on")?, day("ends_on")?))
        } else {
            Some(Self::Times(time("starts_at")?, time("ends_at")?))
        }
    }

    /// The fields that say so.
    pub fn fields(self) -> Map<String, Value> {
        let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let fields = match self {
            Self::Days(from, to) => json!({
                "all_day": true, "starts_at": null, "ends_at": null, "starts_on": from, "ends_on": to,
            }),
            Self::Times(from, to) => json!({
                "all_day": false, "starts_on": null, "ends_on": null, "starts_at": time(from), "ends_at": time(to),
            }),
        };
        fields.as_object().cloned().unwrap_or_default()
    }

    /// The start on the wall clock.
    pub fn local(self, zone: Tz) -> NaiveDateTime {
        match self {
            Self::Days(from, _) => from.and_time(NaiveTime::MIN),
            Self::Times(from, _) => from.with_timezone(&zone).naive_local(),
        }
    }

    /// As long, from another start on the wall clock.
    pub fn at(self, local: NaiveDateTime, zone: Tz) -> Self {
        match self {
            Self::Days(from, to) => Self::Days(local.date(), local.date() + (to - from)),
            Self::Times(from, to) => {
                let start = to_utc(local, zone);
                Self::Times(start, start + (to - from))
            }
        }
    }

    /// Whether it is all day.
    pub fn is_days(self) -> bool {
        matches!(self, Self::Days(..))
    }
}

/// The instant of a wall clock. A time that is skipped counts on from before the change; of two the
/// first is meant.
pub fn to_utc(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
        MappedLocalTime::None => {
            let before = local - TimeDelta::hours(3);
            let before = zone.from_local_datetime(&before).earliest();
            before.map_or(local.and_utc(), |at| at.to_utc() + TimeDelta::hours(3))
        }
    }
}
