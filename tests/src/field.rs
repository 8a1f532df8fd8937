//! What both sides say of an event, in a form that compares.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
pub use model::history::Field;
use serde_json::{Map, Value, json};

/// The comparable form of what a row of the default table says.
pub fn of_row(field: Field, row: &Value, own: &str) -> String {
    let mut row: Map<String, Value> = row.as_object().cloned().unwrap_or_default();
    // The day of an all-day event is the one in its zone.
    let zone = row.get("time_zone").and_then(Value::as_str);
    let zone: Tz = zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    for (time, day) in [("starts_at", "starts_on"), ("ends_at", "ends_on")] {
        let at = row.get(time).and_then(Value::as_str);
        let at = at.and_then(|at| at.parse::<DateTime<Utc>>().ok());
        let date = at.map(|at| at.with_timezone(&zone).date_naive());
        row.insert(day.to_owned(), json!(date));
    }
    field.of_row(&row, own)
}
