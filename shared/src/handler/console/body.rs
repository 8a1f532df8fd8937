//! What a body may hold: known fields, each checked by itself. How they fit together is for the series.

use super::answer::Problem;
use super::query;
use bytes::Bytes;
use chrono::{Datelike, NaiveDate, SecondsFormat};
use event::{Direction, FIELDS};
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Fields by name.
pub type Fields = Map<String, Value>;

/// The longest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// A body that is a JSON object.
///
/// # Errors
/// 413, 415 or 400.
pub fn object(request: &Request<Bytes>) -> Result<Fields, Problem> {
    if request.body().len() > MAX_BODY {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than 64 KiB",
        ));
    }
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send Content-Type: application/json",
        ));
    }
    let invalid = |reason: String| Problem::new(StatusCode::BAD_REQUEST, reason).coded("invalid");
    match serde_json::from_slice(request.body()) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(invalid("send a JSON object".to_owned())),
        Err(error) => Err(invalid(format!("the body is no JSON: {error}"))),
    }
}

/// Refuses fields that are not among these.
///
/// # Errors
/// Their first.
pub fn only(fields: &Fields, known: &[&str]) -> Result<(), Problem> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let reason = format!("there is no field {name:?}; there are {}", known.join(", "));
            Err(Problem::invalid(name.as_str(), reason))
        }
        None => Ok(()),
    }
}

/// One of these words.
///
/// # Errors
/// The field.
pub fn word(field: &str, value: &Value, words: &[&str]) -> Result<(), Problem> {
    if value.as_str().is_some_and(|text| words.contains(&text)) {
        return Ok(());
    }
    let reason = format!("{field} is one of {}", words.join(", "));
    Err(Problem::invalid(field, reason))
}

/// A UUID as it is usually written.
///
/// # Errors
/// The field.
pub fn uuid(fields: &Fields, field: &'static str) -> Result<Uuid, Problem> {
    let text = fields.get(field).and_then(Value::as_str);
    let id = text.filter(|text| text.len() == 36);
    id.and_then(|text| text.parse().ok())
        .ok_or_else(|| Problem::invalid(field, format!("{field} is a UUID")))
}

/// What of an event can be sent: what people write, but for a zone of its end, and whether it is synced.
fn event_fields() -> Vec<&'static str> {
    let fields = FIELDS
        .iter()
        .filter(|field| field.direction != Direction::FromRemote && field.name != "end_time_zone");
    fields
        .map(|field| field.name)
        .chain(["google_sync_enabled"])
        .collect()
}

/// The fields of a new event.
///
/// # Errors
/// The field, and what to do.
pub fn new_event(fields: Fields) -> Result<Fields, Problem> {
    only(&fields, &event_fields())?;
    if !fields.contains_key("all_day") {
        return Err(Problem::invalid("all_day", "say whether it is all day"));
    }
    event(fields)
}

/// The fields of an event, in the forms in which they are stored and compared.
///
/// # Errors
/// The field, and what to do.
pub fn event(fields: Fields) -> Result<Fields, Problem> {
    only(&fields, &event_fields())?;
    let mut checked = Fields::new();
    for (field, value) in fields {
        let value = one(&field, value)?;
        checked.insert(field, value);
    }
    Ok(checked)
}

fn one(field: &str, value: Value) -> Result<Value, Problem> {
    match field {
        "description" => text(field, value, 8192),
        "contact_id" | "company_id" | "deal_id" => text(field, value, 200),
        "all_day" | "google_sync_enabled" => flag(field, value),
        "starts_at" | "ends_at" => time(field, value),
        "starts_on" | "ends_on" => date(field, value),
        "time_zone" => zone(value),
        "recurrence" => recurrence(value),
        "status" => word(field, &value, &["confirmed", "tentative"]).map(|()| value),
        "visibility" => {
            let words = ["default", "public", "private", "confidential"];
            word(field, &value, &words).map(|()| value)
        }
        "transparency" => word(field, &value, &["opaque", "transparent"]).map(|()| value),
        "color" => color(value),
        "attendees" => guests(value),
        "reminders" => reminders(value),
        "conference" => conference(value),
        _ => text(field, value, 1024),
    }
}

fn text(field: &str, value: Value, most: usize) -> Result<Value, Problem> {
    let reason = match &value {
        Value::Null => return Ok(value),
        Value::String(text) if text.contains('\0') => "a NUL cannot be stored".to_owned(),
        Value::String(text) if text.chars().count() <= most => return Ok(value),
        Value::String(_) => format!("at most {most} characters"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            "a text, or null".to_owned()
        }
    };
    Err(Problem::invalid(field, reason))
}

fn flag(field: &str, value: Value) -> Result<Value, Problem> {
    if value.is_boolean() {
        return Ok(value);
    }
    Err(Problem::invalid(field, "true or false"))
}

fn time(field: &str, value: Value) -> Result<Value, Problem> {
    match &value {
        Value::Null => Ok(value),
        Value::String(text) if query::time(text).is_some() => {
            let at = query::time(text).unwrap_or_default();
            Ok(json!(at.to_rfc3339_opts(SecondsFormat::Micros, true)))
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Err(Problem::invalid(
            field,
            "write a time with its offset, such as 2031-03-03T09:00:00+01:00",
        )),
    }
}

fn date(field: &str, value: Value) -> Result<Value, Problem> {
    if value.is_null() {
        return Ok(value);
    }
    let text = value.as_str().filter(|text| text.len() == 10);
    let day = text.and_then(|text| text.parse::<NaiveDate>().ok());
    match day.filter(|day| (1..=9999).contains(&day.year())) {
        Some(day) => Ok(json!(day)),
        None => Err(Problem::invalid(field, "write a date, such as 2031-03-03")),
    }
}

fn zone(value: Value) -> Result<Value, Problem> {
    let known = |name: &str| name.parse::<chrono_tz::Tz>().is_ok();
    if value.is_null() || value.as_str().is_some_and(known) {
        return Ok(value);
    }
    let reason = "name a zone of the IANA database, such as Europe/Berlin";
    Err(Problem::invalid("time_zone", reason))
}

fn recurrence(value: Value) -> Result<Value, Problem> {
    let wrong = |reason: &str| Err(Problem::invalid("recurrence", reason));
    if value.is_null() {
        return Ok(value);
    }
    let Value::Array(lines) = &value else {
        return wrong("write lines such as RRULE:FREQ=WEEKLY, or null");
    };
    if lines.len() > 100 {
        return wrong("at most 100 lines");
    }
    let fits = |line: &Value| {
        let line = line.as_str();
        line.is_some_and(|line| line.len() <= 4096 && !line.chars().any(char::is_control))
    };
    if !lines.iter().all(fits) {
        return wrong("each line is a text of at most 4096 characters, without line breaks");
    }
    let starts = |line: &Value, name: &str| {
        let line = line.as_str().unwrap_or_default();
        line.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if lines.iter().any(|line| starts(line, "EXRULE")) {
        return wrong("EXRULE is not used any more (RFC 5545, A.1); write EXDATE lines");
    }
    // Each rule is expanded for each view.
    if lines.iter().filter(|line| starts(line, "RRULE")).count() > 1 {
        return wrong("at most one RRULE; a second series takes a second event");
    }
    // None repeat nothing.
    Ok(if lines.is_empty() { Value::Null } else { value })
}

fn color(value: Value) -> Result<Value, Problem> {
    let known = |text: &str| {
        let number = text.parse::<u8>().ok();
        number.is_some_and(|n| (1..=11).contains(&n) && n.to_string() == text)
    };
    if value.is_null() || value.as_str().is_some_and(known) {
        return Ok(value);
    }
    Err(Problem::invalid("color", "one of \"1\" to \"11\", or null"))
}

fn guests(value: Value) -> Result<Value, Problem> {
    let wrong = |reason: String| Err(Problem::invalid("attendees", reason));
    let Value::Array(guests) = &value else {
        return wrong("write a list of guests".to_owned());
    };
    if guests.len() > 200 {
        return wrong("at most 200 guests".to_owned());
    }
    let mut seen = BTreeSet::new();
    for guest in guests {
        let Value::Object(guest) = guest else {
            return wrong("each guest is an object with an email".to_owned());
        };
        let known = [
            "email",
            "display_name",
            "response_status",
            "optional",
            "comment",
        ];
        if let Some(odd) = guest.keys().find(|name| !known.contains(&name.as_str())) {
            return wrong(format!("a guest has no field {odd:?}"));
        }
        let email = guest
            .get("email")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !is_address(email) {
            return wrong(format!("{email:?} is no address"));
        }
        if !seen.insert(email.to_lowercase()) {
            return wrong(format!("{email} is there twice"));
        }
        guest_fields(guest)?;
    }
    Ok(value)
}

fn guest_fields(guest: &Fields) -> Result<(), Problem> {
    for (name, value) in guest {
        let fits = match name.as_str() {
            "display_name" => text(name, value.clone(), 200).is_ok(),
            "comment" => text(name, value.clone(), 1000).is_ok(),
            "optional" => value.is_boolean(),
            "response_status" => {
                let words = ["needsAction", "declined", "tentative", "accepted"];
                word(name, value, &words).is_ok()
            }
            _ => true,
        };
        if !fits {
            let reason = format!("a guest's {name} cannot be {value}");
            return Err(Problem::invalid("attendees", reason));
        }
    }
    Ok(())
}

/// Google has the last word; this is what it could never be.
fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let parts: Vec<&str> = text.split('@').collect();
    text.chars().count() <= 254
        && !text.chars().any(odd)
        && matches!(parts.as_slice(), [name, host] if !name.is_empty() && !host.is_empty())
}

fn reminders(value: Value) -> Result<Value, Problem> {
    let wrong = |reason: &str| Err(Problem::invalid("reminders", reason));
    if value.is_null() {
        return Ok(value);
    }
    let Value::Object(reminders) = &value else {
        return wrong("write {\"use_default\": true}, or overrides, or null");
    };
    let known = |name: &String| name == "use_default" || name == "overrides";
    if !reminders.keys().all(known) || !reminders.get("use_default").is_some_and(Value::is_boolean)
    {
        return wrong("write use_default, true or false, and perhaps overrides");
    }
    let overrides = match reminders.get("overrides") {
        None => return Ok(value),
        Some(Value::Array(overrides)) if overrides.len() <= 5 => overrides,
        Some(_) => return wrong("overrides is a list of at most 5"),
    };
    let fits = |one: &Value| {
        let method = one["method"].as_str();
        one.as_object().is_some_and(|one| one.len() == 2)
            && method.is_some_and(|method| ["popup", "email"].contains(&method))
            && one["minutes"].as_u64().is_some_and(|n| n <= 40320)
    };
    if overrides.iter().all(fits) {
        Ok(value)
    } else {
        wrong("each override is {\"method\": popup or email, \"minutes\": 0 to 40320}")
    }
}

fn conference(value: Value) -> Result<Value, Problem> {
    if value.is_null() || value == json!({"createRequest": {}}) {
        return Ok(value);
    }
    let reason = "write {\"createRequest\": {}} for a Meet link, or null for none";
    Err(Problem::invalid("conference", reason))
}
