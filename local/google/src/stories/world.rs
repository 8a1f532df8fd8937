use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::conformance::lab::{ANN, BOB, Lab, MINE, timed, weekly};
use crate::{Delay, Options, Simulator};

#[test]
fn the_same_seed_and_requests_give_the_same_answers() {
    let play = || {
        let lab = Lab::new();
        let ann = lab.ann();
        let body = json!({
            "start": {"date": "2026-03-02"},
            "end": {"date": "2026-03-03"},
            "conferenceData": {"createRequest": {"requestId": "r"}},
        });
        let event = ann
            .post(&format!("{MINE}?conferenceDataVersion=1"), body)
            .text;
        ann.post(
            &format!("{MINE}/watch"),
            json!({"id": "c", "type": "web_hook", "address": "https://a.example"}),
        );
        let numbers: Vec<String> = lab
            .deliver(Some(200))
            .iter()
            .map(|n| format!("{:?}", n.request))
            .collect();
        (event, ann.list(&[]).text, ann.refresh, numbers)
    };
    assert_eq!(play(), play());
}

#[test]
fn a_running_clock_can_be_moved_and_runs_on() {
    let sim = Simulator::new(Options::default());
    let before = sim.now();
    sim.advance(TimeDelta::hours(1));
    assert!(sim.now() - before >= TimeDelta::hours(1));
    let clock = sim.control("GET", "clock", &Value::Null).unwrap();
    assert_eq!(clock["running"], true);
    assert!(
        sim.control("POST", "clock", &json!({"set": "9999-01-01T00:00:00Z"}))
            .is_err()
    );
}

#[test]
fn a_delayed_answer_is_the_real_one() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    lab.sim
        .fault(json!({"method": "events.get", "delay_ms": 250}))
        .unwrap();
    let request = http::Request::get(format!("{MINE}/event1"));
    let request = request
        .header("authorization", lab.ann().bearer())
        .body(bytes::Bytes::new());
    let response = lab.sim.handle(request.unwrap());
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.extensions().get(),
        Some(&Delay(Duration::from_millis(250)))
    );
}

#[test]
fn a_watched_calendar_list_tells_of_new_calendars() {
    let lab = Lab::new();
    let body = json!({"id": "c1", "type": "web_hook", "address": "https://a.example/hook"});
    lab.bob()
        .post("/calendar/v3/users/me/calendarList/watch", body)
        .ok();
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    let share = json!({"user": BOB, "role": "reader"});
    lab.control("POST", &format!("calendars/{ANN}/share"), share)
        .ok();
    assert_eq!(lab.deliver(Some(200)).len(), 1);
}

#[test]
fn a_channel_for_one_event_type_hears_only_of_that() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = json!({"id": "c1", "type": "web_hook", "address": "https://a.example/hook"});
    ann.post(&format!("{MINE}/watch?eventTypes=outOfOffice"), body)
        .ok();
    lab.deliver(Some(200));
    ann.insert(timed("event1"));
    assert!(lab.deliver(Some(200)).is_empty());
    let mut away = timed("event2");
    away["eventType"] = "outOfOffice".into();
    ann.insert(away);
    assert_eq!(lab.deliver(Some(200)).len(), 1);
}

#[test]
fn a_deleted_calendar_is_gone_for_everyone_who_saw_it() {
    let lab = Lab::new();
    let made = json!({"summary": "Team", "owner": ANN, "id": "team@group"});
    lab.control("POST", "calendars", made).ok();
    lab.control(
        "POST",
        "calendars/team@group/share",
        json!({"user": BOB, "role": "writer"}),
    )
    .ok();
    let path = "/calendar/v3/calendars/team@group/events";
    let event = lab.bob().post(path, timed("event1")).ok();
    assert_eq!(
        event["organizer"],
        json!({"email": "team@group", "displayName": "Team", "self": true})
    );
    assert_eq!(event["creator"], json!({"email": BOB}));
    let delta = lab.bob().get("/calendar/v3/users/me/calendarList").ok();
    let token = delta["nextSyncToken"].as_str().unwrap().to_owned();
    assert_eq!(
        lab.ann().delete("/calendar/v3/calendars/team@group").status,
        204
    );
    lab.bob().get(path).fails(404, "notFound", "");
    let query = crate::conformance::lab::encode(&[("syncToken", &token)]);
    let list = lab
        .bob()
        .get(&format!("/calendar/v3/users/me/calendarList?{query}"));
    assert_eq!(
        (list.ids(), &list.json["items"][0]["deleted"]),
        (vec!["team@group".to_owned()], &json!(true))
    );
}

#[test]
fn reminders_are_each_readers_own() {
    let lab = Lab::new();
    lab.control(
        "POST",
        &format!("calendars/{ANN}/share"),
        json!({"user": BOB, "role": "writer"}),
    )
    .ok();
    lab.ann().insert(timed("event1"));
    let path = format!("/calendar/v3/calendars/{ANN}/events/event1");
    let mine = json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}]});
    lab.bob().patch(&path, json!({ "reminders": mine })).ok();
    assert_eq!(lab.bob().get(&path).ok()["reminders"], mine);
    assert_eq!(
        lab.ann().event("event1")["reminders"],
        json!({"useDefault": true})
    );
}

#[test]
fn a_token_can_remember_or_forget_its_window() {
    for (position, expected) in [("remembered", 0), ("forgotten", 1)] {
        let lab = Lab::new();
        lab.switch("tokenWindow", position);
        let ann = lab.ann();
        let list = ann.list(&[("timeMin", "2026-06-01T00:00:00Z")]).ok();
        let token = list["nextSyncToken"].as_str().unwrap().to_owned();
        ann.insert(timed("event1"));
        assert_eq!(
            ann.list(&[("syncToken", &token)]).ids().len(),
            expected,
            "{position}"
        );
    }
}

#[test]
fn a_restricted_first_request_gives_no_token() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    for pair in [
        ("q", "meeting"),
        ("iCalUID", "event1@google.com"),
        ("orderBy", "updated"),
    ] {
        let list = ann.list(&[pair]).ok();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{pair:?}");
        assert!(list["nextSyncToken"].is_null(), "{pair:?}");
    }
    lab.switch("tokenWithFilters", "given");
    assert!(ann.list(&[("q", "meeting")]).ok()["nextSyncToken"].is_string());
}

#[test]
fn a_delta_with_other_parameters_than_the_first_request_is_refused() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let token = ann.sync_token();
    let other = [("syncToken", token.as_str()), ("singleEvents", "true")];
    ann.list(&other)
        .fails(400, "invalid", "Invalid sync token value.");
    lab.switch("tokenParameters", "ignored");
    assert!(ann.list(&other).ids().is_empty());
}

#[test]
fn restrictions_hold_for_deleted_events_too() {
    let ann = Lab::new().ann();
    for (id, row) in [("event1", "1"), ("event2", "2")] {
        let mut body = timed(id);
        body["extendedProperties"] = json!({"private": {"row": row}});
        ann.insert(body);
        ann.delete(&format!("{MINE}/{id}"));
    }
    let row = ("privateExtendedProperty", "row=2");
    assert_eq!(ann.list(&[("showDeleted", "true"), row]).ids(), ["event2"]);
    let later = ("timeMin", "2026-06-01T00:00:00Z");
    assert!(ann.list(&[("showDeleted", "true"), later]).ids().is_empty());
}

#[test]
fn a_reset_forgets_everything_but_a_fixed_time() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    lab.advance(60);
    let now = lab.sim.now();
    lab.switch("stopTwice", "notFound");
    lab.control("POST", "reset", json!({})).ok();
    assert_eq!(lab.control("GET", "users", Value::Null).ok(), json!([]));
    assert_eq!(
        lab.control("GET", "switches", Value::Null).ok()["stopTwice"]["position"],
        "ok"
    );
    assert_eq!(lab.sim.now(), now);
}
