//! One occurrence; an occurrence and those after it.

use super::super::{Scope, Write};
use super::{MASTER, NEW, change, delete, field_of, fields, lines, series};
use serde_json::json;
use uuid::Uuid;

const THIRD: &str = "2031-01-21T08:00:00Z";

#[test]
fn an_occurrence_gets_a_row_at_its_planned_time() {
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &[]);
    let made = change(&rows, Scope::This, THIRD, json!({"title": "Special"})).unwrap();
    let row = fields(&made, NEW);
    assert_eq!(row["title"], "Special");
    assert_eq!(row["original_start"], THIRD);
    assert_eq!(row["recurring_event_id"], json!(MASTER));
    assert_eq!(row["starts_at"], "2031-01-21T08:00:00.000000Z");
    assert_eq!(row["ends_at"], "2031-01-21T09:00:00.000000Z");
    assert!(!row.contains_key("recurrence"));
}

#[test]
fn an_occurrence_after_the_change_of_the_clocks_is_at_the_same_wall_time() {
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &[]);
    let made = change(&rows, Scope::This, "2031-04-01T07:00:00Z", json!({})).unwrap();
    assert_eq!(
        fields(&made, NEW)["starts_at"],
        "2031-04-01T07:00:00.000000Z"
    );
    let wrong = change(&rows, Scope::This, "2031-04-01T08:00:00Z", json!({}));
    assert_eq!(field_of(wrong), "original_start");
}

#[test]
fn a_start_of_another_form_or_of_no_occurrence_is_refused() {
    let rows = series(json!(["RRULE:FREQ=WEEKLY", "EXDATE:20310114T080000Z"]), &[]);
    for wrong in [
        "2031-01-21",
        "2031-01-22T08:00:00Z",
        "2031-01-14T08:00:00Z",
        "2030-12-31T08:00:00Z",
    ] {
        for scope in [Scope::This, Scope::Following, Scope::All] {
            assert_eq!(
                field_of(change(&rows, scope, wrong, json!({}))),
                "original_start",
                "{wrong}"
            );
        }
    }
    assert_eq!(
        field_of(change(&rows, Scope::This, "", json!({}))),
        "original_start"
    );
}

#[test]
fn a_deleted_occurrence_is_a_cancelled_row() {
    let exception = json!({"original_start": THIRD, "title": "Special"});
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &[exception]);
    let plain = delete(&rows, Scope::This, "2031-01-14T08:00:00Z").unwrap();
    assert_eq!(fields(&plain, NEW)["status"], "cancelled");
    let own = delete(&rows, Scope::This, THIRD).unwrap();
    assert_eq!(own.writes.len(), 1);
    assert_eq!(fields(&own, Uuid::from_u128(10))["status"], "cancelled");
}

#[test]
fn a_deleted_occurrence_is_not_edited_but_can_come_back() {
    let cancelled = json!({"original_start": THIRD, "status": "cancelled"});
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &[cancelled]);
    assert_eq!(
        field_of(change(&rows, Scope::This, THIRD, json!({"title": "x"}))),
        "state"
    );
    assert_eq!(field_of(delete(&rows, Scope::This, THIRD)), "unknown");
    let back = change(&rows, Scope::This, THIRD, json!({"status": "confirmed"})).unwrap();
    assert_eq!(fields(&back, Uuid::from_u128(10))["status"], "confirmed");
}

fn split(rule: &str, before: &[&str], after: &[&str]) {
    let rows = series(json!(rule.split('|').collect::<Vec<_>>()), &[]);
    let made = change(&rows, Scope::Following, THIRD, json!({"title": "Late"})).unwrap();
    assert_eq!(lines(&made, MASTER), before, "{rule}");
    assert_eq!(lines(&made, NEW), after, "{rule}");
    assert_eq!(
        fields(&made, NEW)["starts_at"],
        "2031-01-21T08:00:00.000000Z"
    );
    let trimmed = delete(&rows, Scope::Following, THIRD).unwrap();
    assert_eq!(lines(&trimmed, MASTER), before, "{rule}");
    assert_eq!(trimmed.writes.len(), 1);
}

#[test]
fn a_split_series_ends_before_and_goes_on_after() {
    split(
        "RRULE:FREQ=WEEKLY",
        &["RRULE:FREQ=WEEKLY;UNTIL=20310121T075959Z"],
        &["RRULE:FREQ=WEEKLY"],
    );
    split(
        "RRULE:FREQ=WEEKLY;COUNT=10",
        &["RRULE:FREQ=WEEKLY;COUNT=2"],
        &["RRULE:FREQ=WEEKLY;COUNT=8"],
    );
    split(
        "RRULE:FREQ=WEEKLY;UNTIL=20310301T000000Z",
        &["RRULE:FREQ=WEEKLY;UNTIL=20310121T075959Z"],
        &["RRULE:FREQ=WEEKLY;UNTIL=20310301T000000Z"],
    );
    split(
        "RRULE:FREQ=WEEKLY;COUNT=5|EXDATE:20310114T080000Z,20310128T080000Z|RDATE:20310109T080000Z",
        &[
            "RRULE:FREQ=WEEKLY;COUNT=2",
            "EXDATE:20310114T080000Z",
            "RDATE:20310109T080000Z",
        ],
        &["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20310128T080000Z"],
    );
}

#[test]
fn a_split_at_the_first_occurrence_is_the_whole_series() {
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &[]);
    let first = "2031-01-07T08:00:00Z";
    let made = change(&rows, Scope::Following, first, json!({"title": "All"})).unwrap();
    assert_eq!(made.main, MASTER);
    assert_eq!(made.writes.len(), 1);
    let gone = delete(&rows, Scope::Following, first).unwrap();
    assert_eq!(gone.writes, [Write::Delete { id: MASTER }]);
}

#[test]
fn exceptions_after_a_split_go_with_the_rest() {
    let exceptions = [
        json!({"original_start": "2031-01-14T08:00:00Z", "title": "Early"}),
        json!({"original_start": "2031-01-28T08:00:00Z", "starts_at": "2031-01-28T08:00:00Z", "ends_at": "2031-01-28T09:00:00Z"}),
        json!({"original_start": "2031-02-04T08:00:00Z", "starts_at": "2031-02-05T12:00:00Z", "ends_at": "2031-02-05T13:00:00Z"}),
    ];
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &exceptions);
    let later = json!({"starts_at": "2031-01-21T10:00:00Z", "ends_at": "2031-01-21T11:30:00Z"});
    let made = change(&rows, Scope::Following, THIRD, later).unwrap();
    assert_eq!(made.writes.len(), 4, "{made:#?}");
    let plain = fields(&made, Uuid::from_u128(11));
    assert_eq!(plain["recurring_event_id"], json!(NEW));
    assert_eq!(plain["original_start"], "2031-01-28T10:00:00Z");
    assert_eq!(plain["ends_at"], "2031-01-28T11:30:00.000000Z");
    let own = fields(&made, Uuid::from_u128(12));
    assert_eq!(own["original_start"], "2031-02-04T10:00:00Z");
    assert!(!own.contains_key("starts_at"), "its times were its own");
}

#[test]
fn all_day_series_are_cut_by_date() {
    let mut rows = series(json!(["RRULE:FREQ=DAILY"]), &[]);
    let master = rows.rows.get_mut(&MASTER).unwrap();
    let days = json!({"all_day": true, "starts_on": "2031-01-07", "ends_on": "2031-01-09", "starts_at": null, "ends_at": null});
    master.0.extend(days.as_object().unwrap().clone());
    let made = change(&rows, Scope::Following, "2031-01-10", json!({})).unwrap();
    assert_eq!(lines(&made, MASTER), ["RRULE:FREQ=DAILY;UNTIL=20310109"]);
    let tail = fields(&made, NEW);
    assert_eq!(
        (&tail["starts_on"], &tail["ends_on"]),
        (&json!("2031-01-10"), &json!("2031-01-12"))
    );
    let one = change(
        &rows,
        Scope::This,
        "2031-01-10",
        json!({"ends_on": "2031-01-11"}),
    )
    .unwrap();
    assert_eq!(fields(&one, NEW)["ends_on"], "2031-01-11");
}

#[test]
fn an_extra_date_begins_no_series() {
    let rows = series(json!(["RRULE:FREQ=WEEKLY", "RDATE:20310122T080000Z"]), &[]);
    let cut = change(&rows, Scope::Following, "2031-01-22T08:00:00Z", json!({}));
    assert_eq!(field_of(cut), "original_start");
}

/// Lines that are not understood here, beside a rule.
const ODD: [&str; 4] = [
    "EXRULE:FREQ=MONTHLY",
    "RDATE;VALUE=PERIOD:20310116T090000Z/PT1H",
    "EXDATE;TZID=Mars/Olympus:20310114T090000",
    "X-NOTE:by hand",
];

#[test]
fn lines_that_are_not_understood_are_neither_cut_nor_moved() {
    for odd in ODD {
        let rows = series(json!(["RRULE:FREQ=WEEKLY", odd]), &[]);
        let later = json!({"starts_at": "2031-01-07T10:00:00Z", "ends_at": "2031-01-07T11:00:00Z"});
        for refused in [
            change(&rows, Scope::All, "2031-01-07T08:00:00Z", later),
            change(&rows, Scope::Following, THIRD, json!({"title": "Other"})),
            delete(&rows, Scope::Following, THIRD),
        ] {
            assert_eq!(field_of(refused), "state", "{odd}");
        }
        let made = change(&rows, Scope::All, "", json!({"title": "Other"})).unwrap();
        assert!(!fields(&made, MASTER).contains_key("recurrence"), "{odd}");
        let one = change(&rows, Scope::This, THIRD, json!({"title": "Other"})).unwrap();
        assert_eq!(one.writes.len(), 1, "{odd}");
    }
}

#[test]
fn dates_move_on_the_wall_clock_of_their_series() {
    let lines_of = |zone: &str, dates: &str, start: &str, end: &str| {
        let mut rows = series(json!(["RRULE:FREQ=WEEKLY", dates]), &[]);
        let master = rows.rows.get_mut(&MASTER).unwrap();
        master.0.insert("time_zone".into(), json!(zone));
        let times = json!({"starts_at": start, "ends_at": end});
        let made = change(&rows, Scope::All, "", times).unwrap();
        lines(&made, MASTER)[1].clone()
    };
    let (start, end) = ("2031-01-07T09:00:00Z", "2031-01-07T10:00:00Z");
    for (zone, dates, expected) in [
        (
            "Europe/Berlin",
            "EXDATE;TZID=Europe/Berlin:20310408T090000",
            "EXDATE;TZID=Europe/Berlin:20310408T100000",
        ),
        (
            "europe/berlin",
            "RDATE;tzid=\"europe/berlin\":20310408T090000",
            "RDATE;TZID=Europe/Berlin:20310408T100000",
        ),
        (
            "GMT+02:00",
            "EXDATE:20310114T080000Z",
            "EXDATE;TZID=Etc/GMT-2:20310114T110000",
        ),
        ("UTC", "EXDATE:20310114T080000Z", "EXDATE:20310114T090000Z"),
    ] {
        assert_eq!(lines_of(zone, dates, start, end), expected, "{zone}");
    }
}

#[test]
fn a_first_start_beside_the_rule_takes_place() {
    // 2031-01-07 is a Tuesday.
    let rows = series(json!(["RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=2"]), &[]);
    for (start, is_planned) in [
        ("2031-01-07T08:00:00Z", true),
        ("2031-01-08T08:00:00Z", true),
        ("2031-01-14T08:00:00Z", false),
        ("2031-01-15T08:00:00Z", true),
        ("2031-01-22T08:00:00Z", false),
    ] {
        let made = change(&rows, Scope::This, start, json!({"title": "One"}));
        assert_eq!(made.is_ok(), is_planned, "{start}");
    }
}

#[test]
fn a_date_excludes_no_time() {
    let lines = json!(["RRULE:FREQ=WEEKLY", "EXDATE;VALUE=DATE:20310121"]);
    let made = change(
        &series(lines, &[]),
        Scope::This,
        THIRD,
        json!({"title": "One"}),
    );
    assert!(made.is_ok(), "{made:?}");
}
