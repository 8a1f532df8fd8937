//! P1 to P8, P18 to P22: opening and stopping channels.

use serde_json::{Value, json};

use super::lab::{ANN, Answer, Lab, MINE, Session, start, timed, with};
use super::rows;

rows! {
    "P1" "D" Switch p01_a_channel_lives_a_week_by_default;
    "P2" "D" Pass p02_a_ttl_of_an_hour_is_an_hour;
    "P3" "D" Switch p03_a_ttl_above_the_cap_is_cut;
    "P4" "C" Pass p04_a_channel_id_is_used_once;
    "P5" "C" Pass p05_a_plain_http_address_is_refused;
    "P6" "S" Switch p06_the_type_webhook_is_taken_too;
    "P7" "I" Pass p07_an_expiration_in_the_past_is_an_invalid_ttl;
    "P8" "I" Pass p08_an_unknown_calendar_cannot_be_watched;
    "P18" "D" Switch p18_a_stopped_channel_is_silent_at_once_or_after_a_while;
    "P19" "X" Switch p19_stopping_with_a_wrong_resource_id_is_not_found;
    "P20" "D" Switch p20_only_the_owner_stops_a_channel;
    "P21" "I" Switch p21_stopping_twice_is_fine_or_not_found;
    "P22" "D" Pass p22_a_calendar_that_is_not_watched_is_silent;
}

fn channel(id: &str, more: Value) -> Value {
    let body = json!({"id": id, "type": "web_hook", "address": "https://app.example/hook"});
    with(body, more)
}

pub(super) fn watch(session: &Session, id: &str, more: Value) -> Answer {
    session.post(&format!("{MINE}/watch"), channel(id, more))
}

/// Seconds from now to the channel's expiration.
fn life(body: &Value) -> i64 {
    let millis: i64 = body["expiration"]
        .as_str()
        .and_then(|t| t.parse().ok())
        .unwrap_or_default();
    (millis - start().timestamp_millis()) / 1000
}

/// Opens a channel and takes its sync message away.
pub(super) fn opened(lab: &Lab, session: &Session, id: &str) -> Value {
    let body = watch(session, id, json!({})).ok();
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    body
}

fn p01_a_channel_lives_a_week_by_default() {
    let lab = Lab::new();
    let body = watch(&lab.ann(), "c1", json!({"token": "t"})).ok();
    assert_eq!(
        (&body["kind"], &body["id"]),
        (&json!("api#channel"), &json!("c1"))
    );
    assert!(body["resourceId"].is_string());
    assert!(
        body["resourceUri"]
            .as_str()
            .is_some_and(|uri| uri.contains("/events"))
    );
    assert_eq!((&body["token"], life(&body)), (&json!("t"), 604_800));
    lab.switch("expirationType", "number");
    let body = watch(&lab.ann(), "c2", json!({})).ok();
    assert_eq!(body["expiration"], start().timestamp_millis() + 604_800_000);
}

fn p02_a_ttl_of_an_hour_is_an_hour() {
    let lab = Lab::new();
    for ttl in [json!("3600"), json!(3600)] {
        let id = format!("c{ttl}");
        assert_eq!(
            life(&watch(&lab.ann(), &id, json!({"params": {"ttl": ttl}})).ok()),
            3600
        );
    }
    let at = (start().timestamp() + 60) * 1000;
    assert_eq!(
        life(&watch(&lab.ann(), "c9", json!({ "expiration": at })).ok()),
        60
    );
    let text = json!({ "expiration": at.to_string() });
    assert_eq!(life(&watch(&lab.ann(), "c10", text).ok()), 60);
}

fn p03_a_ttl_above_the_cap_is_cut() {
    let lab = Lab::new();
    let year = json!({"params": {"ttl": "31536000"}});
    assert_eq!(life(&watch(&lab.ann(), "c1", year.clone()).ok()), 2_592_000);
    lab.switch("channelCapSeconds", 604_800);
    assert_eq!(life(&watch(&lab.ann(), "c2", year).ok()), 604_800);
}

fn p04_a_channel_id_is_used_once() {
    let lab = Lab::new();
    watch(&lab.ann(), "c1", json!({})).ok();
    watch(&lab.bob(), "c1", json!({})).fails(400, "channelIdNotUnique", "");
}

fn p05_a_plain_http_address_is_refused() {
    let lab = Lab::new();
    for address in ["http://app.example/hook", "http://127.0.0.1:1/hook"] {
        let answer = watch(&lab.ann(), "c1", json!({ "address": address }));
        let error = answer.fails(400, "push.webhookUrlNotHttps", "");
        let text = error["message"].as_str().unwrap_or_default();
        assert!(text.starts_with("WebHook callback must be HTTPS"));
    }
}

fn p06_the_type_webhook_is_taken_too() {
    let lab = Lab::new();
    watch(&lab.ann(), "c1", json!({"type": "webhook"})).ok();
    watch(&lab.ann(), "c2", json!({"type": "mail"})).fails(400, "push.channelTypeNotSupported", "");
    watch(&lab.ann(), "", json!({})).fails(400, "required", "");
    lab.switch("channelType", "strict");
    let answer = watch(&lab.ann(), "c3", json!({"type": "webhook"}));
    answer.fails(400, "push.channelTypeNotSupported", "");
}

fn p07_an_expiration_in_the_past_is_an_invalid_ttl() {
    let lab = Lab::new();
    let at = start().timestamp_millis() - 1;
    let error = watch(&lab.ann(), "c1", json!({ "expiration": at })).fails(400, "invalid", "");
    let text = error["message"].as_str().unwrap_or_default();
    assert!(text.starts_with("Invalid ttl value for channel"));
}

fn p08_an_unknown_calendar_cannot_be_watched() {
    let lab = Lab::new();
    let ann = lab.ann();
    let path = "/calendar/v3/calendars/nobody@example.com/events/watch";
    ann.post(path, channel("c1", json!({})))
        .fails(404, "notFound", "");
    let holiday = json!({"id": "days@holiday", "summary": "Holidays", "holiday": true});
    lab.control("POST", "calendars", holiday).ok();
    let path = "/calendar/v3/calendars/days@holiday/events/watch";
    let answer = ann.post(path, channel("c1", json!({})));
    answer.fails(400, "pushNotSupportedForRequestedResource", "");
    let stranger = json!({"email": "new@example.com", "no_calendar": true});
    lab.control("POST", "users", stranger).ok();
    let session = lab.with("new@example.com", &[super::lab::CALENDAR]);
    watch(&session, "c1", json!({})).fails(403, "notACalendarUser", "");
}

fn stop(session: &Session, body: &Value) -> Answer {
    let body = json!({"id": body["id"], "resourceId": body["resourceId"]});
    session.post("/calendar/v3/channels/stop", body)
}

fn p18_a_stopped_channel_is_silent_at_once_or_after_a_while() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = opened(&lab, &ann, "c1");
    let answer = stop(&ann, &body);
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    ann.insert(timed("event1"));
    assert!(lab.deliver(Some(200)).is_empty());
    lab.switch("stopGraceSeconds", 10);
    let body = opened(&lab, &ann, "c2");
    stop(&ann, &body);
    ann.insert(timed("event2"));
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    lab.advance(10);
    ann.insert(timed("event3"));
    assert!(lab.deliver(Some(200)).is_empty());
}

fn p19_stopping_with_a_wrong_resource_id_is_not_found() {
    let lab = Lab::new();
    let ann = lab.ann();
    opened(&lab, &ann, "c1");
    let wrong = json!({"id": "c1", "resourceId": "wrong"});
    let text = "Channel 'c1' not found for project '1001'";
    stop(&ann, &wrong).fails(404, "notFound", text);
    lab.switch("errorMessages", "generic");
    stop(&ann, &wrong).fails(404, "notFound", "Not Found");
}

fn p20_only_the_owner_stops_a_channel() {
    let lab = Lab::new();
    let body = opened(&lab, &lab.ann(), "c1");
    stop(&lab.bob(), &body).fails(404, "notFound", "");
    lab.switch("stopByOther", "forbidden");
    stop(&lab.bob(), &body).fails(403, "forbidden", "");
    assert_eq!(stop(&lab.ann(), &body).status, 204);
}

fn p21_stopping_twice_is_fine_or_not_found() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = opened(&lab, &ann, "c1");
    assert_eq!(stop(&ann, &body).status, 204);
    assert_eq!(stop(&ann, &body).status, 204);
    lab.switch("stopTwice", "notFound");
    stop(&ann, &body).fails(404, "notFound", "");
}

fn p22_a_calendar_that_is_not_watched_is_silent() {
    let lab = Lab::new();
    let ann = lab.ann();
    opened(&lab, &ann, "c1");
    let other = ann
        .post("/calendar/v3/calendars", json!({"summary": "Other"}))
        .ok();
    let other = other["id"].as_str().unwrap_or_default().to_owned();
    ann.post(
        &format!("/calendar/v3/calendars/{other}/events"),
        timed("event1"),
    )
    .ok();
    lab.bob().insert(timed("event1"));
    assert!(lab.deliver(Some(200)).is_empty());
    ann.post(
        &format!("/calendar/v3/calendars/{ANN}/events"),
        timed("event2"),
    )
    .ok();
    assert_eq!(
        lab.deliver(Some(200)).len(),
        1,
        "primary is the address's calendar"
    );
}
