//! Bodies that are refused, each with the field.

use super::super::answer::Problem;
use super::super::body::{Fields, event, new_event, object};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

/// The status, and the field that the refusal names.
fn refused(value: Value, check: fn(Fields) -> Result<Fields, Problem>) -> (u16, String) {
    let fields = value.as_object().cloned().unwrap();
    match check(fields) {
        Ok(fields) => panic!("taken: {fields:?}"),
        Err(problem) => {
            let reply = problem.reply();
            let body: Value = serde_json::from_slice(reply.response.body()).unwrap();
            assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()));
            let field = body["field"].as_str().unwrap_or_default().to_owned();
            (reply.response.status().as_u16(), field)
        }
    }
}

#[test]
fn a_value_that_does_not_fit_names_its_field() {
    let long = "x".repeat(1025);
    let many: Vec<Value> = (0..201)
        .map(|n| json!({"email": format!("{n}@x.example")}))
        .collect();
    for (body, field) in [
        (json!({"titel": "x"}), "titel"),
        (json!({"title": long}), "title"),
        (json!({"title": "a\u{0}b"}), "title"),
        (json!({"title": 1}), "title"),
        (json!({"all_day": "yes"}), "all_day"),
        (json!({"starts_at": "2031-03-03T09:00:00"}), "starts_at"),
        (json!({"starts_at": "2031-03-03"}), "starts_at"),
        (json!({"ends_on": "2031-3-3"}), "ends_on"),
        (json!({"time_zone": "Mars/Olympus"}), "time_zone"),
        (json!({"recurrence": "RRULE:FREQ=DAILY"}), "recurrence"),
        (
            json!({"recurrence": ["RRULE:FREQ=DAILY", "rrule:FREQ=WEEKLY"]}),
            "recurrence",
        ),
        (
            json!({"recurrence": ["RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"]}),
            "recurrence",
        ),
        (
            json!({"recurrence": ["RRULE:FREQ=DAILY\nEXDATE:1"]}),
            "recurrence",
        ),
        (json!({"status": "cancelled"}), "status"),
        (json!({"visibility": "secret"}), "visibility"),
        (json!({"color": "12"}), "color"),
        (json!({"attendees": [{"email": "nobody"}]}), "attendees"),
        (
            json!({"attendees": [{"email": "a@b.example"}, {"email": "A@B.example"}]}),
            "attendees",
        ),
        (
            json!({"attendees": [{"email": "a@b.example", "self": true}]}),
            "attendees",
        ),
        (json!({"attendees": many}), "attendees"),
        (
            json!({"reminders": {"use_default": false, "overrides": [{"method": "sms", "minutes": 1}]}}),
            "reminders",
        ),
        (json!({"reminders": {}}), "reminders"),
        (json!({"conference": {"conferenceId": "x"}}), "conference"),
        (json!({"sync_state": "synced"}), "sync_state"),
    ] {
        assert_eq!(
            refused(body.clone(), event),
            (400, field.to_owned()),
            "{body}"
        );
    }
    assert_eq!(
        refused(json!({"title": "x"}), new_event),
        (400, "all_day".to_owned())
    );
}

#[test]
fn values_are_stored_in_one_form() {
    let fields = json!({"starts_at": "2031-03-03T09:00:00+01:00", "recurrence": [], "color": "11"});
    let stored = event(fields.as_object().cloned().unwrap()).unwrap();
    assert_eq!(stored["starts_at"], "2031-03-03T08:00:00.000000Z");
    assert_eq!(stored["recurrence"], Value::Null);
}

#[test]
fn only_a_json_object_of_some_size_is_read() {
    let ask = |kind: &str, body: &str| {
        let request = Request::post("/").header("content-type", kind);
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        match object(&request) {
            Ok(_) => 200,
            Err(problem) => problem.reply().response.status().as_u16(),
        }
    };
    assert_eq!(ask("application/json; charset=utf-8", "{}"), 200);
    assert_eq!(ask("text/plain", "{}"), 415);
    assert_eq!(ask("", "{}"), 415);
    assert_eq!(ask("application/json", "[]"), 400);
    assert_eq!(ask("application/json", "{"), 400);
    assert_eq!(
        ask(
            "application/json",
            &format!("{{\"a\":\"{}\"}}", "x".repeat(65536))
        ),
        413
    );
}
