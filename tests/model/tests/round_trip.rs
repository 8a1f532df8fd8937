//! What each side does appears on the other, in memory.
#![allow(clippy::unwrap_used, reason = "a failing step fails the test")]

use model::{ANN, World};
use serde_json::{Value, json};
use store::{EventId, SyncState};

fn titles(world: &World) -> Vec<String> {
    let title = |event: Value| event["summary"].as_str().unwrap_or_default().to_owned();
    world.events(ANN).unwrap().into_iter().map(title).collect()
}

fn row(world: &World, event: &EventId) -> Option<store::sides::ShownRow> {
    world.look().rows.get(event).cloned()
}

#[track_caller]
fn equal(world: &World, event: &EventId) -> Value {
    world.settle().unwrap();
    let row = row(world, event).expect("a row");
    assert_eq!(row.shown.state, SyncState::Synced, "{row:?}");
    let id = row.shown.remote.expect("an id").0;
    let event = world.google(
        ANN,
        http::Method::GET,
        &format!("calendars/primary/events/{id}"),
        &Value::Null,
    );
    let event = event.unwrap();
    assert_eq!(row.row.fields["title"], event["summary"]);
    event
}

#[test]
fn a_row_is_inserted_changed_and_deleted() {
    let (world, ann) = World::of_ann().unwrap();
    let id = world.insert(&ann, json!({"title": "Lunch"})).unwrap();
    equal(&world, &id);
    world.update(&id, json!({"title": "Dinner"})).unwrap();
    equal(&world, &id);
    assert_eq!(titles(&world), ["Dinner"]);
    world.delete(&id).unwrap();
    world.settle().unwrap();
    assert!(titles(&world).is_empty());
    let methods: Vec<_> = world
        .take_written()
        .iter()
        .map(|one| one.method.to_string())
        .collect();
    assert_eq!(methods, ["POST", "PATCH", "DELETE"]);
}

#[test]
fn an_event_is_created_changed_and_deleted_in_google() {
    let (world, _ann) = World::of_ann().unwrap();
    let changes = json!({"summary": "Call", "start": {"dateTime": "2031-03-04T09:00:00Z"}, "end": {"dateTime": "2031-03-04T10:00:00Z"}});
    let made = world
        .ui(ANN, "create", json!({"changes": changes}))
        .unwrap();
    world.settle().unwrap();
    let id = world.look().rows.keys().next().expect("a row").clone();
    equal(&world, &id);
    world
        .ui(
            ANN,
            "edit",
            json!({"id": made["id"], "changes": {"summary": "Long call"}}),
        )
        .unwrap();
    let event = equal(&world, &id);
    assert_eq!(event["summary"], "Long call");
    world.ui(ANN, "delete", json!({"id": made["id"]})).unwrap();
    world.settle().unwrap();
    assert!(world.look().rows.is_empty());
    assert!(world.take_written().is_empty());
}

#[test]
fn both_sides_change_different_fields() {
    let (world, ann) = World::of_ann().unwrap();
    let id = world.insert(&ann, json!({"title": "Lunch"})).unwrap();
    let event = equal(&world, &id);
    world.update(&id, json!({"location": "Room 2"})).unwrap();
    world
        .ui(
            ANN,
            "edit",
            json!({"id": event["id"], "changes": {"summary": "Dinner"}}),
        )
        .unwrap();
    let event = equal(&world, &id);
    assert_eq!(
        (&event["summary"], &event["location"]),
        (&json!("Dinner"), &json!("Room 2"))
    );
}

#[test]
fn a_series_and_its_exceptions_go_both_ways() {
    let (world, ann) = World::of_ann().unwrap();
    let series = world
        .insert(
            &ann,
            json!({"title": "Weekly", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]}),
        )
        .unwrap();
    let master = equal(&world, &series);
    let second = world
        .except(
            &ann,
            &series,
            "2031-03-10T09:00:00Z",
            json!({"title": "Moved",
        "starts_at": "2031-03-10T11:00:00.000000Z", "ends_at": "2031-03-10T12:00:00.000000Z"}),
        )
        .unwrap();
    equal(&world, &second);
    let third = format!("{}_20310317T090000Z", master["id"].as_str().unwrap());
    world
        .ui(
            ANN,
            "edit",
            json!({"id": third, "changes": {"summary": "Third"}}),
        )
        .unwrap();
    world.settle().unwrap();
    let rows = world.look().rows;
    let mut titles: Vec<_> = rows
        .values()
        .map(|row| row.row.fields["title"].as_str().unwrap().to_owned())
        .collect();
    titles.sort();
    assert_eq!(titles, ["Moved", "Third", "Weekly"]);
    world.delete(&series).unwrap();
    world.settle().unwrap();
    assert!(world.look().rows.is_empty());
    assert!(world.events(ANN).unwrap().is_empty());
}
