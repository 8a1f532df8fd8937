//! X rows: quotas, faults, odd requests.

use serde_json::{Value, json};

use super::lab::{ANN, Lab, MINE, timed, with};
use super::rows;

rows! {
    "X1" "D" Switch x01_the_six_hundred_and_first_request_of_a_minute_is_limited;
    "X2" "D" Switch x02_a_project_over_its_minute_is_limited;
    "X3" "D" Pass x03_quota_user_spreads_the_charge;
    "X4" "D" Switch x04_a_burst_of_writes_to_one_calendar_is_limited;
    "X6" "I" Switch x06_many_external_guests_exceed_the_quota;
    "X7" "D" Pass x07_an_insert_that_failed_after_the_commit_is_a_duplicate;
    "X12" "S" Pass x12_pretty_print_can_be_switched_off;
    "X13" "X" Switch x13_an_unknown_send_updates_is_an_invalid_parameter;
    "X14" "C" Pass x14_an_overridden_method_is_followed;
}

fn x01_the_six_hundred_and_first_request_of_a_minute_is_limited() {
    let lab = Lab::new();
    let ann = lab.ann();
    for _ in 0..600 {
        ann.list(&[]).ok();
    }
    let error = ann
        .list(&[])
        .fails(403, "userRateLimitExceeded", "User Rate Limit Exceeded");
    assert_eq!(error["domain"], "usageLimits");
    lab.bob().list(&[]).ok();
    lab.switch("rateLimit", "429");
    ann.list(&[])
        .fails(429, "rateLimitExceeded", "Rate Limit Exceeded");
    lab.switch("rateLimit", "403rate");
    ann.list(&[]).fails(403, "rateLimitExceeded", "");
    lab.advance(60);
    ann.list(&[]).ok();
    lab.switch("userRequestsPerMinute", 3);
    lab.switch("patchCost", "three");
    lab.advance(60);
    ann.patch(&format!("{MINE}/event1"), json!({}))
        .fails(404, "notFound", "");
    ann.list(&[]).fails(403, "rateLimitExceeded", "");
}

fn x02_a_project_over_its_minute_is_limited() {
    let lab = Lab::new();
    lab.switch("projectRequestsPerMinute", 4);
    for _ in 0..2 {
        lab.ann().list(&[]).ok();
        lab.bob().list(&[]).ok();
    }
    let error = lab
        .bob()
        .list(&[])
        .fails(403, "rateLimitExceeded", "Rate Limit Exceeded");
    assert_eq!(error["domain"], "usageLimits");
    lab.switch("rateLimit", "429");
    lab.ann().list(&[]).fails(429, "rateLimitExceeded", "");
}

fn x03_quota_user_spreads_the_charge() {
    let lab = Lab::new();
    lab.switch("userRequestsPerMinute", 2);
    let ann = lab.ann();
    for user in ["a", "b"] {
        ann.list(&[("quotaUser", user)]).ok();
        ann.list(&[("quotaUser", user)]).ok();
        ann.list(&[("quotaUser", user)])
            .fails(403, "userRateLimitExceeded", "");
    }
    ann.send("GET", MINE, &[("x-goog-quota-user", "c")], &Value::Null)
        .ok();
}

fn x04_a_burst_of_writes_to_one_calendar_is_limited() {
    let lab = Lab::new();
    let ann = lab.ann();
    for number in 0..500 {
        ann.insert(timed(&format!("event{number}")));
    }
    ann.post(MINE, timed("toomany"))
        .fails(403, "rateLimitExceeded", "Rate Limit Exceeded");
    ann.list(&[]).ok();
    lab.advance(60);
    ann.insert(timed("later"));
    lab.switch("calendarWritesPerMinute", 1);
    ann.post(MINE, timed("again"))
        .fails(403, "rateLimitExceeded", "");
    lab.switch("calendarWritesPerMinute", 0);
    ann.insert(timed("again"));
}

fn x06_many_external_guests_exceed_the_quota() {
    let lab = Lab::new();
    let ann = lab.ann();
    let inviting = |id: &str, count: usize| {
        let guests: Vec<Value> = (0..count)
            .map(|n| json!({"email": format!("g{n}-{id}@else.example")}))
            .collect();
        with(timed(id), json!({ "attendees": guests }))
    };
    let path = format!("{MINE}?sendUpdates=none");
    let text = "Calendar usage limits exceeded.";
    ann.post(&path, inviting("event1", 10_001))
        .fails(403, "quotaExceeded", text);
    lab.switch("externalGuestsPerDay", 5);
    ann.post(&path, inviting("event2", 5)).ok();
    ann.post(&path, inviting("event3", 1))
        .fails(403, "quotaExceeded", text);
    let own = json!({"attendees": [{"email": "colleague@example.com"}]});
    ann.insert(with(timed("event4"), own));
}

fn x07_an_insert_that_failed_after_the_commit_is_a_duplicate() {
    let lab = Lab::new();
    let ann = lab.ann();
    for (id, when, then) in [("before1", "before", 200), ("after1", "after", 409)] {
        let rule = json!({"method": "events.insert", "when": when, "status": 500});
        lab.control("POST", "faults", rule).ok();
        ann.post(MINE, timed(id))
            .fails(500, "backendError", "Backend Error");
        assert_eq!(ann.post(MINE, timed(id)).status, then, "{when}");
        assert_eq!(
            ann.list(&[])
                .ids()
                .iter()
                .filter(|other| *other == id)
                .count(),
            1
        );
    }
    let rule =
        json!({"method": "events.insert", "calendar": "primary", "when": "after", "cut": true});
    lab.control("POST", "faults", rule).ok();
    let cut = ann
        .post(MINE, timed("cut11"))
        .cut
        .expect("the connection is cut");
    assert!(!cut.before_commit);
    ann.post(MINE, timed("cut11")).fails(409, "duplicate", "");
    let rule = json!({"method": "events.*", "skip": 1, "body": "<html>", "status": 502});
    lab.control("POST", "faults", rule).ok();
    ann.list(&[]).ok();
    let garbage = ann.list(&[]);
    assert_eq!((garbage.status, garbage.text.as_str()), (502, "<html>"));
    let log = lab
        .control("GET", "log?name=events.insert&status=409", Value::Null)
        .ok();
    assert_eq!(log.as_array().map(Vec::len), Some(2));
}

fn x12_pretty_print_can_be_switched_off() {
    let ann = Lab::new().ann();
    assert!(ann.list(&[]).text.starts_with("{\n \""));
    let compact = ann.list(&[("prettyPrint", "false")]);
    assert!(!compact.text.contains('\n'));
    assert_eq!(
        compact.header("content-type"),
        "application/json; charset=UTF-8"
    );
    let error = ann.get(&format!("{MINE}/nothing?prettyPrint=false"));
    assert!(
        error
            .text
            .starts_with("{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"notFound\"")
    );
}

fn x13_an_unknown_send_updates_is_an_invalid_parameter() {
    let lab = Lab::new();
    let ann = lab.ann();
    let answer = ann.post(&format!("{MINE}?sendUpdates=maybe"), timed("event1"));
    let error = answer.fails(400, "invalidParameter", "");
    assert_eq!(error["location"], "sendUpdates");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.starts_with("Invalid value"))
    );
    lab.switch("errorMessages", "generic");
    let answer = ann.post(&format!("{MINE}?sendUpdates=maybe"), timed("event1"));
    answer.fails(400, "invalidParameter", "Bad Request");
}

fn x14_an_overridden_method_is_followed() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let overridden = [("x-http-method-override", "GET")];
    assert_eq!(
        ann.send("POST", MINE, &overridden, &Value::Null).ids(),
        ["event1"]
    );
    let log = lab.control("GET", "counters", Value::Null).ok();
    assert_eq!(log["events.list"], 1);
    assert_eq!(ann.event("event1")["creator"]["email"], ANN);
}
