//! Small cases: the rows of a series, a wanted, and what is written.

mod cut;
mod whole;

use super::{Edit, EditTarget, Refusal, Rows, Scope, Start, Write, edit, remove};
use crate::crm::Row;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const MASTER: Uuid = Uuid::from_u128(1);
const NEW: Uuid = Uuid::from_u128(99);

fn row(value: Value) -> Row {
    let mut base = json!({
        "title": "Round", "all_day": false, "starts_at": "2031-01-07T08:00:00Z", "ends_at": "2031-01-07T09:00:00Z",
        "time_zone": "Europe/Berlin", "status": "confirmed", "sync_state": "none", "google_sync_enabled": true,
        "recurring_event_id": null, "original_start": null, "recurrence": null, "attendees": [],
    });
    let (Some(base), Value::Object(value)) = (base.as_object_mut(), value) else {
        panic!("no object");
    };
    base.extend(value);
    Row(base.clone())
}

/// Tuesdays at nine in Berlin from 2031-01-07, with other lines and exceptions.
fn series(lines: Value, exceptions: &[Value]) -> Rows {
    let master = (MASTER, row(json!({"recurrence": lines})));
    let exceptions = exceptions.iter().zip(10..).map(|(one, n)| {
        let mut one = row(one.clone());
        one.0.insert("recurring_event_id".into(), json!(MASTER));
        (Uuid::from_u128(n), one)
    });
    Rows {
        rows: std::iter::once(master).chain(exceptions).collect(),
        zone: "UTC".into(),
    }
}

fn wanted(scope: Scope, start: &str) -> EditTarget {
    EditTarget {
        event: MASTER,
        scope: Some(scope),
        original_start: Start::read(start),
    }
}

fn patch(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn fields(edit: &Edit, id: Uuid) -> Map<String, Value> {
    let found = edit.writes.iter().find(|write| write.id() == id);
    match found {
        Some(Write::Insert { fields, .. } | Write::Update { fields, .. }) => fields.clone(),
        Some(Write::Delete { .. }) | None => panic!("{id} is not written: {edit:#?}"),
    }
}

fn lines(edit: &Edit, id: Uuid) -> Vec<String> {
    serde_json::from_value(fields(edit, id)["recurrence"].clone()).unwrap()
}

fn field_of<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    match outcome {
        Err(Refusal::Invalid { field, .. }) => field,
        Err(Refusal::State(_)) => "state",
        Err(Refusal::Unknown) => "unknown",
        Ok(made) => panic!("it was taken: {made:?}"),
    }
}

fn change(rows: &Rows, scope: Scope, start: &str, value: Value) -> Result<Edit, Refusal> {
    edit(rows, &wanted(scope, start), &patch(value), NEW)
}

fn delete(rows: &Rows, scope: Scope, start: &str) -> Result<Edit, Refusal> {
    remove(rows, &wanted(scope, start), NEW)
}
