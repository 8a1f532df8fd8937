//! `freebusy.query`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::Role;
use crate::error::{self, ApiError};
use crate::events::busy;
use crate::http_api::{Call, Caller, Reply};
use crate::world::World;

/// Busy spans per calendar; one that cannot be read is an entry with an error, not a failure.
pub(super) fn query(world: &World, caller: &Caller, call: &Call) -> Result<Reply, ApiError> {
    let body = call.object()?;
    let from = instant(&body, "timeMin")?;
    let to = instant(&body, "timeMax")?;
    if to <= from {
        return Err(error::time_range_empty("timeMax"));
    }
    let none = Vec::new();
    let items = body.get("items").and_then(Value::as_array).unwrap_or(&none);
    let mut calendars = Map::new();
    for written in items.iter().filter_map(|item| item["id"].as_str()) {
        let id = world.calendar_id(written, &caller.email);
        let readable = world.role(&id, &caller.email) >= Role::FreeBusyReader;
        let value = match world.calendars.get(&id).filter(|_| readable) {
            Some(calendar) => {
                let spans = busy(world, calendar, from, to).into_iter();
                let spans = spans.map(|(from, to)| json!({"start": show(from), "end": show(to)}));
                json!({ "busy": spans.collect::<Vec<_>>() })
            }
            None => json!({"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}),
        };
        calendars.insert(written.to_owned(), value);
    }
    Ok(Reply::Json(json!({
        "kind": "calendar#freeBusy",
        "timeMin": from.to_rfc3339_opts(SecondsFormat::Millis, true),
        "timeMax": to.to_rfc3339_opts(SecondsFormat::Millis, true),
        "calendars": calendars,
    })))
}

fn show(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn instant(body: &Map<String, Value>, name: &'static str) -> Result<DateTime<Utc>, ApiError> {
    let text = body.get(name).and_then(Value::as_str);
    let text = text.ok_or_else(|| error::required(format!("Missing {name} parameter.")))?;
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| error::bad_request("Bad Request"))?;
    Ok(at.with_timezone(&Utc))
}
