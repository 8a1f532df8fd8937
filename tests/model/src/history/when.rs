//! When an event of a value takes place, its zones, and the lines of a series.

use super::form::{times, when_form};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

pub(crate) fn is_all_day(code: u32) -> bool {
    code % 4 == 3
}

/// Values of a time from here on have the zones of [`ZONES`], a thousand each.
pub(crate) const ZONED: u32 = 1_000;

/// As rows name them: a start's, and an end's where it differs. None takes the calendar's.
pub(crate) const ZONES: [(Option<&str>, Option<&str>); 5] = [
    (Some("Asia/Kolkata"), None),
    (Some("europe/berlin"), None),
    (Some("Etc/GMT-2"), None),
    (Some("Europe/Berlin"), Some("America/New_York")),
    (None, None),
];

/// Of every calendar here.
const CALENDARS: &str = "UTC";

/// As rows name them; an all-day event has none.
fn zones(code: u32) -> Option<(Option<&'static str>, Option<&'static str>)> {
    if is_all_day(code) {
        return None;
    }
    let further = (code / ZONED).checked_sub(1);
    let further = further.and_then(|at| ZONES.get(at as usize % ZONES.len()));
    let usual = ["UTC", "Europe/Berlin", "UTC"].get(code as usize % 4);
    further.copied().or(Some((usual.copied(), None)))
}

/// As Google spells them: those of the start and of the end.
fn shown_zones(code: u32) -> Option<(&'static str, &'static str)> {
    let (start, end) = zones(code)?;
    let start = spelled(start.unwrap_or(CALENDARS));
    Some((start, end.unwrap_or(start)))
}

/// The name of a zone as the IANA spells it.
pub(crate) fn spelled(zone: &str) -> &str {
    match zone {
        "europe/berlin" => "Europe/Berlin",
        "" => CALENDARS,
        _ => zone,
    }
}

/// What a row says of the time of a value.
pub(crate) fn of_row(code: u32) -> Map<String, Value> {
    let (start, end) = span(code);
    match zones(code) {
        None => times(start, end, None),
        Some((start_zone, end_zone)) => {
            let mut times = times(start, end, Some(CALENDARS));
            times.insert("time_zone".to_owned(), json!(start_zone));
            times.insert("end_time_zone".to_owned(), json!(end_zone));
            times
        }
    }
}

/// What a person in Google says of it.
pub(crate) fn of_google(code: u32) -> Map<String, Value> {
    let (start, end) = span(code);
    let zones = shown_zones(code).unzip();
    let time = |at: DateTime<Utc>, zone: Option<&str>| match zone {
        Some(zone) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            json!({"dateTime": at, "timeZone": zone, "date": null})
        }
        None => json!({"date": at.date_naive(), "dateTime": null, "timeZone": null}),
    };
    Map::from_iter([
        ("start".to_owned(), time(start, zones.0)),
        ("end".to_owned(), time(end, zones.1)),
    ])
}

/// The comparable form of it.
pub(crate) fn form(code: u32) -> String {
    let (start, end) = span(code);
    let (start_zone, end_zone) = shown_zones(code).unwrap_or_default();
    when_form(is_all_day(code), (start, start_zone), (end, end_zone))
}

/// Days of a spring, so that series see the clocks change.
pub(crate) fn span(code: u32) -> (DateTime<Utc>, DateTime<Utc>) {
    let first = DateTime::from_timestamp(1_930_176_000, 0).unwrap_or_default();
    let (days, hours) = (i64::from(code % 40), i64::from(code % 5));
    let start = first + TimeDelta::days(days);
    if is_all_day(code) {
        return (start, start + TimeDelta::days(1 + hours % 2));
    }
    let start = start + TimeDelta::hours(8 + hours);
    (start, start + TimeDelta::minutes(30 + 15 * hours))
}

/// The planned start of an occurrence of the series whose time and rule have these values, as rows
/// name it and as a moment.
pub fn occurrence(code: u32, rule: u32, number: u32) -> (String, DateTime<Utc>) {
    let days = if rule.is_multiple_of(2) { 1 } else { 7 } * number;
    let zone: Tz = shown_zones(code)
        .and_then(|(zone, _)| zone.parse().ok())
        .unwrap_or(Tz::UTC);
    let local = span(code).0.with_timezone(&zone).naive_local() + TimeDelta::days(i64::from(days));
    let start = local
        .and_local_timezone(zone)
        .earliest()
        .map(|start| start.to_utc())
        .unwrap_or_default();
    let name = match is_all_day(code) {
        true => start.date_naive().to_string(),
        false => start.to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    (name, start)
}

/// The lines of a series; 0 is none.
pub fn rule(code: u32) -> Vec<String> {
    if code == 0 {
        return Vec::new();
    }
    let period = if code.is_multiple_of(2) {
        "DAILY"
    } else {
        "WEEKLY"
    };
    vec![format!("RRULE:FREQ={period};COUNT={}", 4 + code % 5)]
}

/// The lines of the two parts of a series that is split before its `number`-th occurrence, counted
/// from the `first` of the rule; none where a part would be empty.
pub fn rule_lines(when: u32, code: u32, first: u32, number: u32) -> Option<(String, String)> {
    let count = (4 + code % 5).checked_sub(first + number)?;
    if code == 0 || number == 0 || count == 0 {
        return None;
    }
    let (_, start) = occurrence(when, code, first + number);
    let until = match is_all_day(when) {
        true => start.date_naive().pred_opt()?.format("%Y%m%d").to_string(),
        false => (start - TimeDelta::seconds(1))
            .format("%Y%m%dT%H%M%SZ")
            .to_string(),
    };
    let period = if code.is_multiple_of(2) {
        "DAILY"
    } else {
        "WEEKLY"
    };
    Some((
        format!("RRULE:FREQ={period};UNTIL={until}"),
        format!("RRULE:FREQ={period};COUNT={count}"),
    ))
}
