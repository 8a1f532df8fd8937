//! P9 to P17: the messages of a channel.

use http::HeaderMap;
use serde_json::{Value, json};

use super::lab::{Lab, MINE, timed};
use super::push::{opened, watch};
use super::rows;
use crate::Notification;

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

rows! {
    "P9" "D" Pass p09_the_first_message_is_sync_with_number_one;
    "P10" "D" Switch p10_changes_are_told_as_exists_with_rising_numbers;
    "P11" "D" Pass p11_the_token_header_is_there_when_a_token_was_given;
    "P12" "D" Pass p12_a_receiver_that_answers_204_is_done;
    "P13" "D" Pass p13_a_receiver_that_answers_503_is_asked_again_later_and_later;
    "P14" "D" Pass p14_a_receiver_that_answers_404_or_301_has_failed;
    "P15" "D" Switch p15_dropped_messages_leave_the_list_complete;
    "P16" "D" Pass p16_an_expired_channel_is_silent;
    "P17" "D" Pass p17_two_channels_are_both_told;
}

fn number(notification: &Notification) -> u64 {
    header(notification.request.headers(), "x-goog-message-number")
        .parse()
        .unwrap_or_default()
}

fn state(notification: &Notification) -> &str {
    header(notification.request.headers(), "x-goog-resource-state")
}

fn p09_the_first_message_is_sync_with_number_one() {
    let lab = Lab::new();
    let body = watch(&lab.ann(), "c1", json!({})).ok();
    let due = lab.deliver(Some(200));
    assert_eq!(due.len(), 1);
    let request = &due[0].request;
    assert_eq!(
        (
            request.method().as_str(),
            request.uri().to_string().as_str()
        ),
        ("POST", "https://app.example/hook")
    );
    assert!(request.body().is_empty());
    assert_eq!((state(&due[0]), number(&due[0])), ("sync", 1));
    let value = |name: &str| header(request.headers(), name).to_owned();
    assert_eq!(value("x-goog-channel-id"), "c1");
    assert_eq!(value("x-goog-resource-id"), body["resourceId"]);
    assert_eq!(value("x-goog-resource-uri"), body["resourceUri"]);
    assert_eq!(
        value("x-goog-channel-expiration"),
        "Mon, 09 Mar 2026 09:00:00 GMT"
    );
    assert_eq!(value("content-length"), "0");
    assert!(value("user-agent").starts_with("APIs-Google"));
}

fn p10_changes_are_told_as_exists_with_rising_numbers() {
    let lab = Lab::new();
    let ann = lab.ann();
    opened(&lab, &ann, "c1");
    let mut last = 1;
    ann.insert(timed("event1"));
    let first = lab.deliver(Some(200));
    ann.patch(&format!("{MINE}/event1"), json!({"summary": "Changed"}))
        .ok();
    let second = lab.deliver(Some(200));
    ann.delete(&format!("{MINE}/event1"));
    let third = lab.deliver(Some(200));
    for due in [&first, &second, &third] {
        assert_eq!((due.len(), state(&due[0])), (1, "exists"));
        assert!(number(&due[0]) > last && due[0].request.body().is_empty());
        last = number(&due[0]);
    }
    assert!(last > 4, "numbers have gaps");
    lab.switch("coalesce", "on");
    ann.insert(timed("event2"));
    ann.insert(timed("event3"));
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    lab.switch("coalesce", "off");
    lab.control(
        "POST",
        "notifications",
        json!({"double": 1, "reorder": true}),
    )
    .ok();
    ann.insert(timed("event4"));
    ann.insert(timed("event5"));
    let numbers: Vec<u64> = lab.deliver(Some(200)).iter().map(number).collect();
    assert_eq!(numbers.len(), 3);
    assert!(
        numbers[0] > numbers[1] && numbers[1] == numbers[2],
        "{numbers:?}"
    );
}

fn p11_the_token_header_is_there_when_a_token_was_given() {
    let lab = Lab::new();
    watch(&lab.ann(), "c1", json!({"token": "secret"})).ok();
    watch(&lab.ann(), "c2", json!({})).ok();
    let due = lab.deliver(Some(200));
    assert_eq!(
        header(due[0].request.headers(), "x-goog-channel-token"),
        "secret"
    );
    assert!(
        due[1]
            .request
            .headers()
            .get("x-goog-channel-token")
            .is_none()
    );
}

fn p12_a_receiver_that_answers_204_is_done() {
    for status in [200, 201, 202, 204, 102] {
        let lab = Lab::new();
        watch(&lab.ann(), "c1", json!({})).ok();
        lab.deliver(Some(status));
        lab.days(1);
        assert!(lab.deliver(Some(status)).is_empty(), "{status}");
        let state = lab.control("GET", "notifications", Value::Null).ok();
        assert_eq!(state["counters"]["delivered"], 1);
    }
}

fn p13_a_receiver_that_answers_503_is_asked_again_later_and_later() {
    for status in [Some(500), Some(502), Some(503), Some(504), None] {
        let lab = Lab::new();
        watch(&lab.ann(), "c1", json!({})).ok();
        let mut waits = Vec::new();
        lab.deliver(status);
        for _ in 0..4 {
            let wait = (1..600).find(|_| {
                lab.advance(1);
                !lab.deliver(status).is_empty()
            });
            waits.push(wait.expect("the message comes again"));
        }
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]), "{waits:?}");
        lab.days(1);
        assert_eq!(number(&lab.deliver(Some(200))[0]), 1, "the number stays");
    }
}

fn p14_a_receiver_that_answers_404_or_301_has_failed() {
    for status in [404, 301, 400, 501] {
        let lab = Lab::new();
        watch(&lab.ann(), "c1", json!({})).ok();
        lab.deliver(Some(status));
        lab.days(1);
        assert!(lab.deliver(Some(200)).is_empty(), "{status}");
        let state = lab.control("GET", "notifications", Value::Null).ok();
        assert_eq!(state["counters"]["failed"], 1);
    }
}

fn p15_dropped_messages_leave_the_list_complete() {
    let lab = Lab::new();
    let ann = lab.ann();
    opened(&lab, &ann, "c1");
    let token = ann.sync_token();
    lab.control("POST", "notifications", json!({"drop": 1}))
        .ok();
    ann.insert(timed("event1"));
    assert!(lab.deliver(Some(200)).is_empty());
    assert_eq!(ann.list(&[("syncToken", &token)]).ids(), ["event1"]);
    lab.control("POST", "notifications", json!({"delay_seconds": 30}))
        .ok();
    ann.insert(timed("event2"));
    assert!(lab.deliver(Some(200)).is_empty());
    lab.advance(30);
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    lab.control("POST", "notifications", json!({"hold": true}))
        .ok();
    ann.insert(timed("event3"));
    assert!(lab.deliver(Some(200)).is_empty());
    lab.control("POST", "notifications", json!({})).ok();
    assert_eq!(lab.deliver(Some(200)).len(), 1);
}

fn p16_an_expired_channel_is_silent() {
    let lab = Lab::new();
    watch(&lab.ann(), "c1", json!({"params": {"ttl": "60"}})).ok();
    lab.deliver(Some(200));
    lab.advance(59);
    lab.ann().insert(timed("event1"));
    assert_eq!(lab.deliver(Some(503)).len(), 1);
    lab.advance(1);
    lab.ann().insert(timed("event2"));
    assert!(lab.deliver(Some(200)).is_empty());
}

fn p17_two_channels_are_both_told() {
    let lab = Lab::new();
    let ann = lab.ann();
    let first = opened(&lab, &ann, "c1");
    let second = opened(&lab, &ann, "c2");
    assert_eq!(first["resourceId"], second["resourceId"]);
    ann.insert(timed("event1"));
    assert_eq!(lab.deliver(Some(200)).len(), 2);
}
