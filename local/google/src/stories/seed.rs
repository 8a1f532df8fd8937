//! Seeds and snapshots.

use serde_json::{Value, json};

use crate::conformance::lab::{ANN, BOB, Lab, MINE, timed};
use crate::{Options, Simulator};

const EXAMPLE: &str = include_str!("../../seed.example.json");

fn titles(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["summary"].as_str().unwrap())
        .collect()
}

#[test]
fn the_example_seed_gives_its_people_their_calendars_and_events() {
    let lab = Lab::new();
    let added = lab.control("POST", "seed", serde_json::from_str(EXAMPLE).unwrap());
    assert_eq!(
        added.ok(),
        json!({"clients": 1, "users": 2, "calendars": 2, "events": 4})
    );
    assert_eq!(titles(&lab.ann().list(&[]).ok()), ["Dentist", "Lunch"]);
    assert_eq!(titles(&lab.bob().list(&[]).ok()), ["Lunch"]);
    let read = |calendar: &str| {
        let path = format!("/calendar/v3/calendars/{calendar}/events");
        lab.bob().get(&path).ok()
    };
    let team = read("team@group.calendar.google.com");
    assert_eq!(
        (titles(&team), &team["accessRole"]),
        (vec!["Stand-up"], &json!("writer"))
    );
    assert_eq!(
        titles(&read("holidays@group.v.calendar.google.com")),
        ["New Year's Day"]
    );
    assert_eq!(lab.control("GET", "mail", Value::Null).ok(), json!([]));
}

#[test]
fn a_seeded_client_and_user_get_a_token() {
    let sim = Simulator::new(Options::default());
    assert_eq!(sim.seed(EXAMPLE), Ok(()));
    assert!(sim.token(ANN, "example-client", &["openid"]).is_some());
}

#[test]
fn a_mistake_in_a_seed_is_told_with_its_entry_and_nothing_is_added() {
    let refused = |seed: Value, why: &str| {
        let sim = Simulator::new(Options::default());
        let before = sim.save();
        let error = sim.seed(&seed.to_string()).unwrap_err();
        assert!(error.starts_with(why), "{error}");
        assert_eq!(sim.save(), before);
    };
    let ann = json!({"email": ANN});
    refused(json!({"user": []}), "unknown field `user`");
    refused(
        json!({"users": [ann, {"email": "x"}]}),
        "users[1]: email is not an address",
    );
    refused(
        json!({"users": [ann, {"mail": BOB}]}),
        "users[1]: unknown field `mail`",
    );
    refused(
        json!({"clients": [{"secret": 5}]}),
        "clients[0]: invalid type",
    );
    refused(
        json!({"users": [ann], "calendars": [{"summary": "Team", "owner": BOB}]}),
        "calendars[0]: there is no user bob@example.com",
    );
    refused(
        json!({"users": [ann], "events": [{"summary": "Lunch"}]}),
        "events[0]: calendar is missing",
    );
    refused(
        json!({"users": [ann], "events": [{"calendar": BOB}]}),
        "events[0]: there is no calendar bob@example.com",
    );
    let mut endless = timed("event2");
    endless["calendar"] = ANN.into();
    let good = endless.clone();
    endless.as_object_mut().unwrap().remove("end");
    refused(
        json!({"users": [ann], "events": [good, endless]}),
        "events[1]: ",
    );
    assert!(Simulator::new(Options::default()).seed("{").is_err());
}

#[test]
fn a_loaded_snapshot_brings_back_the_list_and_the_old_sync_token() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let before = ann.list(&[]);
    let token = before.json["nextSyncToken"].as_str().unwrap().to_owned();
    let snapshot = lab.control("GET", "snapshot", Value::Null);
    assert_eq!(snapshot.text, lab.sim.save());
    ann.patch(&format!("{MINE}/event1"), json!({"summary": "Changed"}))
        .ok();
    ann.insert(timed("event2"));
    assert_eq!(ann.list(&[("syncToken", &token)]).ids().len(), 2);
    lab.control("POST", "snapshot", snapshot.json).ok();
    assert_eq!(ann.list(&[]).json["items"], before.json["items"]);
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!((delta.status, delta.ids().len()), (200, 0));
    ann.insert(timed("event2"));
    assert_eq!(ann.list(&[("syncToken", &token)]).ids(), ["event2"]);
}

#[test]
fn what_a_test_has_set_outlives_a_snapshot_and_messages_under_way_do_not() {
    let lab = Lab::new();
    let snapshot = lab.control("GET", "snapshot", Value::Null).json;
    let ann = lab.ann();
    let watch = json!({"id": "c1", "type": "web_hook", "address": "https://a.example/hook"});
    ann.post(&format!("{MINE}/watch"), watch).ok();
    let on_its_way = lab.sim.due_notifications();
    ann.insert(timed("event1"));
    lab.switch("noopWrite", "sameEtag");
    lab.sim
        .fault(json!({"method": "events.get", "cut": true}))
        .unwrap();
    let calls = lab.control("GET", "counters", Value::Null).json;
    lab.advance(60);
    lab.control("POST", "snapshot", snapshot).ok();
    assert!(lab.deliver(Some(200)).is_empty());
    lab.sim.delivered(on_its_way[0].id, None);
    lab.advance(3600);
    assert!(lab.deliver(Some(200)).is_empty());
    assert_eq!(lab.sim.switches()["noopWrite"]["position"], "sameEtag");
    assert_eq!(
        lab.control("GET", "faults", Value::Null).json[0]["cut"],
        true
    );
    assert_eq!(lab.control("GET", "counters", Value::Null).json, calls);
    assert_eq!(lab.ann().list(&[]).ids().len(), 0);
}

#[test]
fn what_is_no_snapshot_is_refused_with_its_place_and_changes_nothing() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    let before = lab.sim.save();
    for (garbage, place) in [
        (json!({}), "missing field `random` at line 1 column 2"),
        (json!({"random": "x"}), "at line 1 column 13"),
        (json!([1]), "at line 1 column"),
    ] {
        let refused = lab.control("POST", "snapshot", garbage);
        assert_eq!(refused.status, 400);
        let why = refused.json["error"].as_str().unwrap();
        assert!(why.contains(place), "{why}");
    }
    assert_eq!(lab.sim.save(), before);
}
