//! Comparable forms of guests, times and lines.

use super::field::GUESTS;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

pub(crate) fn guests(code: u32) -> Vec<&'static str> {
    let bits = GUESTS
        .iter()
        .enumerate()
        .filter(|(bit, _)| code & (1 << bit) != 0);
    bits.map(|(_, email)| *email).collect()
}

/// A CRM keeps what it knows of a guest who stays, and the organizer's own entry.
pub(crate) fn invited(code: u32, known: Option<&Value>) -> Value {
    let wanted = guests(code);
    let known = known.and_then(Value::as_array).cloned().unwrap_or_default();
    let is = |guest: &Value, email: &str| guest["email"] == email;
    let is_guest = |guest: &Value| GUESTS.iter().any(|email| is(guest, email));
    let is_organizer = |guest: &Value| guest["organizer"] == true || guest["self"] == true;
    let stay = known.iter().filter(|guest| {
        !is_guest(guest) || is_organizer(guest) || wanted.iter().any(|email| is(guest, email))
    });
    let new = wanted
        .iter()
        .filter(|email| !known.iter().any(|guest| is(guest, email)));
    stay.cloned()
        .chain(new.map(|email| json!({"email": email})))
        .collect()
}

/// The fields of a row's time.
pub fn times(start: DateTime<Utc>, end: DateTime<Utc>, zone: Option<&str>) -> Map<String, Value> {
    let at = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let times = match zone {
        Some(zone) => {
            json!({"all_day": false, "starts_at": at(start), "ends_at": at(end), "starts_on": null,
            "ends_on": null, "time_zone": zone, "end_time_zone": null})
        }
        None => {
            json!({"all_day": true, "starts_at": null, "ends_at": null, "starts_on": start.date_naive(),
            "ends_on": end.date_naive(), "time_zone": null, "end_time_zone": null})
        }
    };
    times.as_object().cloned().unwrap_or_default()
}

pub(crate) fn others(guests: &Value, own: &str) -> String {
    let all = guests.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut emails: Vec<&str> = all
        .iter()
        .filter_map(|guest| guest["email"].as_str())
        .collect();
    // Where a calendar of its own organizes, that calendar is on the list.
    emails.retain(|email| *email != own && !email.ends_with("@group.calendar.google.com"));
    emails.sort_unstable();
    emails.join(" ")
}

pub(crate) fn answer(guests: &Value, own: &str, name: &str) -> String {
    let all = guests.as_array().map(Vec::as_slice).unwrap_or_default();
    let mine = all.iter().find(|guest| guest["email"] == own);
    mine.map_or_else(String::new, |guest| {
        guest[name].as_str().unwrap_or("needsAction").to_owned()
    })
}

pub(crate) fn lines(lines: &Value) -> String {
    let all = lines.as_array().map(Vec::as_slice).unwrap_or_default();
    let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
    all.join(" ")
}

/// Each moment with its zone.
pub(crate) fn when_form(
    all_day: bool,
    (start, start_zone): (DateTime<Utc>, &str),
    (end, end_zone): (DateTime<Utc>, &str),
) -> String {
    if all_day {
        return format!("{}/{}", start.date_naive(), end.date_naive());
    }
    let at = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{}/{} {start_zone} {end_zone}", at(start), at(end))
}

/// Of a row's reminders or of Google's, where the name of the default differs.
pub(crate) fn reminders(reminders: &Value, default: &str) -> String {
    if reminders.is_null() || reminders[default] == true {
        return "default".to_owned();
    }
    let all = reminders["overrides"].as_array().cloned();
    let all = all.unwrap_or_default().into_iter();
    let mut all: Vec<String> = all
        .map(|one| {
            format!(
                "{} {}",
                one["method"].as_str().unwrap_or_default(),
                one["minutes"]
            )
        })
        .collect();
    all.sort();
    all.join(", ")
}

/// The overrides of a value, in no order; none is the default.
pub(crate) fn overrides(code: u32) -> Option<Value> {
    let one = |method: &str, minutes: u32| json!({"method": method, "minutes": minutes});
    Some(match code % 5 {
        0 => return None,
        1 => json!([]),
        2 => json!([one("popup", code)]),
        3 => json!([one("popup", 5 + code), one("email", 1_440), one("popup", 0)]),
        _ => json!([one("email", 60 + code)]),
    })
}

/// Whether there is one, or is to be.
pub(crate) fn conference(conference: &Value) -> String {
    if conference.is_null() { "" } else { "made" }.to_owned()
}

/// Whether a value asks for a conference; otherwise for none.
pub(crate) fn wants_conference(code: u32) -> bool {
    !code.is_multiple_of(3)
}

/// From when to when a row's event is.
pub fn span_of(row: &Map<String, Value>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (from, to) = if row.get("all_day")? == true {
        ("starts_on", "ends_on")
    } else {
        ("starts_at", "ends_at")
    };
    Some((instant(row.get(from)?), instant(row.get(to)?)))
}

pub(crate) fn instant(text: &Value) -> DateTime<Utc> {
    let text = text.as_str().unwrap_or_default();
    let midnight = format!("{text}T00:00:00Z");
    let time =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc3339(&midnight));
    time.unwrap_or_default().to_utc()
}
