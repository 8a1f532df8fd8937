//! The occurrences that a series' lines plan, by the rrule crate. Rules are expanded on the wall clock of
//! the series' zone and only then turned into instants, so that a meeting keeps its local time over a
//! change of the clocks.

use super::when::{Start, to_utc};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Unvalidated};
use std::collections::BTreeSet;

/// Occurrences of one series that are ever computed.
const MAX_OCCURRENCES: usize = 20_000;

/// A series: its first start on the wall clock, and its lines.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The start of the master.
    pub first: NaiveDateTime,
    /// Dates, not times.
    pub all_day: bool,
    /// Where the wall clock is.
    pub zone: Tz,
    /// RRULE, RDATE, EXDATE.
    pub lines: Vec<String>,
}

/// A content line: its name in capitals, its parameters and its value.
pub fn split(line: &str) -> Option<(String, &str, &str)> {
    let (head, value) = line.split_once(':')?;
    let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
    Some((name.to_ascii_uppercase(), parameters, value))
}

/// One value of UNTIL, RDATE or EXDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    Day(NaiveDate),
    Local(NaiveDateTime),
    Instant(DateTime<Utc>),
}

impl Stamp {
    /// On the wall clock; a date takes the time of day given.
    pub fn local(self, zone: Tz, time: NaiveTime) -> NaiveDateTime {
        match self {
            Self::Day(day) => day.and_time(time),
            Self::Local(at) => at,
            Self::Instant(at) => at.with_timezone(&zone).naive_local(),
        }
    }
}

/// A date, a floating time, or a time in UTC.
pub fn stamp(text: &str) -> Option<Stamp> {
    if text.len() == 8 {
        let day = NaiveDate::parse_from_str(text, "%Y%m%d").ok()?;
        return Some(Stamp::Day(day));
    }
    let digits = text.strip_suffix('Z');
    let at = NaiveDateTime::parse_from_str(digits.unwrap_or(text), "%Y%m%dT%H%M%S").ok()?;
    Some(match digits {
        Some(_) => Stamp::Instant(at.and_utc()),
        None => Stamp::Local(at),
    })
}

/// The values of an RDATE or EXDATE line; of a period, its start.
pub fn stamps(parameters: &str, value: &str) -> Option<Vec<Stamp>> {
    let zone = match parameter(parameters, "TZID") {
        Some(name) => Some(zone_named(name)?),
        None => None,
    };
    let one = |text: &str| {
        let start = text.split_once('/').map_or(text, |(start, _)| start);
        match (stamp(start)?, zone) {
            (Stamp::Local(at), Some(zone)) => Some(Stamp::Instant(to_utc(at, zone))),
            (other, _) => Some(other),
        }
    };
    value.split(',').map(one).collect()
}

/// The value of a parameter of a content line, without its quotes.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = parameters.split(';');
    let value = parts.find_map(|part| {
        let (found, value) = part.split_once('=')?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })?;
    Some(value.trim_matches('"'))
}

/// A zone by a name in any case, or by an offset of whole hours.
pub fn zone_named(name: &str) -> Option<Tz> {
    event::iana_name(name)?.parse().ok()
}

impl Plan {
    /// What is wrong with the lines, for people.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        let mut adds = false;
        for line in &self.lines {
            let (name, parameters, value) =
                split(line).ok_or_else(|| format!("{line:?} has no colon; write RRULE:FREQ=…"))?;
            match name.as_str() {
                "RRULE" => {
                    let rule = Rule::read(value, self);
                    rule.and_then(|rule| rule.set(self.first))
                        .ok_or_else(|| format!("{line:?} is no rule of RFC 5545"))?;
                    adds = true;
                }
                "RDATE" | "EXDATE" => {
                    stamps(parameters, value)
                        .ok_or_else(|| format!("{line:?} has a value that is no date or time"))?;
                    adds |= name == "RDATE";
                }
                _ => return Err(format!("{name} is not one of RRULE, RDATE and EXDATE")),
            }
        }
        if !adds {
            return Err(
                "write an RRULE or an RDATE; null for an event that does not repeat".into(),
            );
        }
        if self
            .starts(self.first + chrono::TimeDelta::days(366 * 20))
            .is_empty()
        {
            return Err("these lines leave no occurrence".into());
        }
        Ok(())
    }

    /// Whether all lines can be read, and so be cut and moved.
    ///
    /// # Errors
    /// The line that cannot.
    pub fn is_understood(&self) -> Result<(), &str> {
        for line in &self.lines {
            let is_understood = match split(line) {
                Some((name, _, value)) if name == "RRULE" => {
                    Rule::read(value, self).is_some_and(|rule| rule.set(self.first).is_some())
                }
                Some((name, parameters, value)) if name == "RDATE" || name == "EXDATE" => {
                    let kind = parameter(parameters, "VALUE").unwrap_or_default();
                    !kind.eq_ignore_ascii_case("PERIOD") && stamps(parameters, value).is_some()
                }
                Some(_) | None => false,
            };
            if !is_understood {
                return Err(line);
            }
        }
        Ok(())
    }

    /// Planned starts up to `bound`, in order. The first start is one whatever the rule says (Google shows
    /// it; RFC 5545 3.8.5.3 leaves it open), and a date excludes no time (RFC 5545 3.8.5.1: the value types match).
    pub fn starts(&self, bound: NaiveDateTime) -> Vec<NaiveDateTime> {
        let mut found: BTreeSet<NaiveDateTime> = self
            .rules()
            .flat_map(|rule| rule.expand(self.first, bound))
            .collect();
        found.insert(self.first);
        let mut out = BTreeSet::new();
        for (name, parameters, value) in self.lines.iter().filter_map(|line| split(line)) {
            let values = stamps(parameters, value).unwrap_or_default().into_iter();
            let local = |value: Stamp| value.local(self.zone, self.first.time());
            match name.as_str() {
                "RDATE" => found.extend(values.map(local)),
                "EXDATE" => out.extend(values.filter(|value| self.excludes(*value)).map(local)),
                _ => {}
            }
        }
        let planned = found.into_iter();
        planned
            .filter(|at| *at <= bound && !out.contains(at))
            .take(MAX_OCCURRENCES)
            .collect()
    }

    fn excludes(&self, value: Stamp) -> bool {
        self.all_day == matches!(value, Stamp::Day(_))
    }

    /// Whether an occurrence is planned for a start.
    pub fn has(&self, start: Start) -> bool {
        self.local(start)
            .is_some_and(|at| self.starts(at).contains(&at))
    }

    /// The first occurrence, of those within twenty years.
    pub fn earliest(&self) -> Option<NaiveDateTime> {
        let bound = self.first + chrono::TimeDelta::days(366 * 20);
        self.starts(bound).into_iter().next()
    }

    /// Whether a rule, and not only an extra date, plans a start.
    pub fn rules_plan(&self, at: NaiveDateTime) -> bool {
        let mut rules = self.rules().peekable();
        rules.peek().is_none() || rules.any(|rule| rule.expand(self.first, at).contains(&at))
    }

    /// How often a rule plans something before a start, excluded or not, as COUNT counts.
    pub fn count_before(&self, rule: &str, at: NaiveDateTime) -> usize {
        let rule = Rule::read(rule, self);
        let dates = rule.map(|rule| rule.expand(self.first, at));
        let dates = dates.unwrap_or_default();
        dates.into_iter().filter(|date| *date < at).count()
    }

    /// A start on the wall clock; `None` for a date where there are times, and the reverse.
    pub fn local(&self, start: Start) -> Option<NaiveDateTime> {
        match (start, self.all_day) {
            (Start::Day(day), true) => Some(day.and_time(NaiveTime::MIN)),
            (Start::At(at), false) => Some(at.with_timezone(&self.zone).naive_local()),
            (Start::Day(_), false) | (Start::At(_), true) => None,
        }
    }

    /// A start as it is written and compared.
    pub fn start(&self, local: NaiveDateTime) -> Start {
        if self.all_day {
            Start::Day(local.date())
        } else {
            Start::At(to_utc(local, self.zone))
        }
    }

    fn rules(&self) -> impl Iterator<Item = Rule> {
        let lines = self.lines.iter().filter_map(|line| split(line));
        lines
            .filter(|(name, _, _)| name == "RRULE")
            .filter_map(|(_, _, value)| Rule::read(value, self))
    }
}

/// A rule with its UNTIL taken out, because the three forms of UNTIL mean different things.
struct Rule {
    rule: RRule<Unvalidated>,
    until: Option<NaiveDateTime>,
}

impl Rule {
    fn read(text: &str, plan: &Plan) -> Option<Self> {
        let upper = text.to_ascii_uppercase();
        let parts = upper.split(';').filter(|part| !part.is_empty());
        let (until, rest): (Vec<&str>, Vec<&str>) =
            parts.partition(|part| part.starts_with("UNTIL="));
        let until = match until.first() {
            None => None,
            Some(part) => Some(match stamp(&part["UNTIL=".len()..])? {
                Stamp::Day(day) if plan.all_day => day.and_time(NaiveTime::MIN),
                Stamp::Day(day) => day.and_hms_opt(23, 59, 59)?,
                Stamp::Instant(at) if plan.all_day => at.naive_utc(),
                other @ (Stamp::Local(_) | Stamp::Instant(_)) => {
                    other.local(plan.zone, NaiveTime::MIN)
                }
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

    fn expand(&self, first: NaiveDateTime, bound: NaiveDateTime) -> Vec<NaiveDateTime> {
        let last = self.until.map_or(bound, |until| until.min(bound));
        let Some(set) = self.set(first) else {
            return Vec::new();
        };
        let dates = set.into_iter().map(|date| date.naive_utc());
        dates
            .take_while(|date| *date <= last)
            .take(MAX_OCCURRENCES)
            .collect()
    }
}
