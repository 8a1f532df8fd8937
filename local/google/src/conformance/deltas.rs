//! L20 to L35: tokens that stop working, deletions, windows, roles.

use serde_json::json;

use super::lab::{ANN, BOB, Lab, MINE, timed, weekly, with};
use super::rows;

rows! {
    "L20" "C" Pass l20_a_garbage_token_is_invalid;
    "L21" "D" Pass l21_an_aged_token_requires_a_full_sync;
    "L22" "D" Pass l22_changed_access_requires_a_full_sync;
    "L23" "D" Pass l23_an_old_updated_min_is_too_long_ago;
    "L24" "S" Pass l24_updated_min_includes_deletions;
    "L25" "S" Pass l25_a_plain_list_shows_a_bare_cancelled_instance;
    "L26" "S" Pass l26_a_plain_list_hides_deleted_events;
    "L27" "S" Pass l27_show_deleted_returns_deleted_events;
    "L28" "S" Pass l28_single_events_shows_no_masters;
    "L29" "I" Switch l29_a_deleted_series_is_cancelled_instances_within_half_a_year;
    "L30" "S" Switch l30_a_cancelled_instance_has_its_series_or_only_an_id;
    "L31" "S" Switch l31_repeated_property_filters_are_joined_with_and_or_or;
    "L32" "S" Pass l32_fields_can_leave_the_tokens_out;
    "L33" "D" Pass l33_free_busy_access_lists_instances_without_details;
    "L34" "D" Pass l34_own_changes_appear_in_the_delta;
    "L35" "U" Pass l35_a_token_used_twice_gives_the_same_again;
}

fn l20_a_garbage_token_is_invalid() {
    let lab = Lab::new();
    let ann = lab.ann();
    let foreign = lab.bob().sync_token();
    for token in ["garbage", "CPDAlvWDx70CEPDAlvWDx70CGAU=", &foreign] {
        ann.list(&[("syncToken", token)])
            .fails(400, "invalid", "Invalid sync token value.");
    }
}

const FULL_SYNC: &str = "Sync token is no longer valid, a full sync is required.";

fn l21_an_aged_token_requires_a_full_sync() {
    let lab = Lab::new();
    lab.switch("syncTokenAgeSeconds", 3000);
    let ann = lab.ann();
    let token = ann.sync_token();
    lab.advance(3000);
    ann.list(&[("syncToken", &token)]).ok();
    lab.advance(1);
    let error = ann
        .list(&[("syncToken", &token)])
        .fails(410, "fullSyncRequired", FULL_SYNC);
    assert_eq!(
        (&error["location"], &error["locationType"]),
        (&json!("syncToken"), &json!("parameter"))
    );
    assert_eq!(error["domain"], "calendar");
}

fn l22_changed_access_requires_a_full_sync() {
    let lab = Lab::new();
    let share = format!("calendars/{ANN}/share");
    lab.control("POST", &share, json!({"user": BOB, "role": "reader"}))
        .ok();
    let bob = lab.bob();
    let path = format!("/calendar/v3/calendars/{ANN}/events");
    let body = bob.get(&path).ok();
    let token = body["nextSyncToken"].as_str().unwrap_or_default();
    let with_token = format!("{path}?{}", super::lab::encode(&[("syncToken", token)]));
    bob.get(&with_token).ok();
    lab.control("POST", &share, json!({"user": BOB, "role": "writer"}))
        .ok();
    bob.get(&with_token)
        .fails(410, "fullSyncRequired", FULL_SYNC);
}

fn l23_an_old_updated_min_is_too_long_ago() {
    let ann = Lab::new().ann();
    let text = "The requested minimum modification time lies too far in the past.";
    let answer = ann.list(&[("updatedMin", "2020-01-01T00:00:00Z")]);
    let error = answer.fails(410, "updatedMinTooLongAgo", text);
    assert_eq!(error["location"], "updatedMin");
}

fn l24_updated_min_includes_deletions() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    ann.insert(timed("event2"));
    lab.advance(60);
    ann.delete(&format!("{MINE}/event1"));
    let list = ann.list(&[("updatedMin", "2026-03-02T09:00:30Z")]);
    assert_eq!(list.ids(), ["event1"]);
    assert_eq!(list.item("event1")["status"], "cancelled");
}

const SECOND: &str = "series1_20260309T090000Z";

fn l25_a_plain_list_shows_a_bare_cancelled_instance() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    assert_eq!(ann.delete(&format!("{MINE}/{SECOND}")).status, 204);
    let list = ann.list(&[]);
    assert_eq!(list.ids(), ["series1", SECOND]);
    let row = list.item(SECOND);
    assert_eq!(
        (&row["status"], &row["recurringEventId"]),
        (&json!("cancelled"), &json!("series1"))
    );
    let planned = json!({"dateTime": "2026-03-09T09:00:00Z", "timeZone": "Europe/Copenhagen"});
    assert_eq!(row["originalStartTime"], planned);
    assert!(row["start"].is_null() && row["summary"].is_null());
}

fn l26_a_plain_list_hides_deleted_events() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    ann.insert(timed("event2"));
    ann.delete(&format!("{MINE}/event1"));
    assert_eq!(ann.list(&[]).ids(), ["event2"]);
}

fn l27_show_deleted_returns_deleted_events() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    ann.delete(&format!("{MINE}/event1"));
    let list = ann.list(&[("showDeleted", "true")]);
    assert_eq!(list.item("event1")["status"], "cancelled");
}

fn l28_single_events_shows_no_masters() {
    let ann = Lab::new().ann();
    ann.insert(weekly("series1"));
    ann.insert(timed("event1"));
    let list = ann.list(&[("singleEvents", "true")]);
    assert_eq!(list.ids().len(), 6);
    assert!(!list.ids().contains(&"series1".to_owned()));
    let items = list.json["items"].as_array().cloned().unwrap_or_default();
    assert!(items.iter().all(|item| item["recurrence"].is_null()));
}

fn l29_a_deleted_series_is_cancelled_instances_within_half_a_year() {
    let lab = Lab::new();
    let old = json!({
        "start": {"dateTime": "2025-03-03T10:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "end": {"dateTime": "2025-03-03T11:00:00+01:00", "timeZone": "Europe/Copenhagen"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=52"],
    });
    let ann = lab.ann();
    ann.insert(with(weekly("series1"), old));
    let single = [("singleEvents", "true")];
    let body = ann.list(&single).ok();
    let token = body["nextSyncToken"].as_str().unwrap_or_default();
    ann.delete(&format!("{MINE}/series1"));
    let pairs = [("singleEvents", "true"), ("syncToken", token)];
    let delta = ann.list(&pairs);
    let count = delta.ids().len();
    assert!((20..40).contains(&count), "{count} instances");
    let items = delta.json["items"].as_array().cloned().unwrap_or_default();
    assert!(items.iter().all(|item| item["status"] == "cancelled"));
    lab.switch("deletedSeriesHorizon", "complete");
    assert_eq!(ann.list(&pairs).ids().len(), 52);
}

fn l30_a_cancelled_instance_has_its_series_or_only_an_id() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let token = ann.sync_token();
    ann.delete(&format!("{MINE}/{SECOND}"));
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.item(SECOND)["recurringEventId"], "series1");
    assert!(delta.item(SECOND)["originalStartTime"].is_object());
    lab.switch("cancelledInstance", "bare");
    let delta = ann.list(&[("syncToken", &token)]);
    let row = delta.item(SECOND);
    assert_eq!(
        (&row["id"], &row["status"]),
        (&json!(SECOND), &json!("cancelled"))
    );
    assert!(row["recurringEventId"].is_null() && row["originalStartTime"].is_null());
}

fn l31_repeated_property_filters_are_joined_with_and_or_or() {
    let lab = Lab::new();
    let ann = lab.ann();
    for (id, properties) in [
        ("both1", json!({"a": "1", "b": "2"})),
        ("lone1", json!({"a": "1"})),
    ] {
        ann.insert(with(
            timed(id),
            json!({"extendedProperties": {"private": properties}}),
        ));
    }
    let pairs = [
        ("privateExtendedProperty", "a=1"),
        ("privateExtendedProperty", "b=2"),
    ];
    assert_eq!(ann.list(&pairs).ids(), ["both1"]);
    lab.switch("propertyFilters", "or");
    assert_eq!(ann.list(&pairs).ids(), ["both1", "lone1"]);
}

fn l32_fields_can_leave_the_tokens_out() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let list = ann.list(&[("fields", "items(id)")]);
    assert_eq!(list.json, json!({"items": [{"id": "event1"}]}));
    let list = ann.list(&[("fields", "items/id,nextSyncToken")]).ok();
    assert!(list["nextSyncToken"].is_string());
    let error = ann
        .list(&[("fields", "items(")])
        .fails(400, "invalidParameter", "");
    assert_eq!(error["location"], "fields");
}

fn l33_free_busy_access_lists_instances_without_details() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let share = format!("calendars/{ANN}/share");
    lab.control(
        "POST",
        &share,
        json!({"user": BOB, "role": "freeBusyReader"}),
    )
    .ok();
    let list = lab
        .bob()
        .get(&format!("/calendar/v3/calendars/{ANN}/events"));
    assert_eq!(list.ids().len(), 5);
    assert_eq!(list.json["accessRole"], "freeBusyReader");
    let row = list.item(SECOND);
    assert!(row["start"].is_object() && row["summary"].is_null() && row["creator"].is_null());
}

fn l34_own_changes_appear_in_the_delta() {
    let ann = Lab::new().ann();
    let token = ann.sync_token();
    ann.insert(timed("event1"));
    assert_eq!(ann.list(&[("syncToken", &token)]).ids(), ["event1"]);
}

fn l35_a_token_used_twice_gives_the_same_again() {
    let ann = Lab::new().ann();
    let token = ann.sync_token();
    ann.insert(timed("event1"));
    let first = ann.list(&[("syncToken", &token)]).ids();
    ann.insert(timed("event2"));
    let second = ann.list(&[("syncToken", &token)]).ids();
    assert!(first.iter().all(|id| second.contains(id)));
}
