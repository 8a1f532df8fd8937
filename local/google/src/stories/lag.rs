use serde_json::json;

use crate::conformance::lab::{Lab, MINE, timed, weekly};

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

#[test]
fn a_fresh_event_is_not_found_until_the_lag_is_over_but_its_id_is_taken() {
    let lab = Lab::new();
    let ann = lab.ann();
    lab.switch("readLagSeconds", 10);
    assert_eq!(ann.insert(timed("event1"))["id"], "event1");
    ann.get(&at("event1")).fails(404, "notFound", "");
    ann.patch(&at("event1"), json!({}))
        .fails(404, "notFound", "");
    ann.post(MINE, timed("event1")).fails(409, "duplicate", "");
    assert!(ann.list(&[]).ids().is_empty());
    lab.advance(10);
    assert_eq!(ann.list(&[]).ids(), ["event1"]);
}

#[test]
fn a_delta_taken_too_early_does_not_swallow_the_change() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let token = ann.sync_token();
    lab.switch("readLagSeconds", 10);
    ann.patch(&at("event1"), json!({"summary": "New"})).ok();
    let early = ann.list(&[("syncToken", &token)]).ok();
    assert_eq!(early["items"], json!([]));
    assert_eq!(
        ann.list(&[]).item("event1")["summary"],
        "Meeting",
        "a full list shows the old state"
    );
    lab.advance(10);
    let token = early["nextSyncToken"].as_str().unwrap();
    assert_eq!(
        ann.list(&[("syncToken", token)]).item("event1")["summary"],
        "New"
    );
}

#[test]
fn a_fresh_exception_is_the_plain_occurrence_until_the_lag_is_over() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(weekly("series1"));
    let all = ann.list(&[("singleEvents", "true")]).ids();
    let id = all.last().unwrap();
    lab.switch("readLagSeconds", 10);
    ann.patch(&at(id), json!({"summary": "Moved"})).ok();
    assert_eq!(ann.event(id)["summary"], "Weekly");
    lab.advance(10);
    assert_eq!(ann.event(id)["summary"], "Moved");
}

#[test]
fn a_stale_read_gives_an_etag_that_is_no_longer_met() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    lab.switch("readLagSeconds", 10);
    ann.patch(&at("event1"), json!({"summary": "New"})).ok();
    let stale = ann.event("event1")["etag"].as_str().unwrap().to_owned();
    let body = json!({"summary": "Newer"});
    let answer = ann.send("PATCH", &at("event1"), &[("if-match", &stale)], &body);
    answer.fails(412, "conditionNotMet", "");
    lab.advance(10);
    assert_ne!(ann.event("event1")["etag"], stale);
}

#[test]
fn a_write_that_changes_nothing_moves_the_etag_or_keeps_it() {
    let lab = Lab::new();
    let ann = lab.ann();
    let before = ann.insert(timed("event1"));
    let same = ann.patch(&at("event1"), json!({"summary": "Meeting"})).ok();
    assert_ne!(same["etag"], before["etag"]);
    lab.switch("noopWrite", "sameEtag");
    let again = ann.patch(&at("event1"), json!({"summary": "Meeting"})).ok();
    assert_eq!(again["etag"], same["etag"]);
}

#[test]
fn a_patch_to_all_day_must_clear_the_old_time() {
    let lab = Lab::new();
    let ann = lab.ann();
    ann.insert(timed("event1"));
    let day = json!({"start": {"date": "2026-03-02"}, "end": {"date": "2026-03-03"}});
    ann.patch(&at("event1"), day.clone())
        .fails(400, "invalid", "");
    let cleared = json!({
        "start": {"date": "2026-03-02", "dateTime": null, "timeZone": null},
        "end": {"date": "2026-03-03", "dateTime": null, "timeZone": null},
    });
    assert_eq!(
        ann.patch(&at("event1"), cleared).ok()["start"],
        json!({"date": "2026-03-02"})
    );
    ann.insert(timed("event2"));
    lab.switch("patchMixedTime", "replaced");
    assert_eq!(
        ann.patch(&at("event2"), day).ok()["start"],
        json!({"date": "2026-03-02"})
    );
}
