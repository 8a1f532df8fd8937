//! The mapping by example, both ways. A file of `golden` holds cases of one field, each with some of:
//!
//! - `row` and `insert`: a row, and fields of the body that it is inserted with;
//! - `google` and `becomes`: an event of Google's, and fields of the row that it becomes;
//! - `settled`: whether Google's event is what the row is expected to look like there; it is, where both
//!   are given and nothing else is said.
//!
//! A field that is `null` in `insert` must not be sent. Each case has times of its own or those of
//! [`with_times`]. What Google sent comes back whole in any case, fields that nobody knows included.

use event::{Context, Direction, EventFields, EventPatch, Group};
use google::{Event, insert_body, remote_fields};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn rows_are_inserted_as_they_should_look_in_google() {
    for case in cases() {
        let Some(row) = row(&case) else { continue };
        let body = match row.expected(Group::Time, &context()) {
            Ok(_) => Value::Object(insert_body(&EventPatch::whole(&row), &row, &context())),
            Err(error) => json!({"error": error.to_string()}),
        };
        has_fields(&body, &case.value["insert"], &case.name);
    }
}

#[test]
fn what_google_shows_becomes_the_row() {
    for case in cases() {
        let Some(event) = event(&case) else { continue };
        let fields = match remote_fields(&event) {
            Ok(shown) => {
                let mut fields = EventFields::default();
                shown.iter().for_each(|value| fields.apply(value));
                // What is not shown says nothing.
                let known: Vec<Group> = shown.iter().map(|value| value.group()).collect();
                fields.only(&known).into()
            }
            Err(error) => json!({"error": error.to_string()}),
        };
        has_fields(&fields, &case.value["becomes"], &case.name);
    }
}

#[test]
fn a_row_and_what_google_made_of_it_agree() {
    for case in cases() {
        let (Some(row), Some(event)) = (row(&case), event(&case)) else {
            continue;
        };
        let shown = remote_fields(&event).unwrap_or_default();
        let both = shown
            .iter()
            .filter(|value| value.group().direction() == Direction::Both);
        let differing: Vec<&str> = both
            .filter(|value| row.expected(value.group(), &context()).as_ref() != Ok(*value))
            .map(|value| value.group().name())
            .collect();
        let settled = case.value["settled"].as_bool().unwrap_or(true);
        assert_eq!(
            differing.is_empty(),
            settled,
            "{}: {differing:?}",
            case.name
        );
    }
}

#[test]
fn an_event_comes_back_with_every_field() {
    for case in cases() {
        if let Some(event) = event(&case) {
            let written = serde_json::to_value(&event).unwrap_or_default();
            assert_eq!(
                written,
                with_times(&case.value["google"], GOOGLE_TIMES),
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn every_group_has_cases_both_ways() {
    let named = |part: &str| -> BTreeSet<String> {
        let parts = cases().into_iter().map(|case| fields(&case.value[part]));
        parts
            .flat_map(|fields| fields.into_iter().map(|(name, _)| name))
            .collect()
    };
    let (rows, becomes) = (named("row"), named("becomes"));
    for group in Group::ALL {
        for field in group.fields().map(|field| field.name) {
            let (goes, comes) = match group.direction() {
                Direction::Both => (true, true),
                Direction::FromRemote => (false, true),
                // Properties have their own test.
                Direction::ToRemote => (false, false),
            };
            assert!(
                !goes || rows.contains(field),
                "add a case of a row with {field}"
            );
            assert!(
                !comes || becomes.contains(field),
                "add a case that becomes {field}"
            );
        }
    }
}

const ROW_TIMES: &str = r#"{"all_day": false, "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
    "time_zone": "Europe/Paris"}"#;
const GOOGLE_TIMES: &str = r#"{"id": "e1", "organizer": {"self": true}, "start": {"dateTime": "2031-03-03T10:00:00+01:00", "timeZone": "Europe/Paris"},
    "end": {"dateTime": "2031-03-03T11:00:00+01:00", "timeZone": "Europe/Paris"}}"#;

struct Case {
    name: String,
    value: Value,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let found: Result<Map<String, Value>, _> = serde_json::from_str(&text);
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", entry.path().display()));
        cases.extend(found.into_iter().map(|(name, value)| Case { name, value }));
    }
    assert!(cases.len() > 20, "{} cases", cases.len());
    cases
}

fn context() -> Context {
    Context {
        time_zone: "Europe/Berlin".to_owned(),
        request_id: "request".to_owned(),
    }
}

fn row(case: &Case) -> Option<EventFields> {
    let row = case.value.get("row")?;
    Some(EventFields::from(fields(&with_times(row, ROW_TIMES))))
}

fn event(case: &Case) -> Option<Event> {
    let google = case.value.get("google")?;
    let read = Event::read(&with_times(google, GOOGLE_TIMES).to_string());
    Some(read.unwrap_or_else(|error| panic!("{}: {error}", case.name)))
}

/// The fields, and those of `times` unless there are times among them.
fn with_times(given: &Value, times: &str) -> Value {
    let mut all = fields(&serde_json::from_str(times).unwrap_or_default());
    let given = fields(given);
    if given.contains_key("start") || given.contains_key("all_day") {
        all.retain(|name, _| ["id", "organizer"].contains(&name.as_str()));
    }
    all.extend(given);
    Value::Object(all)
}

fn fields(object: &Value) -> Map<String, Value> {
    object.as_object().cloned().unwrap_or_default()
}

fn has_fields(found: &Value, expected: &Value, name: &str) {
    for (field, value) in fields(expected) {
        assert_eq!(
            found.get(&field).unwrap_or(&Value::Null),
            &value,
            "{name}: {field}"
        );
    }
}
