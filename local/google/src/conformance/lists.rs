//! L1 to L19: pages, filters, and what does not go with a sync token.

use serde_json::json;

use super::lab::{ANN, Lab, MINE, Session, timed, with};
use super::rows;

rows! {
    "L1" "S" Pass l01_a_short_list_has_a_sync_token_and_no_page_token;
    "L2" "S" Pass l02_the_default_page_has_250_items_and_no_sync_token;
    "L3" "D" Pass l03_the_sync_token_is_on_the_last_page_only;
    "L4" "S" Pass l04_more_than_2500_per_page_gives_2500;
    "L5" "L" Switch l05_a_page_of_tombstones_is_empty_and_goes_on;
    "L6" "C" Pass l06_a_page_token_needs_the_same_query;
    "L7" "X" Switch l07_ordering_by_start_needs_single_events;
    "L8" "D" Pass l08_an_empty_time_range_is_refused;
    "L9" "S" Pass l09_a_bound_without_offset_is_refused;
    "L10" "S" Pass l10_an_event_that_ends_at_the_lower_bound_is_outside;
    "L11" "S" Pass l11_an_event_that_starts_at_the_upper_bound_is_outside;
    "L12" "D" Pass l12_without_changes_a_delta_is_empty_and_has_a_token;
    "L13" "D" Pass l13_five_changes_are_one_row_in_its_latest_state;
    "L14" "U" Switch l14_a_short_lived_event_is_a_tombstone_or_nothing;
    "L15" "D" Pass l15_a_deleted_event_is_cancelled_in_the_delta;
    "L16" "S" Pass l16_a_token_does_not_go_with_hiding_deletions;
    "L17" "S" Pass l17_a_token_does_not_go_with_a_time_window;
    "L18" "S" Pass l18_a_token_does_not_go_with_other_restrictions;
    "L19" "D" Pass l19_a_large_delta_is_paged_with_the_same_token;
}

/// Adds plain hourly events to Ann's calendar.
pub(super) fn fill(lab: &Lab, count: u32) {
    lab.control(
        "POST",
        &format!("calendars/{ANN}/fill"),
        json!({ "count": count }),
    )
    .ok();
}

/// Walks all pages and returns each page's item count and the sync token at the end.
pub(super) fn walk(session: &Session, pairs: &[(&str, &str)]) -> (Vec<usize>, String) {
    let mut sizes = Vec::new();
    let mut page = String::new();
    loop {
        let mut query = pairs.to_vec();
        if !page.is_empty() {
            query.push(("pageToken", &page));
        }
        let body = session.list(&query).ok();
        sizes.push(body["items"].as_array().map_or(0, Vec::len));
        match body["nextPageToken"].as_str() {
            Some(next) => {
                assert!(body["nextSyncToken"].is_null());
                page = next.to_owned();
            }
            None => {
                return (
                    sizes,
                    body["nextSyncToken"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
        }
    }
}

fn l01_a_short_list_has_a_sync_token_and_no_page_token() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let body = ann.list(&[]).ok();
    assert_eq!(body["kind"], "calendar#events");
    assert_eq!(
        (&body["summary"], &body["timeZone"]),
        (&json!(ANN), &json!("UTC"))
    );
    assert_eq!(body["accessRole"], "owner");
    assert!(body["etag"].is_string() && body["updated"].is_string());
    assert!(body["defaultReminders"].is_array());
    assert_eq!(body["items"].as_array().map(Vec::len), Some(1));
    assert!(body["nextSyncToken"].is_string() && body["nextPageToken"].is_null());
}

fn l02_the_default_page_has_250_items_and_no_sync_token() {
    let lab = Lab::new();
    fill(&lab, 251);
    let body = lab.ann().list(&[]).ok();
    assert_eq!(body["items"].as_array().map(Vec::len), Some(250));
    assert!(body["nextPageToken"].is_string() && body["nextSyncToken"].is_null());
}

fn l03_the_sync_token_is_on_the_last_page_only() {
    let lab = Lab::new();
    fill(&lab, 251);
    let (sizes, token) = walk(&lab.ann(), &[]);
    assert_eq!(sizes, [250, 1]);
    assert!(!token.is_empty());
    let lab = Lab::new();
    fill(&lab, 250);
    assert_eq!(walk(&lab.ann(), &[]).0, [250]);
}

fn l04_more_than_2500_per_page_gives_2500() {
    let lab = Lab::new();
    fill(&lab, 2501);
    assert_eq!(walk(&lab.ann(), &[("maxResults", "10000")]).0, [2500, 1]);
}

fn l05_a_page_of_tombstones_is_empty_and_goes_on() {
    let lab = Lab::new();
    let ann = lab.ann();
    for id in ["event1", "event2", "event3"] {
        ann.insert(timed(id));
        ann.delete(&format!("{MINE}/{id}"));
    }
    ann.insert(timed("event4"));
    let (sizes, token) = walk(&ann, &[("maxResults", "2")]);
    assert_eq!(sizes, [0, 1]);
    assert!(!token.is_empty());
    lab.switch("pageFill", "full");
    assert_eq!(walk(&ann, &[("maxResults", "2")]).0, [1]);
}

fn l06_a_page_token_needs_the_same_query() {
    let lab = Lab::new();
    fill(&lab, 3);
    let ann = lab.ann();
    let body = ann.list(&[("maxResults", "2")]).ok();
    let page = body["nextPageToken"].as_str().unwrap_or_default();
    let other = [
        ("maxResults", "2"),
        ("pageToken", page),
        ("singleEvents", "true"),
    ];
    ann.list(&other)
        .fails(400, "invalid", "Invalid page token value.");
    ann.list(&[("pageToken", "garbage")])
        .fails(400, "invalid", "Invalid page token value.");
    assert_eq!(
        ann.list(&[("maxResults", "2"), ("pageToken", page)])
            .ids()
            .len(),
        1
    );
}

fn l07_ordering_by_start_needs_single_events() {
    let lab = Lab::new();
    let ann = lab.ann();
    let text = "The requested ordering is not available for the particular query.";
    ann.list(&[("orderBy", "startTime")])
        .fails(400, "badRequest", text);
    ann.insert(timed("later"));
    let day = json!({"start": {"date": "2026-03-01"}, "end": {"date": "2026-03-02"}});
    ann.insert(with(timed("first"), day));
    let sorted = ann.list(&[("orderBy", "startTime"), ("singleEvents", "true")]);
    assert_eq!(sorted.ids(), ["first", "later"]);
    lab.switch("errorMessages", "generic");
    ann.list(&[("orderBy", "startTime")])
        .fails(400, "badRequest", "Bad Request");
}

fn l08_an_empty_time_range_is_refused() {
    let ann = Lab::new().ann();
    let at = "2026-03-02T10:00:00Z";
    let error = ann.list(&[("timeMin", at), ("timeMax", at)]).fails(
        400,
        "timeRangeEmpty",
        "The specified time range is empty.",
    );
    assert_eq!(
        (&error["location"], &error["domain"]),
        (&json!("timeMax"), &json!("calendar"))
    );
}

fn l09_a_bound_without_offset_is_refused() {
    let ann = Lab::new().ann();
    for name in ["timeMin", "timeMax", "updatedMin"] {
        assert_eq!(ann.list(&[(name, "2026-03-02T10:00:00")]).status, 400);
        assert_eq!(ann.list(&[(name, "yesterday")]).status, 400);
        ann.list(&[(name, "2026-03-02T10:00:00.123+01:00")]).ok();
    }
}

fn l10_an_event_that_ends_at_the_lower_bound_is_outside() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    assert!(
        ann.list(&[("timeMin", "2026-03-02T11:00:00Z")])
            .ids()
            .is_empty()
    );
    assert_eq!(
        ann.list(&[("timeMin", "2026-03-02T10:59:59Z")]).ids(),
        ["event1"]
    );
}

fn l11_an_event_that_starts_at_the_upper_bound_is_outside() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    assert!(
        ann.list(&[("timeMax", "2026-03-02T10:00:00Z")])
            .ids()
            .is_empty()
    );
    assert_eq!(
        ann.list(&[("timeMax", "2026-03-02T10:00:01Z")]).ids(),
        ["event1"]
    );
}

fn l12_without_changes_a_delta_is_empty_and_has_a_token() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let body = ann.list(&[("syncToken", &ann.sync_token())]).ok();
    assert_eq!(body["items"], json!([]));
    assert!(body["nextSyncToken"].is_string());
}

fn l13_five_changes_are_one_row_in_its_latest_state() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let token = ann.sync_token();
    for number in 1..=5 {
        let patch = json!({"summary": format!("Version {number}")});
        ann.patch(&format!("{MINE}/event1"), patch).ok();
    }
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.ids(), ["event1"]);
    assert_eq!(delta.item("event1")["summary"], "Version 5");
}

fn l14_a_short_lived_event_is_a_tombstone_or_nothing() {
    let lab = Lab::new();
    let ann = lab.ann();
    let token = ann.sync_token();
    ann.insert(timed("event1"));
    ann.delete(&format!("{MINE}/event1"));
    let delta = ann.list(&[("syncToken", &token)]);
    assert_eq!(delta.item("event1")["status"], "cancelled");
    lab.switch("shortLived", "nothing");
    assert!(ann.list(&[("syncToken", &token)]).ids().is_empty());
}

fn l15_a_deleted_event_is_cancelled_in_the_delta() {
    let ann = Lab::new().ann();
    ann.insert(timed("event1"));
    let token = ann.sync_token();
    ann.delete(&format!("{MINE}/event1"));
    let delta = ann.list(&[("syncToken", &token)]);
    let row = delta.item("event1");
    assert_eq!(row["status"], "cancelled");
    assert!(row["summary"].is_null(), "only the id is sure");
    let detailed = ann.list(&[("syncToken", &token), ("showDeleted", "true")]);
    assert_eq!(detailed.item("event1")["summary"], "Meeting");
}

fn refused_with_token(name: &str, value: &str) {
    let ann = Lab::new().ann();
    let token = ann.sync_token();
    let answer = ann.list(&[("syncToken", &token), (name, value)]);
    assert_eq!(answer.status, 400, "{name}");
    assert!(answer.json["error"]["errors"][0]["reason"].is_string());
}

fn l16_a_token_does_not_go_with_hiding_deletions() {
    refused_with_token("showDeleted", "false");
}

fn l17_a_token_does_not_go_with_a_time_window() {
    refused_with_token("timeMin", "2026-03-02T10:00:00Z");
    refused_with_token("timeMax", "2026-03-02T10:00:00Z");
}

fn l18_a_token_does_not_go_with_other_restrictions() {
    refused_with_token("q", "word");
    refused_with_token("orderBy", "updated");
    refused_with_token("iCalUID", "uid");
    refused_with_token("updatedMin", "2026-03-02T10:00:00Z");
    refused_with_token("privateExtendedProperty", "a=b");
    refused_with_token("sharedExtendedProperty", "a=b");
}

fn l19_a_large_delta_is_paged_with_the_same_token() {
    let lab = Lab::new();
    let ann = lab.ann();
    let token = ann.sync_token();
    fill(&lab, 5);
    let (sizes, next) = walk(&ann, &[("syncToken", &token), ("maxResults", "2")]);
    assert_eq!(sizes, [2, 2, 1]);
    assert!(ann.list(&[("syncToken", &next)]).ids().is_empty());
}
