use serde_json::json;

use crate::conformance::lab::{ANN, BOB, Lab, encode, timed, weekly, with};

fn submit(lab: &Lab, pairs: &[(&str, &str)]) -> String {
    let mut all = vec![("user", ANN), ("calendar", ANN)];
    all.retain(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    all.extend(pairs);
    let answer = lab.form("/", &all);
    assert_eq!(answer.status, 303);
    lab.plain("GET", answer.header("location")).text
}

fn see(lab: &Lab, pairs: &[(&str, &str)]) -> String {
    let answer = lab.plain("GET", &format!("/?{}", encode(pairs)));
    assert_eq!(answer.status, 200);
    answer.text
}

#[test]
fn a_person_creates_edits_and_deletes_on_the_page() {
    let lab = Lab::new();
    assert!(see(&lab, &[]).contains("Ann"));
    let new = [
        ("action", "create"),
        ("summary", "Lunch & <b>talk</b>"),
        ("start", "2026-03-03T12:00"),
        ("end", "2026-03-03T13:00"),
        ("guests", BOB),
    ];
    let page = submit(&lab, &new);
    assert!(page.contains("Done.") && page.contains("12:00 Lunch &amp; &lt;b&gt;talk&lt;/b&gt;"));
    let id = lab.ann().list(&[]).ids()[0].clone();
    assert!(see(&lab, &[("user", BOB)]).contains("12:00 Lunch"));
    submit(
        &lab,
        &[("action", "edit"), ("event", &id), ("summary", "Dinner")],
    );
    let event = lab.ann().event(&id);
    assert_eq!(
        (&event["summary"], &event["start"]["dateTime"]),
        (&json!("Dinner"), &json!("2026-03-03T12:00:00Z"))
    );
    let answer = [
        ("user", BOB),
        ("calendar", BOB),
        ("action", "answer"),
        ("event", id.as_str()),
        ("response", "accepted"),
    ];
    submit(&lab, &answer);
    assert_eq!(
        lab.ann().event(&id)["attendees"][0]["responseStatus"],
        "accepted"
    );
    submit(&lab, &[("action", "delete"), ("event", &id)]);
    assert_eq!(lab.ann().event(&id)["status"], "cancelled");
}

#[test]
fn a_person_makes_an_event_all_day_and_splits_a_series() {
    let lab = Lab::new();
    lab.ann().insert(timed("event1"));
    let day = [
        ("action", "edit"),
        ("event", "event1"),
        ("start", "2026-03-03T00:00"),
        ("end", "2026-03-04T00:00"),
        ("all_day", "on"),
    ];
    assert!(submit(&lab, &day).contains("all day Meeting"));
    lab.ann().insert(with(
        weekly("series1"),
        json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=5"]}),
    ));
    let third = "series1_20260304T090000Z";
    let open = see(&lab, &[("user", ANN), ("event", third)]);
    assert!(open.contains("this and following"));
    submit(
        &lab,
        &[("action", "split"), ("event", third), ("summary", "Later")],
    );
    assert!(
        lab.ann()
            .list(&[])
            .ids()
            .contains(&"series1_R20260304T090000".to_owned())
    );
}

#[test]
fn what_is_refused_is_shown() {
    let lab = Lab::new();
    let page = submit(&lab, &[("action", "edit"), ("event", "nothing")]);
    assert!(page.contains("404 notFound"));
    assert!(
        see(
            &lab,
            &[
                ("user", "nobody"),
                ("week", "x"),
                ("calendar", "\"><script>")
            ]
        )
        .contains("Accounts")
    );
}
