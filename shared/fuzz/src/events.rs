//! Google's JSON to an event, to a row, and back.

use serde_json::{Map, Value};
use shared::crm::Row;
use shared::decide::pull::item;
use shared::google::Event;
use shared::google::events::Item;
use shared::map::{self, Context, Direction, LinkBack, Shown, Stamp, Unit};

const ZONE: &str = "Europe/Berlin";
/// They are read into times, and written in one form.
const TIMES: [&str; 3] = ["start", "end", "originalStartTime"];

/// An event's JSON: what can be read comes back whole, and a row made of it maps back to it.
pub fn event(raw: &str) {
    let read = Event::read(raw);
    let listed = item(Item {
        raw: raw.to_owned(),
        event: read.clone(),
    });
    let Ok(event) = read else {
        assert!(listed.unreadable.is_some());
        return;
    };
    comes_back(raw, &event);
    let _ = (Stamp::of(&event), LinkBack::of(&event));
    match map::shown(&event) {
        Ok(shown) => {
            assert!(listed.cancelled || listed.unreadable.is_none());
            rows_map_back(&shown);
        }
        Err(_) => assert!(listed.cancelled || listed.unreadable.is_some()),
    }
}

fn comes_back(raw: &str, event: &Event) {
    let Ok(written) = serde_json::to_string(event) else {
        panic!("an event that was read cannot be written");
    };
    let again = Event::read(&written).map(|again| fields(&again));
    assert_eq!(again, Ok(fields(event)), "written: {written}");
    let came: Value = serde_json::from_str(raw).unwrap_or_default();
    let mut came = plain(&came);
    if let Value::Object(came) = &mut came {
        came.retain(|name, _| !TIMES.contains(&name.as_str()));
    }
    assert_eq!(fields(event), came);
}

fn fields(event: &Event) -> Value {
    let mut written = plain(&serde_json::to_value(event).unwrap_or_default());
    if let Value::Object(written) = &mut written {
        written.retain(|name, _| !TIMES.contains(&name.as_str()));
    }
    written
}

/// Without what counts as absent; fractions without their last digits, which no parser promises.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let fields = object
                .iter()
                .map(|(name, value)| (name.clone(), plain(value)));
            let kept = fields.filter(|(_, value)| {
                !value.is_null() && value.as_object().is_none_or(|object| !object.is_empty())
            });
            Value::Object(kept.collect())
        }
        Value::Array(all) => all.iter().map(plain).collect(),
        Value::Number(number) if number.is_f64() => {
            format!("{:.9e}", number.as_f64().unwrap_or_default()).into()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn rows_map_back(shown: &Shown) {
    let context = Context {
        time_zone: ZONE.to_owned(),
        request_id: "request".to_owned(),
    };
    let rows = shown.iter().map(|(unit, value)| map::to_row(*unit, value));
    let row = Row(rows.flatten().collect::<Map<_, _>>());
    for (unit, value) in shown {
        // A status that the CRM does not know becomes one that it does.
        let is_new = *unit == Unit::Status && map::to_row(*unit, value)["status"] != *value;
        if unit.direction() != Direction::Both || is_new {
            continue;
        }
        let expected = map::expected(*unit, &row, &context).map(|value| in_zone(*unit, value));
        assert_eq!(expected, Ok(in_zone(*unit, value.clone())), "{unit:?}");
    }
    // A deleted event shows that it is, and nothing else.
    if !shown.contains_key(&Unit::When) {
        return;
    }
    let body = map::whole(&row, &context);
    assert!(
        body.is_ok_and(|body| body["start"].is_object() && body["end"].is_object()),
        "a row that came from Google can be inserted"
    );
}

/// A time without a zone is one in the calendar's.
fn in_zone(unit: Unit, mut value: Value) -> Value {
    if unit == Unit::When
        && let Some(zone) = value.get_mut("zone")
        && zone.as_str().is_none_or(str::is_empty)
    {
        *zone = ZONE.into();
    }
    value
}
