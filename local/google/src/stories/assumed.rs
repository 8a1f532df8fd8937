//! What is assumed, at each position.

use serde_json::json;

use crate::conformance::lab::{BOB, Lab, MINE, timed, weekly, with};

#[test]
fn an_exception_follows_its_series_where_they_agreed_or_stays() {
    for (position, place) in [("follow", "Room 2"), ("stay", "Room 1")] {
        let lab = Lab::new();
        let ann = lab.ann();
        lab.switch("exceptionFields", position);
        ann.insert(with(weekly("series1"), json!({"location": "Room 1"})));
        let second = format!("{MINE}/series1_20260309T090000Z");
        ann.patch(&second, json!({"summary": "Second"})).ok();
        ann.patch(&format!("{MINE}/series1"), json!({"location": "Room 2"}))
            .ok();
        let exception = ann.event("series1_20260309T090000Z");
        assert_eq!(exception["summary"], "Second");
        assert_eq!(exception["location"], place);
    }
}

#[test]
fn fractions_of_a_second_are_dropped() {
    let lab = Lab::new();
    let ann = lab.ann();
    let body = json!({"start": {"dateTime": "2026-03-02T09:00:00.5Z"}});
    ann.insert(with(timed("event1"), body));
    assert_eq!(
        ann.event("event1")["start"]["dateTime"],
        "2026-03-02T09:00:00Z"
    );
}

#[test]
fn a_guests_copy_has_a_colour_of_its_own_or_the_organizers() {
    for (position, colour) in [("own", "5"), ("organizers", "4")] {
        let lab = Lab::new();
        lab.switch("guestFields", position);
        let mine = with(
            timed("event1"),
            json!({"attendees": [{"email": BOB}], "colorId": "3"}),
        );
        lab.ann().insert(mine);
        let at = format!("{MINE}/event1");
        lab.bob().patch(&at, json!({"colorId": "5"})).ok();
        lab.ann().patch(&at, json!({"colorId": "4"})).ok();
        assert_eq!(lab.bob().event("event1")["colorId"], colour, "{position}");
    }
}

#[test]
fn texts_and_occurrences_have_limits() {
    let lab = Lab::new();
    let ann = lab.ann();
    lab.switch("textLimitBytes", 20);
    let long = json!({"summary": "A title of thirty characters.."});
    assert_eq!(ann.post(MINE, with(timed("event1"), long)).status, 400);
    lab.switch("occurrencesPerSeries", 3);
    ann.insert(weekly("series1"));
    let path = format!("{MINE}/series1/instances");
    let instances = ann.get(&path).ok();
    assert_eq!(instances["items"].as_array().map(Vec::len), Some(3));
}
