//! A client's body turned into an event's writable part, with Google's field rules.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::event::{Guest, Status};
use super::{When, occurrences, properties};
use crate::error::{self, ApiError};
use crate::switches::Dial;
use crate::world::World;

/// The writable part of an event.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) status: Status,
    pub(super) start: When,
    pub(super) end: When,
    pub(super) recurrence: Vec<String>,
    pub(super) guests: Vec<Guest>,
    pub(super) reminders: Option<Value>,
    pub(super) sequence: Option<i64>,
    pub(super) fields: Map<String, Value>,
}

const TEXTS: [&str; 5] = ["summary", "description", "location", "colorId", "eventType"];
const OBJECTS: [&str; 5] = [
    "source",
    "workingLocationProperties",
    "outOfOfficeProperties",
    "focusTimeProperties",
    "birthdayProperties",
];
/// Flags and the default that is not echoed.
const FLAGS: [(&str, bool); 4] = [
    ("guestsCanInviteOthers", true),
    ("guestsCanModify", false),
    ("guestsCanSeeOtherGuests", true),
    ("anyoneCanAddSelf", false),
];
/// Choices, the first is the default and not echoed.
const CHOICES: [(&str, &[&str]); 2] = [
    ("transparency", &["opaque", "transparent"]),
    (
        "visibility",
        &["default", "public", "private", "confidential"],
    ),
];
const EVENT_TYPES: [&str; 5] = [
    "default",
    "birthday",
    "focusTime",
    "outOfOffice",
    "workingLocation",
];
/// Bytes of all rules; long lists of EXDATEs are refused, the real limit is not published.
const RULE_LIMIT: usize = 32 * 1024;

impl World {
    /// Whether a written body holds no more text than the dial allows.
    pub(super) fn check_body(&self, body: &Map<String, Value>) -> Result<(), ApiError> {
        let texts = TEXTS.iter().filter_map(|name| body.get(*name)?.as_str());
        let size: usize = texts.map(str::len).sum();
        if i64::try_from(size).is_ok_and(|size| size > self.switches.number(Dial::TextLimit)) {
            return Err(error::invalid(
                "A provided value exceeds the allowed size limit.",
            ));
        }
        Ok(())
    }
}

impl Draft {
    /// Reads a whole body; `conferenceData` is the caller's business.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, ApiError> {
        let filled = |name: &str| body.get(name).filter(|value| !value.is_null());
        let start = filled("start").ok_or_else(|| error::required("Missing start time."))?;
        let start = When::parse(start, "start")?;
        let end = filled("end").ok_or_else(|| error::required("Missing end time."))?;
        let end = When::parse(end, "end")?;
        let recurrence = read_recurrence(filled("recurrence"))?;
        check_times(&start, &end, !recurrence.is_empty())?;
        if !recurrence.is_empty() {
            occurrences::check(&recurrence, &start)?;
        }
        let status = match filled("status") {
            None => Status::Confirmed,
            Some(value) => value
                .as_str()
                .and_then(Status::parse)
                .ok_or_else(|| error::invalid("Invalid value for: status"))?,
        };
        let sequence = match filled("sequence") {
            None => None,
            Some(value) => {
                let number = value
                    .as_i64()
                    .filter(|n| (0..=i64::from(i32::MAX)).contains(n));
                Some(number.ok_or_else(|| error::invalid("Invalid sequence value."))?)
            }
        };
        Ok(Self {
            status,
            start,
            end,
            recurrence,
            guests: read_guests(filled("attendees"))?,
            reminders: filled("reminders").map(read_reminders).transpose()?,
            sequence,
            fields: read_fields(body)?,
        })
    }
}

fn check_times(start: &When, end: &When, series: bool) -> Result<(), ApiError> {
    match (start, end) {
        (When::Day(start), When::Day(end)) if end < start => Err(error::time_range_empty("end")),
        (When::Time { at: start, .. }, When::Time { at: end, .. }) if end < start => {
            Err(error::time_range_empty("end"))
        }
        (When::Day(_), When::Time { .. }) | (When::Time { .. }, When::Day(_)) => Err(
            error::invalid("Start and end times must either both be date or both be dateTime."),
        ),
        (When::Time { zone: from, .. }, When::Time { zone: to, .. }) if series => {
            match (from, to) {
                (None, _) => Err(error::invalid(
                    "Missing time zone definition for start time.",
                )),
                (_, None) => Err(error::invalid("Missing time zone definition for end time.")),
                (Some(_), Some(_)) => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn read_recurrence(value: Option<&Value>) -> Result<Vec<String>, ApiError> {
    let lines = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(lines)) => lines,
        Some(_) => return Err(error::invalid("Invalid recurrence rule.")),
    };
    let lines: Option<Vec<String>> = lines
        .iter()
        .map(|line| line.as_str().map(str::to_owned))
        .collect();
    let lines = lines.ok_or_else(|| error::invalid("Invalid recurrence rule."))?;
    if lines.iter().map(String::len).sum::<usize>() > RULE_LIMIT {
        return Err(error::invalid(
            "A provided value exceeds the allowed size limit.",
        ));
    }
    Ok(lines)
}

/// Lower-cases addresses, drops a display name that only repeats the address (libkalburator's notes of live
/// runs), and lets the last entry of a repeated address win (assumed).
fn read_guests(value: Option<&Value>) -> Result<Vec<Guest>, ApiError> {
    let entries = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(error::invalid("Invalid attendees.")),
    };
    let mut guests: Vec<Guest> = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in entries {
        let email = entry["email"].as_str().unwrap_or_default().trim();
        if email.is_empty() {
            return Err(error::required("Missing attendee email."));
        }
        if email.split('@').filter(|part| !part.is_empty()).count() != 2 || email.contains(' ') {
            return Err(error::invalid("Invalid attendee email."));
        }
        let guest = read_guest(entry, email)?;
        let email = email.to_lowercase();
        if !seen.insert(email.clone()) {
            guests.retain(|other| super::event::guest_email(other) != email);
        }
        guests.push(guest);
    }
    Ok(guests)
}

fn read_guest(entry: &Value, email: &str) -> Result<Guest, ApiError> {
    let mut guest = Guest::new();
    guest.insert("email".into(), email.to_lowercase().into());
    let response = match entry.get("responseStatus").filter(|value| !value.is_null()) {
        None => "needsAction",
        Some(value) => ["needsAction", "declined", "tentative", "accepted"]
            .into_iter()
            .find(|known| value == *known)
            .ok_or_else(|| error::invalid("Invalid attendee response status."))?,
    };
    guest.insert("responseStatus".into(), response.into());
    for name in ["displayName", "comment"] {
        let text = entry[name].as_str().unwrap_or_default();
        let repeats = name == "displayName" && text.eq_ignore_ascii_case(email);
        if !text.is_empty() && !repeats {
            guest.insert(name.into(), text.into());
        }
    }
    for name in ["optional", "resource"] {
        if entry[name] == true {
            guest.insert(name.into(), true.into());
        }
    }
    if let Some(more) = entry["additionalGuests"].as_u64().filter(|more| *more > 0) {
        guest.insert("additionalGuests".into(), more.into());
    }
    Ok(guest)
}

/// At most five overrides of at most four weeks (discovery document, `Event.reminders`), and none beside
/// the default: a patch merges into the block that is stored (openclaw/gogcli#1016).
pub(super) fn read_reminders(value: &Value) -> Result<Value, ApiError> {
    let none = Vec::new();
    let overrides = value["overrides"].as_array().unwrap_or(&none);
    let default = value["useDefault"] == true;
    if default && !overrides.is_empty() {
        return Err(ApiError::new(
            400,
            "calendar",
            "cannotUseDefaultRemindersAndSpecifyOverride",
            "Cannot specify both default reminders and overrides at the same time.",
        ));
    }
    if overrides.len() > 5 {
        return Err(error::invalid("Too many override reminders."));
    }
    let mut kept = Vec::new();
    for entry in overrides {
        let method = entry["method"].as_str().unwrap_or_default();
        let minutes = entry["minutes"]
            .as_u64()
            .filter(|minutes| *minutes <= 40_320);
        match (["email", "popup"].contains(&method), minutes) {
            (true, Some(minutes)) => {
                kept.push(serde_json::json!({"method": method, "minutes": minutes}));
            }
            _ => return Err(error::invalid("Invalid reminder override.")),
        }
    }
    let mut reminders = serde_json::json!({ "useDefault": default });
    if !kept.is_empty() {
        reminders["overrides"] = kept.into();
    }
    Ok(reminders)
}

pub(super) fn read_fields(body: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    let mut fields = Map::new();
    let wrong = |name: &str| error::invalid(format!("Invalid value for: {name}"));
    let filled = |name: &str| body.get(name).filter(|value| !value.is_null());
    for name in TEXTS {
        let Some(value) = filled(name) else { continue };
        let text = value.as_str().ok_or_else(|| wrong(name))?;
        if !text.is_empty() {
            fields.insert(name.into(), text.into());
        }
    }
    for (name, default) in FLAGS {
        let Some(value) = filled(name) else { continue };
        let flag = value.as_bool().ok_or_else(|| wrong(name))?;
        if flag != default {
            fields.insert(name.into(), flag.into());
        }
    }
    for (name, allowed) in CHOICES {
        let Some(value) = filled(name) else { continue };
        let choice = allowed.iter().position(|allowed| value == allowed);
        if choice.ok_or_else(|| wrong(name))? > 0 {
            fields.insert(name.into(), value.clone());
        }
    }
    for name in OBJECTS {
        let Some(value) = filled(name) else { continue };
        if !value.is_object() {
            return Err(wrong(name));
        }
        fields.insert(name.into(), value.clone());
    }
    if let Some(value) = filled("extendedProperties") {
        fields
            .extend(properties::normalise(value)?.map(|kept| ("extendedProperties".into(), kept)));
    }
    check_type(&mut fields)?;
    Ok(fields)
}

fn check_type(fields: &mut Map<String, Value>) -> Result<(), ApiError> {
    let kind = fields
        .get("eventType")
        .and_then(Value::as_str)
        .unwrap_or("default");
    if !EVENT_TYPES.contains(&kind) {
        return Err(error::invalid("Invalid value for: eventType"));
    }
    if kind == "default" {
        fields.remove("eventType");
    } else if kind == "workingLocation" && !fields.contains_key("workingLocationProperties") {
        return Err(ApiError::new(
            400,
            "calendar",
            "malformedWorkingLocationEvent",
            "A working location event must have working location properties.",
        ));
    }
    Ok(())
}

/// Merges a patch: objects field by field, `null` removes, arrays are replaced (Calendar API
/// guide, performance, patch).
pub(super) fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.remove(name);
            }
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, Value::Object(new)) => {
                let mut fresh = Map::new();
                merge(&mut fresh, new);
                into.insert(name.clone(), Value::Object(fresh));
            }
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}
