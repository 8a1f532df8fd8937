//! What things cost: 3 calls for a single change, 1 + 3 for a page of a notification.
#![allow(clippy::unwrap_used, reason = "a failing step fails the test")]

use model::{ANN, Person, World};
use serde_json::{Value, json};
use store::EventId;

/// Calls to the database and to Google that something costs.
fn cost(world: &World, what: impl FnOnce()) -> (u64, u64) {
    let before = (world.stored(), world.calls());
    what();
    (world.stored() - before.0, world.calls() - before.1)
}

fn settled(world: &World, ann: &Person, fields: Value) -> EventId {
    let event = world.insert(ann, fields).unwrap();
    world.settle().unwrap();
    event
}

#[test]
fn a_single_change_costs_three_calls() {
    let (world, ann) = World::of_ann().unwrap();
    let single = || settled(&world, &ann, json!({"title": "Lunch"}));
    let series = || {
        settled(
            &world,
            &ann,
            json!({"title": "Weekly", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"]}),
        )
    };
    let (edited, deleted, whole) = (single(), single(), series());
    world.update(&edited, json!({"title": "Dinner"})).unwrap();
    world.delete(&deleted).unwrap();
    world.update(&whole, json!({"location": "Room 2"})).unwrap();
    let inserted = world.insert(&ann, json!({"title": "Call"})).unwrap();
    for (name, event) in [
        ("insert", inserted),
        ("edit", edited),
        ("delete", deleted),
        ("series", whole),
    ] {
        let cost = cost(&world, || world.poke(&event));
        assert_eq!(cost, (2, 1), "{name}");
    }
    world.settle().unwrap();
}

#[test]
fn a_page_of_a_notification_costs_three_calls_and_one_whatever_is_in_it() {
    for count in [1, 2, 40] {
        let (world, ann) = World::of_ann().unwrap();
        settled(&world, &ann, json!({"title": "Known"}));
        for number in 0..count {
            let times = json!({"summary": format!("Call {number}"), "start": {"dateTime": "2031-03-04T09:00:00Z"},
                "end": {"dateTime": "2031-03-04T10:00:00Z"}});
            world.ui(ANN, "create", json!({"changes": times})).unwrap();
        }
        let mut messages = world.simulator.due_notifications();
        let message = messages.pop().expect("a message");
        let cost = cost(&world, || drop(world.work(world.notifying(&message))));
        assert_eq!(cost, (3, 1), "{count}");
        assert_eq!(world.store.events().len(), count + 1);
    }
}

#[test]
fn a_notification_of_what_was_written_here_costs_no_more() {
    let (world, ann) = World::of_ann().unwrap();
    let event = world.insert(&ann, json!({"title": "Lunch"})).unwrap();
    world.poke(&event);
    let mut messages = world.simulator.due_notifications();
    let message = messages.pop().expect("a message");
    let cost = cost(&world, || drop(world.work(world.notifying(&message))));
    assert_eq!(cost, (3, 1));
}
