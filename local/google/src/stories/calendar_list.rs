//! A person's calendar list, and the labels of a calendar.

use serde_json::json;

use crate::conformance::lab::{ANN, BOB, Lab};

const LIST: &str = "/calendar/v3/users/me/calendarList";
const MINE: &str = "/calendar/v3/users/me/calendarList/primary";

#[test]
fn own_colours_need_the_rgb_format_and_end_with_a_colour_of_the_palette() {
    let ann = Lab::new().ann();
    let colours = json!({"backgroundColor": "#112233", "foregroundColor": "#ffffff"});
    let ignored = ann.patch(MINE, colours.clone()).ok();
    assert_ne!(ignored["backgroundColor"], "#112233");
    let rgb = format!("{MINE}?colorRgbFormat=true");
    let set = ann.patch(&rgb, colours).ok();
    assert_eq!(
        (&set["backgroundColor"], &set["foregroundColor"]),
        (&json!("#112233"), &json!("#ffffff"))
    );
    let wrong = json!({"backgroundColor": "red", "foregroundColor": "#ffffff"});
    ann.patch(&rgb, wrong).fails(400, "invalid", "");
    let palette = ann.patch(MINE, json!({"colorId": "7"})).ok();
    assert_eq!(palette["colorId"], "7");
    assert_ne!(palette["backgroundColor"], "#112233");
}

#[test]
fn notification_settings_are_replaced() {
    let ann = Lab::new().ann();
    let all = ann.get(MINE).ok()["notificationSettings"]["notifications"].clone();
    assert_eq!(all.as_array().unwrap().len(), 4);
    let one = json!({"notifications": [{"type": "eventCreation", "method": "email"}]});
    let set = ann.patch(MINE, json!({"notificationSettings": one})).ok();
    assert_eq!(set["notificationSettings"], one);
    assert_eq!(ann.get(MINE).ok()["notificationSettings"], one);
}

#[test]
fn an_entry_of_another_version_is_not_changed() {
    let ann = Lab::new().ann();
    let old = ann.get(MINE).ok()["etag"].as_str().unwrap().to_owned();
    let patch = |selected: bool| {
        let body = json!({"selected": selected});
        ann.send("PATCH", MINE, &[("if-match", &old)], &body)
    };
    assert_eq!(patch(false).status, 200);
    patch(true).fails(412, "conditionNotMet", "");
    assert_eq!(ann.get(MINE).ok()["selected"], false);
}

#[test]
fn a_token_goes_with_no_restriction_to_the_own_organization() {
    let ann = Lab::new().ann();
    let token = ann.get(LIST).ok()["nextSyncToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let path = format!("{LIST}?syncToken={token}&showOwnOrganizationOnly");
    assert_eq!(ann.get(&format!("{path}=true")).status, 400);
    assert_eq!(ann.get(&format!("{path}=false")).status, 200);
}

#[test]
fn a_public_calendar_is_put_on_the_list_by_its_id() {
    let lab = Lab::new();
    let public = json!({"role": "reader", "scope": {"type": "default"}});
    lab.bob()
        .post(LIST, json!({"id": ANN}))
        .fails(404, "notFound", "");
    lab.ann()
        .post("/calendar/v3/calendars/primary/acl", public)
        .ok();
    assert_eq!(lab.bob().get(LIST).ids(), [BOB]);
    let entry = lab
        .bob()
        .post(LIST, json!({"id": ANN, "selected": false}))
        .ok();
    assert_eq!(
        (&entry["accessRole"], &entry["selected"]),
        (&json!("reader"), &json!(false))
    );
    assert_eq!(lab.bob().get(LIST).ids(), [BOB, ANN]);
}

#[test]
fn a_calendars_event_labels_are_named_checked_and_replaced() {
    let ann = Lab::new().ann();
    let path = "/calendar/v3/calendars/primary";
    let patch = |labels: serde_json::Value| {
        ann.patch(path, json!({"labelProperties": {"eventLabels": labels}}))
    };
    let id = "0a1b2c3d-0000-4000-8000-00000000000f";
    let set = patch(json!([{"id": id, "name": "Work"}, {"name": "Home"}])).ok();
    let labels = set["labelProperties"]["eventLabels"].clone();
    assert_eq!(labels[0]["id"], id);
    let made = labels[1]["id"].as_str().unwrap();
    assert_eq!(
        patch(json!([{"id": made, "name": "Home"}])).ok()["labelProperties"]["eventLabels"],
        json!([labels[1]])
    );
    for wrong in [
        json!([{"id": "work", "name": "Work"}]),
        json!([{"name": "x".repeat(51)}]),
        json!(["Work"]),
        json!(vec![json!({"name": "Work"}); 201]),
    ] {
        patch(wrong).fails(400, "invalid", "");
    }
    assert_eq!(
        ann.patch(path, json!({"summary": "Mine"})).ok()["labelProperties"]["eventLabels"],
        json!([labels[1]])
    );
    assert!(patch(json!([])).ok().get("labelProperties").is_none());
}
