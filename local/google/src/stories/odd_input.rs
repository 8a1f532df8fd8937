use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::conformance::lab::{Lab, MINE, timed, weekly, with};
use crate::random::Random;

const PIECES: [&str; 34] = [
    "/",
    "calendar",
    "v3",
    "calendars",
    "primary",
    "events",
    "watch",
    "channels",
    "stop",
    "users",
    "me",
    "calendarList",
    "freeBusy",
    "%",
    "%2F",
    "?",
    "&",
    "=",
    "syncToken",
    "pageToken",
    "AAAA",
    "timeMin",
    "2026-03-02T10:00:00Z",
    "singleEvents=true",
    "fields=items(",
    "_sim",
    "ui",
    "clock",
    "token",
    "instances",
    "series1_20260309T090000Z",
    "maxResults=1",
    "orderBy=startTime",
    "move",
];
const BODIES: [&str; 16] = [
    "",
    "{",
    "null",
    "[]",
    "5",
    "\"x\"",
    "{\"start\":5,\"end\":[]}",
    "{\"start\":{\"date\":\"0000-00-00\"},\"end\":{\"date\":\"x\"}}",
    "{\"start\":{\"dateTime\":\"9999-12-31T23:59:59Z\"},\"end\":{\"dateTime\":\"9999-12-31T23:59:59Z\"}}",
    "{\"start\":{\"dateTime\":\"-262143-01-01T00:00:00Z\"},\"end\":{\"dateTime\":\"+262142-12-31T23:59:59Z\"}}",
    "{\"attendees\":[1,null,{\"email\":5}],\"reminders\":7}",
    "{\"id\":\"\\u0000\",\"type\":\"web_hook\",\"address\":\"https://\",\"params\":{\"ttl\":\"99999999999999999999\"}}",
    "{\"advance\":9223372036854775807,\"set\":\"+262142-12-31T23:59:59Z\"}",
    "{\"recurrence\":[\"RRULE:FREQ=DAILY;INTERVAL=0\",\"RRULE:FREQ=SECONDLY\",\"EXDATE:\"]}",
    "{\"user\":\"ann@example.com\",\"id\":\"series1_20260309T090000Z\",\"scope\":\"following\",\"changes\":{\"start\":null}}",
    "{\"extendedProperties\":{\"private\":{\"a\":1}},\"conferenceData\":7}",
];

#[test]
fn nothing_malformed_panics() {
    let lab = Lab::new();
    lab.switch("userRequestsPerMinute", 0);
    lab.switch("projectRequestsPerMinute", 0);
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let seed = std::env::var("ODD_INPUT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let rounds = std::env::var("ODD_INPUT_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok());
    let mut random = Random::new(seed.unwrap_or(11));
    for _ in 0..rounds.unwrap_or(20_000) {
        let mut path = String::from(if random.below(2) == 0 { MINE } else { "" });
        for _ in 0..random.below(7) {
            let at = random.below(PIECES.len() as u64) as usize;
            path.push_str(if random.below(3) == 0 { "/" } else { "" });
            path.push_str(PIECES[at]);
        }
        let method = ["GET", "POST", "PUT", "PATCH", "DELETE"][random.below(5) as usize];
        let body = BODIES[random.below(BODIES.len() as u64) as usize];
        let uri = if path.starts_with('/') {
            path.clone()
        } else {
            format!("/{path}")
        };
        let request = Request::builder().method(method).uri(&uri);
        let request = request.header("authorization", ann.bearer());
        let Ok(request) = request.body(Bytes::from_static(body.as_bytes())) else {
            continue;
        };
        let response = lab.sim.handle(request);
        assert!(response.status().as_u16() >= 200, "{method} {uri}");
        if random.below(16) == 0 {
            lab.sim.set_clock(crate::conformance::lab::start());
        }
    }
}

#[test]
fn hostile_rules_are_refused_or_end() {
    let ann = Lab::new().ann();
    for (number, rule) in [
        "RRULE:FREQ=SECONDLY",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;COUNT=0",
        "RRULE:FREQ=DAILY;COUNT=99999999999",
        "RRULE:FREQ=DAILY;UNTIL=00000000",
        "RRULE:FREQ=DAILY;UNTIL=20250101T000000Z",
        "RRULE:",
        "RRULE:FREQ=WEEKLY;BYDAY=XX",
        "rrule:freq=weekly;byday=mo",
        "EXDATE:20260309",
    ]
    .iter()
    .enumerate()
    {
        let id = format!("rule{number}");
        let answer = ann.post(MINE, with(weekly(&id), json!({ "recurrence": [rule] })));
        if answer.status == 200 {
            ann.get(&format!("{MINE}/{id}/instances?maxResults=10"))
                .ok();
            ann.get(&format!("{MINE}?singleEvents=true&maxResults=10"))
                .ok();
        } else {
            answer.fails(400, "invalid", "");
        }
    }
}

#[test]
fn a_type_that_is_wrong_is_400() {
    let ann = Lab::new().ann();
    for wrong in [
        json!({"summary": 5}),
        json!({"start": "today"}),
        json!({"attendees": {}}),
        json!({"attendees": [{"email": "nobody"}]}),
        json!({"recurrence": "RRULE:FREQ=DAILY"}),
        json!({"guestsCanModify": "yes"}),
        json!({"transparency": "glass"}),
        json!({"status": "maybe"}),
        json!({"sequence": -1}),
        json!({"eventType": "fromGmail"}),
    ] {
        let answer = ann.post(MINE, with(timed("event1"), wrong.clone()));
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
    let broken = ann.send("POST", MINE, &[], &json!([1]));
    broken.fails(400, "parseError", "Parse Error");
}

#[test]
fn fractions_of_a_second_are_dropped() {
    let ann = Lab::new().ann();
    let mut series = weekly("series1");
    series["start"]["dateTime"] = "2026-03-02T10:00:00.987654+01:00".into();
    let event = ann.insert(series);
    assert_eq!(event["start"]["dateTime"], "2026-03-02T09:00:00Z");
    let second = ann.event("series1_20260309T090000Z");
    assert_eq!(second["status"], "confirmed");
}

#[test]
fn a_very_long_list_of_exceptions_is_refused() {
    let ann = Lab::new().ann();
    let dates = vec!["20260309T090000Z"; 3000].join(",");
    let rules = json!({"recurrence": ["RRULE:FREQ=WEEKLY", format!("EXDATE:{dates}")]});
    let text = "A provided value exceeds the allowed size limit.";
    ann.post(MINE, with(weekly("series1"), rules))
        .fails(400, "invalid", text);
}
