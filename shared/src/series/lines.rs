//! The lines of a series that is cut in two, or moved.

use super::rule::{Plan, Stamp, split, stamp, stamps};
use super::when::to_utc;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};
use chrono_tz::Tz;

/// What remains before an occurrence: COUNT where the rule counts, else UNTIL.
pub fn before(plan: &Plan, at: NaiveDateTime) -> Vec<String> {
    cut(
        plan,
        at,
        |value| value < at,
        |rule| {
            let n = plan.count_before(rule, at);
            let ended = |end: String| Some(with_end(rule, &end));
            match count(rule) {
                _ if n == 0 => None,
                Some(_) => ended(format!("COUNT={n}")),
                None if plan.all_day => ended(format!(
                    "UNTIL={}",
                    (at - TimeDelta::days(1)).format("%Y%m%d")
                )),
                None => {
                    let until = to_utc(at, plan.zone) - TimeDelta::seconds(1);
                    ended(format!("UNTIL={}", until.format("%Y%m%dT%H%M%SZ")))
                }
            }
        },
    )
}

/// What is planned from an occurrence on.
pub fn rest(plan: &Plan, at: NaiveDateTime) -> Vec<String> {
    cut(
        plan,
        at,
        |value| value >= at,
        |rule| match count(rule) {
            Some(all) => {
                let left = all.saturating_sub(plan.count_before(rule, at));
                (left > 0).then(|| with_end(rule, &format!("COUNT={left}")))
            }
            None => Some(rule.to_owned()),
        },
    )
}

fn cut(
    plan: &Plan,
    at: NaiveDateTime,
    keeps: impl Fn(NaiveDateTime) -> bool,
    rule: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let line = |line: &String| {
        let (name, parameters, value) = split(line)?;
        if name == "RRULE" {
            return Some(format!("RRULE:{}", rule(value)?));
        }
        let kept: Vec<&str> = value
            .split(',')
            .filter(|one| {
                let values = stamps(parameters, one).unwrap_or_default();
                values
                    .iter()
                    .all(|value| keeps(value.local(plan.zone, at.time())))
            })
            .collect();
        let head = line.split_once(':').map_or("", |(head, _)| head);
        (!kept.is_empty()).then(|| format!("{head}:{}", kept.join(",")))
    };
    plan.lines.iter().filter_map(line).collect()
}

fn count(rule: &str) -> Option<usize> {
    let mut parts = rule.split(';');
    parts.find_map(|part| {
        part.to_ascii_uppercase()
            .strip_prefix("COUNT=")?
            .parse()
            .ok()
    })
}

fn with_end(rule: &str, end: &str) -> String {
    let is_end = |part: &&str| {
        let part = part.to_ascii_uppercase();
        !part.is_empty() && !part.starts_with("UNTIL=") && !part.starts_with("COUNT=")
    };
    let mut parts: Vec<&str> = rule.split(';').filter(is_end).collect();
    parts.push(end);
    parts.join(";")
}

/// The lines of a plan after its starts moved to `to`, which has the first start, the zone and the kind.
pub fn moved(from: &Plan, to: &Plan) -> Vec<String> {
    let by = to.first - from.first;
    if by.is_zero() && from.zone == to.zone && from.all_day == to.all_day {
        return from.lines.clone();
    }
    // As Google writes them itself: on the wall clock of the series.
    let value = |value: Stamp| {
        let local = value.local(from.zone, from.first.time()) + by;
        if to.all_day || to.zone == Tz::UTC {
            written(local, to)
        } else {
            local.format("%Y%m%dT%H%M%S").to_string()
        }
    };
    let line = |line: &String| {
        let Some((name, parameters, text)) = split(line) else {
            return line.clone();
        };
        if name == "RRULE" {
            let parts = text.split(';').filter(|part| !part.is_empty());
            let parts: Vec<String> = parts.map(|part| moved_part(part, text, from, to)).collect();
            return format!("RRULE:{}", parts.join(";"));
        }
        // What cannot be read stays: the caller has refused such lines.
        let Some(values) = stamps(parameters, text) else {
            return line.clone();
        };
        let values: Vec<String> = values.into_iter().map(value).collect();
        let kind = match (to.all_day, to.zone) {
            (true, _) => ";VALUE=DATE".to_owned(),
            (false, Tz::UTC) => String::new(),
            (false, zone) => format!(";TZID={}", zone.name()),
        };
        format!("{name}{kind}:{}", values.join(","))
    };
    from.lines.iter().map(line).collect()
}

fn written(local: NaiveDateTime, plan: &Plan) -> String {
    if plan.all_day {
        local.format("%Y%m%d").to_string()
    } else {
        to_utc(local, plan.zone)
            .format("%Y%m%dT%H%M%SZ")
            .to_string()
    }
}

/// A part of a rule that names the day of the first start names that of the new one.
fn moved_part(part: &str, rule: &str, from: &Plan, to: &Plan) -> String {
    let upper = part.to_ascii_uppercase();
    let Some((name, value)) = upper.split_once('=') else {
        return upper;
    };
    let (old, new) = (from.first.date(), to.first.date());
    let value = match name {
        "UNTIL" => match stamp(value) {
            Some(Stamp::Day(day)) if !to.all_day => {
                let end = day.and_time(NaiveTime::MIN) + (to.first - from.first);
                written(end + TimeDelta::days(1) - TimeDelta::seconds(1), to)
            }
            Some(Stamp::Day(day)) => (day + (new - old)).format("%Y%m%d").to_string(),
            Some(until) => written(
                until.local(from.zone, from.first.time()) + (to.first - from.first),
                to,
            ),
            None => value.to_owned(),
        },
        "BYDAY" => days(value, rule, old, new),
        "BYMONTHDAY" if value == old.day().to_string() => new.day().to_string(),
        "BYMONTH" if value == old.month().to_string() => new.month().to_string(),
        _ => value.to_owned(),
    };
    format!("{name}={value}")
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// `MO,WE` of a weekly rule move by as many days; `2TU` is the same place of the new day in its month.
fn days(value: &str, rule: &str, old: NaiveDate, new: NaiveDate) -> String {
    let by = (new - old).num_days().rem_euclid(7);
    let rotated = |day: &str| {
        let at = DAYS.iter().position(|known| *known == day)?;
        let by = usize::try_from(by).ok()?;
        DAYS.get((at + by) % 7).map(|day| (*day).to_owned())
    };
    if rule.to_ascii_uppercase().contains("FREQ=WEEKLY") {
        let all: Option<Vec<String>> = value.split(',').map(rotated).collect();
        return all.map_or_else(|| value.to_owned(), |all| all.join(","));
    }
    if by == 0 && old.month() == new.month() {
        return value.to_owned();
    }
    let name = |day: Weekday| DAYS[day.num_days_from_monday() as usize];
    let nth = |date: NaiveDate| date.day().div_ceil(7);
    if value == format!("{}{}", nth(old), name(old.weekday())) {
        format!("{}{}", nth(new), name(new.weekday()))
    } else if value == format!("-1{}", name(old.weekday())) {
        format!("-1{}", name(new.weekday()))
    } else {
        value.to_owned()
    }
}
