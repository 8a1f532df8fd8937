//! Google's JSON to an event, to a row, and back.

use super::pages::planned;
use ::event::merge::{Freshness, Policy};
use ::event::{
    Access, Context, Direction, EventFields, EventPatch, Group, GroupValue, MergeInput,
    RemoteFields,
};
use google::events::Item;
use google::{Event, listed, write_body};
use provider::{Mail, Method, RemoteEvent, Stamp, Write};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

const ZONE: &str = "Europe/Berlin";
/// They are read into times, and written in one form.
const TIMES: [&str; 3] = ["start", "end", "originalStartTime"];

/// An event's JSON: what can be read comes back whole, a row made of it maps back to it and is written as
/// it was read, and a page with it is planned.
pub fn event(raw: &str) {
    let read = Event::read(raw);
    let item = listed(Item {
        raw: raw.to_owned(),
        event: read.clone(),
    });
    planned(&item);
    let Ok(event) = read else {
        assert!(item.event.is_err());
        return;
    };
    comes_back(raw, &event);
    if let Ok(remote) = &item.event {
        rows_map_back(remote);
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

fn context() -> Context {
    Context {
        time_zone: ZONE.to_owned(),
        request_id: "request".to_owned(),
    }
}

fn rows_map_back(remote: &RemoteEvent) {
    let mut row = EventFields::default();
    for value in remote.fields.iter() {
        row.apply(value);
    }
    for value in remote.fields.iter() {
        maps_back(&row, value);
    }
    // A deleted event shows that it is, and nothing else.
    if remote.fields.is_whole() {
        is_at_rest(&row, &remote.fields);
        is_written_as_read(remote, &row);
    }
}

fn maps_back(row: &EventFields, value: &GroupValue) {
    let group = value.group();
    // A status that the CRM does not know becomes one that it does.
    let is_new = matches!(value, GroupValue::Status(status) if row.status != *status);
    if group.direction() != Direction::Both || is_new {
        return;
    }
    let mut shown = value.clone();
    if let GroupValue::Time(time) = &mut shown {
        *time = time.shown(ZONE);
    }
    assert_eq!(row.expected(group, &context()), Ok(shown), "{group:?}");
}

/// Once both sides agree, there is nothing to do.
fn is_at_rest(row: &EventFields, shown: &RemoteFields) {
    let merged = ::event::merge(&MergeInput {
        row,
        base_crm: Some(row),
        remote: shown,
        base_remote: Some(shown),
        landed: &[],
        policy: Policy::Latest,
        aliases: &BTreeMap::new(),
        changed_at: &BTreeMap::new(),
        remote_updated: None,
        remote_times: &BTreeMap::new(),
        freshness: Freshness::Current,
        access: Access::Full,
        is_linked_back: true,
        context: &context(),
    });
    let Ok(merged) = merged else {
        panic!("what both sides agree on cannot be merged");
    };
    let moved = (&merged.to_remote, &merged.to_crm, &merged.conflicts);
    assert_eq!(moved, (&Vec::new(), &Vec::new(), &Vec::new()));
}

/// The event that Google makes of the row is the one that the row was made of.
fn is_written_as_read(remote: &RemoteEvent, row: &EventFields) {
    let write = Write {
        method: Method::Insert,
        patch: EventPatch::whole(row),
        row: row.clone(),
        context: context(),
        link_back: Uuid::nil(),
        keeps_link_back: false,
        stamp: Stamp {
            rev: 1,
            instance: "i".to_owned(),
            event: Uuid::nil(),
        },
        mail: Mail::None,
        source: None,
    };
    let Some(body) = write_body("written", &write) else {
        panic!("an insert has a body");
    };
    let raw = Value::Object(body).to_string();
    let again = listed(Item {
        event: Event::read(&raw),
        raw,
    });
    let Ok(again) = again.event else {
        panic!("what was written cannot be read: {}", again.raw);
    };
    assert_eq!(again.stamp.as_ref(), Some(&write.stamp));
    if row.is_cancelled() {
        return;
    }
    for group in Group::ALL {
        // What is asked of Google and what it decides by itself comes back otherwise.
        if group.direction() == Direction::Both && group != Group::Conference {
            let sent = row.expected(group, &context()).ok().map(as_sent);
            let shown = again.fields.get(group).cloned().map(as_sent);
            let was_known = remote.fields.get(group).is_some();
            assert!(
                !was_known || shown == sent,
                "{group:?}: {}",
                again_of(shown.as_ref(), sent.as_ref())
            );
        }
    }
}

/// Without what the provider decides.
fn as_sent(mut value: GroupValue) -> GroupValue {
    if let GroupValue::Attendees(guests) = &mut value {
        let sent = guests.iter();
        let sent = sent.map(|(email, guest)| (email.to_owned(), guest.clone().without_roles()));
        *guests = sent.collect();
    }
    if let GroupValue::Time(time) = &mut value {
        *time = time.shown(ZONE);
    }
    value
}

fn again_of(shown: Option<&GroupValue>, sent: Option<&GroupValue>) -> Value {
    let json = |value: Option<&GroupValue>| value.map(GroupValue::to_json);
    json!({"shown": json(shown), "sent": json(sent)})
}
