//! The occurrences of a series, by the rrule crate.
//!
//! Rules are expanded on the wall clock of the series' zone and only then turned into instants,
//! so that a meeting keeps its local time over a change of the clocks (Calendar API guide,
//! recurring events).

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};

use super::When;
use super::event::Event;
use super::when::local_to_utc;
use crate::error::{self, ApiError};

/// One value of an EXDATE or RDATE line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stamp {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Instant(DateTime<Utc>),
}

/// Refuses lines that Google would not take: unknown properties, DTSTART, rules that do not parse.
pub(super) fn check(lines: &[String], start: &When) -> Result<(), ApiError> {
    let wrong = || error::invalid("Invalid recurrence rule.");
    let zone = start.zone().unwrap_or(Tz::UTC);
    let first = local(start, zone);
    for line in lines {
        let (name, parameters, value) = split(line).ok_or_else(wrong)?;
        match name.as_str() {
            "RRULE" | "EXRULE" => {
                let rule = Rule::read(value, start, zone, true).ok_or_else(wrong)?;
                rule.set(first).ok_or_else(wrong)?;
            }
            "RDATE" | "EXDATE" => {
                stamps(parameters, value).ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
    }
    Ok(())
}

/// `NAME`, its parameters, and the value of a content line.
fn split(line: &str) -> Option<(String, &str, &str)> {
    let (head, value) = line.split_once(':')?;
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.to_ascii_uppercase(), parameters, value))
}

/// What RFC 5545 leaves open, or Google does differently.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// A date-only UNTIL on a timed series includes that day.
    pub(super) until_includes_day: bool,
    /// The first start takes place, whatever the rule says.
    pub(super) shows_first: bool,
    /// A date excludes the occurrence of that day of a timed series.
    pub(super) date_excludes_time: bool,
    /// Occurrences that are ever computed.
    pub(super) most: usize,
}

/// The planned starts of a series up to `up_to`, in order, exceptions not considered.
pub(super) fn starts(
    event: &Event,
    calendar: Tz,
    up_to: DateTime<Utc>,
    reading: Reading,
) -> Vec<When> {
    let whole_day = reading.until_includes_day;
    let zone = event.zone(calendar);
    let first = local(&event.start, zone);
    let bound = up_to.with_timezone(&zone).naive_local();
    let mut found = BTreeSet::new();
    let mut removed = BTreeSet::new();
    let mut excluded = BTreeSet::new();
    let mut rules = 0;
    for (name, parameters, value) in event.recurrence.iter().filter_map(|line| split(line)) {
        match name.as_str() {
            "RRULE" | "EXRULE" => {
                let rule = Rule::read(value, &event.start, zone, whole_day);
                let dates = rule
                    .map(|rule| rule.expand(first, bound, reading.most))
                    .unwrap_or_default();
                if name == "RRULE" {
                    rules += 1;
                    found.extend(dates);
                } else {
                    removed.extend(dates);
                }
            }
            "RDATE" => {
                let added = stamps(parameters, value).unwrap_or_default().into_iter();
                found.extend(added.map(|stamp| stamp.local(zone, first.time())));
            }
            "EXDATE" => excluded.extend(stamps(parameters, value).unwrap_or_default()),
            _ => {}
        }
    }
    if rules == 0 || reading.shows_first {
        found.insert(first);
    }
    let is_dated = matches!(event.start, When::Day(_)) || reading.date_excludes_time;
    let out = |local: &NaiveDateTime| {
        excluded.iter().any(|stamp| match stamp {
            Stamp::Day(day) => is_dated && local.date() == *day,
            Stamp::Local(at) => local == at,
            Stamp::Instant(at) => local_to_utc(*local, zone) == *at,
        })
    };
    found
        .into_iter()
        .filter(|local| *local <= bound && !removed.contains(local) && !out(local))
        .take(reading.most)
        .map(|local| match &event.start {
            When::Day(_) => When::Day(local.date()),
            When::Time { zone: named, .. } => When::Time {
                at: local_to_utc(local, zone),
                zone: *named,
            },
        })
        .collect()
}

fn local(start: &When, zone: Tz) -> NaiveDateTime {
    match start {
        When::Day(day) => day.and_time(NaiveTime::MIN),
        When::Time { at, .. } => at.with_timezone(&zone).naive_local(),
    }
}

impl Stamp {
    fn local(self, zone: Tz, time: NaiveTime) -> NaiveDateTime {
        match self {
            Self::Day(day) => day.and_time(time),
            Self::Local(at) => at,
            Self::Instant(at) => at.with_timezone(&zone).naive_local(),
        }
    }
}

fn stamps(parameters: &str, value: &str) -> Option<Vec<Stamp>> {
    let zone = parameters
        .split(';')
        .find_map(|part| part.strip_prefix("TZID="));
    let zone: Option<Tz> = match zone {
        None => None,
        Some(name) => Some(name.parse().ok()?),
    };
    value
        .split(',')
        .map(|text| {
            let stamp = stamp(text)?;
            Some(match (stamp, zone) {
                (Stamp::Local(at), Some(zone)) => Stamp::Instant(local_to_utc(at, zone)),
                (other, _) => other,
            })
        })
        .collect()
}

/// A date, a floating time, or a time in UTC.
fn stamp(text: &str) -> Option<Stamp> {
    if text.len() == 8 {
        return NaiveDate::parse_from_str(text, "%Y%m%d")
            .ok()
            .map(Stamp::Day);
    }
    let (digits, utc) = match text.strip_suffix('Z') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let at = NaiveDateTime::parse_from_str(digits, "%Y%m%dT%H%M%S").ok()?;
    Some(if utc {
        Stamp::Instant(at.and_utc())
    } else {
        Stamp::Local(at)
    })
}

/// A rule with its UNTIL taken out, because the three forms of UNTIL mean different things.
struct Rule {
    rule: RRule<Unvalidated>,
    until: Option<NaiveDateTime>,
}

impl Rule {
    fn read(text: &str, start: &When, zone: Tz, whole_day: bool) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let (until, rest): (Vec<&str>, Vec<&str>) = upper
            .split(';')
            .filter(|part| !part.is_empty())
            .partition(|p| p.starts_with("UNTIL="));
        let until = match until.first() {
            None => None,
            Some(part) => Some(match stamp(&part["UNTIL=".len()..])? {
                Stamp::Day(day) if start.is_day() || !whole_day => day.and_time(NaiveTime::MIN),
                Stamp::Day(day) => day.and_hms_opt(23, 59, 59)?,
                Stamp::Local(at) => at,
                Stamp::Instant(at) if start.is_day() => at.naive_utc(),
                Stamp::Instant(at) => at.with_timezone(&zone).naive_local(),
            }),
        };
        let rule = rest.join(";").parse::<RRule<Unvalidated>>().ok()?;
        Some(Self { rule, until })
    }

    fn set(&self, first: NaiveDateTime) -> Option<RRuleSet> {
        let start = first.and_utc().with_timezone(&rrule::Tz::UTC);
        let rule = self.rule.clone().validate(start).ok()?;
        Some(RRuleSet::new(start).rrule(rule).limit())
    }

    fn expand(
        &self,
        first: NaiveDateTime,
        bound: NaiveDateTime,
        most: usize,
    ) -> Vec<NaiveDateTime> {
        let last = self.until.map_or(bound, |until| until.min(bound));
        let Some(set) = self.set(first) else {
            return Vec::new();
        };
        let dates = set.into_iter().map(|date| date.naive_utc());
        dates.take_while(|date| *date <= last).take(most).collect()
    }
}

/// Rewrites a rule to end before `at`, which is an occurrence of the series.
pub(crate) fn trimmed(lines: &[String], at: &When) -> Vec<String> {
    let until = match at {
        When::Day(day) => (*day - TimeDelta::days(1)).format("%Y%m%d").to_string(),
        When::Time { at, .. } => (*at - TimeDelta::seconds(1))
            .format("%Y%m%dT%H%M%SZ")
            .to_string(),
    };
    lines
        .iter()
        .map(|line| match line.split_once(':') {
            Some((name, rule)) if name.eq_ignore_ascii_case("RRULE") => {
                let kept = rule
                    .split(';')
                    .filter(|part| !part.starts_with("UNTIL=") && !part.starts_with("COUNT="));
                let parts: Vec<&str> = kept.collect();
                format!("{name}:{};UNTIL={until}", parts.join(";"))
            }
            _ => line.clone(),
        })
        .collect()
}

/// The rule for the tail of a split, with `before` occurrences taken off a COUNT.
pub(crate) fn tail(lines: &[String], before: usize) -> Vec<String> {
    let shorter = |part: &str| match part.strip_prefix("COUNT=").and_then(|n| n.parse().ok()) {
        Some(count) => format!(
            "COUNT={}",
            usize::max(1, usize::saturating_sub(count, before))
        ),
        None => part.to_owned(),
    };
    lines
        .iter()
        .map(|line| match line.split_once(':') {
            Some((name, rule)) if name.eq_ignore_ascii_case("RRULE") => {
                let parts: Vec<String> = rule.split(';').map(shorter).collect();
                format!("{name}:{}", parts.join(";"))
            }
            _ => line.clone(),
        })
        .collect()
}
