//! Reminders: the calendar's default, or the event's own.

use crate::google::event::{Reminder, Reminders};
use serde_json::{Value, json};

pub fn shown(reminders: Option<&Reminders>) -> Value {
    let use_default = reminders
        .and_then(|r| r.use_default)
        .unwrap_or(reminders.is_none());
    let overrides = reminders
        .and_then(|r| r.overrides.as_deref())
        .unwrap_or_default();
    value_of(use_default, overrides.iter().map(reminder))
}

fn reminder(reminder: &Reminder) -> (String, i64) {
    let method = reminder
        .method
        .as_ref()
        .map_or("popup", |method| method.as_str());
    (method.to_owned(), reminder.minutes.unwrap_or_default())
}

pub fn expected(row: &Value) -> Value {
    let use_default = row
        .get("use_default")
        .and_then(Value::as_bool)
        .unwrap_or(row.is_null());
    let overrides = row
        .get("overrides")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    value_of(
        use_default,
        overrides.unwrap_or_default().iter().map(|one| {
            let method = one.get("method").and_then(Value::as_str).unwrap_or("popup");
            let minutes = one.get("minutes").and_then(Value::as_i64);
            (method.to_owned(), minutes.unwrap_or_default())
        }),
    )
}

fn value_of(use_default: bool, overrides: impl Iterator<Item = (String, i64)>) -> Value {
    let mut overrides: Vec<_> = overrides.collect();
    overrides.sort();
    let overrides: Vec<_> = overrides
        .into_iter()
        .map(|(method, minutes)| json!({"method": method, "minutes": minutes}))
        .collect();
    if use_default {
        json!({"useDefault": true})
    } else {
        json!({"useDefault": false, "overrides": overrides})
    }
}

pub fn to_row(shown: &Value) -> Value {
    let use_default = shown
        .get("useDefault")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let overrides = shown.get("overrides").cloned().unwrap_or_else(|| json!([]));
    json!({"use_default": use_default, "overrides": overrides})
}
