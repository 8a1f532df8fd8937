//! Settings, which only a person changes.

use serde_json::json;

use crate::conformance::lab::{ANN, BOB, Lab};

const SETTINGS: &str = "/calendar/v3/users/me/settings";

fn encoded(token: &serde_json::Value) -> String {
    let token = token.as_str().unwrap_or_default();
    url::form_urlencoded::byte_serialize(token.as_bytes()).collect()
}

#[test]
fn a_changed_setting_is_read_is_in_the_delta_and_is_told() {
    let lab = Lab::new();
    let ann = lab.ann();
    let token = encoded(&ann.get(SETTINGS).ok()["nextSyncToken"]);
    let delta = || ann.get(&format!("{SETTINGS}?syncToken={token}"));
    assert!(delta().ids().is_empty());
    let body = json!({"id": "c1", "type": "web_hook", "address": "https://a.example/hook"});
    ann.post(&format!("{SETTINGS}/watch"), body).ok();
    lab.deliver(Some(200));
    let change = json!({"timezone": "Asia/Tokyo", "weekStart": "0"});
    let path = format!("users/{ANN}/settings");
    let answer = lab.control("POST", &path, change).ok();
    assert_eq!(
        (&answer["weekStart"], &answer["locale"]),
        (&json!("0"), &json!("en"))
    );
    assert_eq!(delta().ids(), ["timezone", "weekStart"]);
    let zone = ann.get(&format!("{SETTINGS}/timezone")).ok();
    assert_eq!(zone["value"], "Asia/Tokyo");
    assert_eq!(lab.deliver(Some(200)).len(), 1);
    let other = lab.bob().get(&format!("{SETTINGS}/weekStart")).ok();
    assert_eq!(other["value"], "1");
}

#[test]
fn settings_come_in_pages() {
    let ann = Lab::new().ann();
    let first = ann.get(&format!("{SETTINGS}?maxResults=7"));
    assert_eq!(first.ids().len(), 7);
    let page = encoded(&first.json["nextPageToken"]);
    let rest = ann.get(&format!("{SETTINGS}?maxResults=7&pageToken={page}"));
    assert_eq!(rest.ids().len(), 5);
    assert!(rest.json["nextSyncToken"].is_string());
    assert_eq!(ann.get(&format!("{SETTINGS}?pageToken=x")).status, 400);
    ann.get(&format!("{SETTINGS}/colour"))
        .fails(404, "notFound", "");
}

#[test]
fn an_unknown_setting_or_person_changes_nothing() {
    let lab = Lab::new();
    for (user, change) in [
        (ANN, json!({"locale": "da", "colour": "red"})),
        (ANN, json!({"timezone": "Mars"})),
        ("nobody@example.com", json!({})),
    ] {
        let path = format!("users/{user}/settings");
        assert_eq!(lab.control("POST", &path, change).status, 400);
    }
    for session in [
        lab.ann(),
        lab.with(
            BOB,
            &["https://www.googleapis.com/auth/calendar.settings.readonly"],
        ),
    ] {
        assert_eq!(
            session.get(&format!("{SETTINGS}/locale")).ok()["value"],
            "en"
        );
    }
}
