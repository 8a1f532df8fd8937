//! Reminders: the calendar's default, or the event's own.

use crate::ReminderMethod;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When the user is reminded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminders {
    /// As the calendar's default says.
    pub use_default: bool,
    /// Instead of the default, in order.
    pub overrides: Vec<Reminder>,
}

/// One reminder.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Reminder {
    /// How.
    pub method: ReminderMethod,
    /// How many minutes before the start.
    pub minutes: i64,
}

impl Default for Reminders {
    fn default() -> Self {
        Self {
            use_default: true,
            overrides: Vec::new(),
        }
    }
}

impl Reminders {
    /// In the one form that is compared, overrides in order; none means the default.
    pub fn new(overrides: Option<Vec<Reminder>>) -> Self {
        let use_default = overrides.is_none();
        let mut overrides = overrides.unwrap_or_default();
        overrides.sort_unstable();
        Self {
            use_default,
            overrides,
        }
    }

    /// Of a row, where anything may be absent or odd; an object that does not ask for the default has its own.
    pub(crate) fn of_row(row: &Value) -> Self {
        let use_default = row.get("use_default").and_then(Value::as_bool);
        let overrides = row.get("overrides").and_then(Value::as_array);
        let overrides = overrides.into_iter().flatten().map(|one| Reminder {
            method: ReminderMethod::from(one["method"].as_str().unwrap_or_default()),
            minutes: one["minutes"].as_i64().unwrap_or_default(),
        });
        let has_own = !use_default.unwrap_or(!row.is_object());
        Self::new(has_own.then(|| overrides.collect()))
    }
}
