//! The bodies of writes. Google merges the objects of a PATCH with what it has, so that each place in them that
//! is to be empty is `null`; a list is replaced as a whole.

use crate::map::properties::{add_properties, reference_body};
use chrono::SecondsFormat;
use event::{Attendees, Change, Context, EventFields, EventPatch, EventTime, Reminders};
use provider::{Method, Write};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The body of a write; none of a deletion. `id` is that of an insert.
pub fn write_body(id: &str, write: &Write) -> Option<Map<String, Value>> {
    let (patch, row) = (&write.patch, &write.row);
    let mut body = match &write.method {
        Method::Delete { .. } => return None,
        Method::Insert => {
            let mut body = insert_body(patch, row, &write.context);
            body.insert("id".to_owned(), json!(id));
            if let Some(url) = &write.source {
                body.insert("source".to_owned(), json!({"title": "CRM", "url": url}));
            }
            body
        }
        Method::Patch { .. } | Method::Restore { .. } | Method::Cancel { .. } => {
            self::body(patch, row, &write.context)
        }
    };
    match &write.method {
        Method::Restore { .. } => body.insert("status".to_owned(), json!(row.status)),
        Method::Cancel { .. } => body.insert("status".to_owned(), json!("cancelled")),
        Method::Insert | Method::Patch { .. } | Method::Delete { .. } => None,
    };
    if write.keeps_link_back {
        // The references there are those of the row that the event links back to.
        body.remove("extendedProperties");
    }
    let link_back = (!write.keeps_link_back).then_some(write.link_back);
    add_properties(&mut body, &write.stamp, link_back);
    Some(body)
}

/// The body of a PATCH, with the row's references.
pub fn body(patch: &EventPatch, row: &EventFields, context: &Context) -> Map<String, Value> {
    let mut body = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    add("summary", plain(&patch.title));
    add("description", plain(&patch.description));
    add("location", plain(&patch.location));
    if let Change::Set(time) = &patch.time {
        let (start, end) = times(time, &context.time_zone);
        add("start", Some(start));
        add("end", Some(end));
    }
    add("recurrence", plain(&patch.recurrence));
    add("status", plain(&patch.status));
    add("visibility", plain(&patch.visibility));
    add("transparency", plain(&patch.transparency));
    add("colorId", plain(&patch.color));
    add("attendees", changed(&patch.attendees, json!([]), attendees));
    let default = reminders(&Reminders::default());
    add("reminders", changed(&patch.reminders, default, reminders));
    add(
        "conferenceData",
        changed(&patch.conference, Value::Null, |request| {
            conference(request, &context.request_id)
        }),
    );
    let references = reference_body(patch, &row.references);
    add("extendedProperties", Some(references));
    body
}

/// The body of an INSERT: the same without the nulls and empty lists, which only a PATCH needs.
pub fn insert_body(patch: &EventPatch, row: &EventFields, context: &Context) -> Map<String, Value> {
    let mut body = Value::Object(self::body(patch, row, context));
    drop_nulls(&mut body);
    match body {
        Value::Object(mut body) => {
            body.retain(|_, value| *value != json!([]) && *value != json!({"private": {}}));
            body
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(object) = value {
        object.retain(|_, value| !value.is_null());
        object.values_mut().for_each(drop_nulls);
    }
}

fn changed<T>(change: &Change<T>, clear: Value, set: impl Fn(&T) -> Value) -> Option<Value> {
    match change {
        Change::Keep => None,
        Change::Set(value) => Some(set(value)),
        Change::Clear => Some(clear),
    }
}

fn plain<T: Serialize>(change: &Change<T>) -> Option<Value> {
    changed(change, Value::Null, |value| json!(value))
}

fn times(time: &EventTime, calendar_zone: &str) -> (Value, Value) {
    let date = |date| json!({"date": date, "dateTime": null, "timeZone": null});
    match time.shown(calendar_zone) {
        EventTime::AllDay { start, end, .. } => (date(start), date(end)),
        EventTime::Timed {
            start,
            end,
            start_zone,
            end_zone,
        } => {
            let side = |time: chrono::DateTime<chrono::Utc>, zone: Option<String>| {
                let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
                json!({"date": null, "dateTime": time, "timeZone": zone})
            };
            let end_zone = end_zone.or_else(|| start_zone.clone());
            (side(start, start_zone), side(end, end_zone))
        }
    }
}

/// Without what Google decides by itself.
fn attendees(guests: &Attendees) -> Value {
    let guests = guests.iter().map(|(email, guest)| {
        let guest = guest.canonical(email);
        let mut body = json!({"email": email, "responseStatus": guest.response_status});
        let mut add = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        add("displayName", guest.display_name.map(Value::from));
        add("optional", guest.optional.map(Value::from));
        add("comment", guest.comment.map(Value::from));
        add("additionalGuests", guest.additional_guests.map(Value::from));
        add("resource", guest.resource.map(Value::from));
        body
    });
    guests.collect()
}

/// The default with stored overrides is refused: they have to go by name.
fn reminders(reminders: &Reminders) -> Value {
    if reminders.use_default {
        json!({"useDefault": true, "overrides": null})
    } else {
        json!({"useDefault": false, "overrides": reminders.overrides})
    }
}

fn conference(request: &Value, request_id: &str) -> Value {
    let kind = &request["createRequest"]["conferenceSolutionKey"]["type"];
    let kind = kind.as_str().unwrap_or("hangoutsMeet");
    json!({"createRequest": {"requestId": request_id, "conferenceSolutionKey": {"type": kind}}})
}
