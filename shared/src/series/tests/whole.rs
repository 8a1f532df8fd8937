//! A whole series, and single events.

use super::super::{EditTarget, Refusal, Rows, Scope, Write, create, edit, remove};
use super::{MASTER, NEW, change, delete, field_of, fields, lines, patch, row, series};
use serde_json::{Value, json};
use uuid::Uuid;

fn moved(rule: &str, start: &str, times: Value, expected: &str, first: &str) {
    let rows = series(json!([rule]), &[]);
    let made = change(&rows, Scope::All, start, times).unwrap();
    let row = fields(&made, MASTER);
    assert_eq!(row["starts_at"], first, "{rule}");
    assert_eq!(lines(&made, MASTER), [expected], "{rule}");
}

#[test]
fn a_series_moves_with_the_occurrence_that_is_dragged() {
    let times = json!({"starts_at": "2031-01-22T10:00:00Z", "ends_at": "2031-01-22T11:00:00Z"});
    let third = "2031-01-21T08:00:00Z";
    for (rule, expected) in [
        ("RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY"),
        (
            "RRULE:FREQ=WEEKLY;BYDAY=TU,FR",
            "RRULE:FREQ=WEEKLY;BYDAY=WE,SA",
        ),
        (
            "RRULE:FREQ=WEEKLY;UNTIL=20310128T080000Z",
            "RRULE:FREQ=WEEKLY;UNTIL=20310129T100000Z",
        ),
    ] {
        moved(
            rule,
            third,
            times.clone(),
            expected,
            "2031-01-08T10:00:00.000000Z",
        );
    }
}

#[test]
fn a_monthly_rule_names_the_new_day() {
    let times = json!({"starts_at": "2031-01-09T08:00:00Z", "ends_at": "2031-01-09T09:00:00Z"});
    for (rule, expected) in [
        (
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=7",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=9",
        ),
        (
            "RRULE:FREQ=MONTHLY;BYDAY=1TU",
            "RRULE:FREQ=MONTHLY;BYDAY=2TH",
        ),
    ] {
        moved(
            rule,
            "",
            times.clone(),
            expected,
            "2031-01-09T08:00:00.000000Z",
        );
    }
}

#[test]
fn a_rule_that_does_not_fit_the_new_start_is_asked_for() {
    let rows = series(json!(["RRULE:FREQ=MONTHLY;BYDAY=TU;BYSETPOS=1"]), &[]);
    let times = json!({"starts_at": "2031-01-09T08:00:00Z", "ends_at": "2031-01-09T09:00:00Z"});
    assert_eq!(field_of(change(&rows, Scope::All, "", times)), "recurrence");
}

#[test]
fn exceptions_follow_what_they_had_in_common() {
    let exceptions = [
        json!({"original_start": "2031-01-14T08:00:00Z", "title": "Own", "starts_at": "2031-01-14T08:00:00Z", "ends_at": "2031-01-14T09:00:00Z"}),
        json!({"original_start": "2031-01-21T08:00:00Z", "status": "cancelled", "starts_at": "2031-01-21T08:00:00Z", "ends_at": "2031-01-21T09:00:00Z"}),
        json!({"original_start": "2031-01-28T08:00:00Z"}),
    ];
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &exceptions);
    let all = json!({"title": "Circle", "starts_at": "2031-01-07T10:00:00Z", "ends_at": "2031-01-07T11:00:00Z"});
    let made = change(&rows, Scope::All, "", all.clone()).unwrap();
    let own = fields(&made, Uuid::from_u128(10));
    assert!(!own.contains_key("title"));
    assert_eq!(own["starts_at"], "2031-01-14T10:00:00.000000Z");
    assert_eq!(
        fields(&made, Uuid::from_u128(11))["original_start"],
        "2031-01-21T10:00:00Z"
    );
    assert_eq!(fields(&made, Uuid::from_u128(12))["title"], "Circle");
    // Later ones first, so that no two are planned for one start in between.
    let order: Vec<Uuid> = made.writes.iter().map(Write::id).collect();
    assert_eq!(order, [1, 12, 11, 10].map(Uuid::from_u128));
    let mut shared = rows.clone();
    let master = shared.rows.get_mut(&MASTER).unwrap();
    master.0.insert("sync_state".into(), json!("synced"));
    let made = change(&shared, Scope::All, "", all).unwrap();
    assert_eq!(
        made.writes.len(),
        2,
        "Google says what becomes of the others' times: {made:#?}"
    );
}

#[test]
fn a_series_goes_with_its_exceptions() {
    let exceptions = [json!({"original_start": "2031-01-14T08:00:00Z"})];
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &exceptions);
    let ids = |writes: Vec<Write>| writes.iter().map(Write::id).collect::<Vec<_>>();
    let gone = delete(&rows, Scope::All, "").unwrap();
    assert_eq!(ids(gone.writes), [Uuid::from_u128(10), MASTER]);
    let single = change(&rows, Scope::All, "", json!({"recurrence": null})).unwrap();
    assert_eq!(ids(single.writes), [MASTER, Uuid::from_u128(10)]);
}

#[test]
fn an_exception_is_itself_unless_more_is_meant() {
    let exceptions = [json!({"original_start": "2031-01-14T08:00:00Z"})];
    let rows = series(json!(["RRULE:FREQ=WEEKLY"]), &exceptions);
    let own = Uuid::from_u128(10);
    let wanted = |scope| EditTarget {
        event: own,
        scope,
        original_start: None,
    };
    let this = edit(&rows, &wanted(None), &patch(json!({"title": "x"})), NEW).unwrap();
    assert_eq!(this.main, own);
    let all = edit(
        &rows,
        &wanted(Some(Scope::All)),
        &patch(json!({"title": "x"})),
        NEW,
    )
    .unwrap();
    assert_eq!(all.main, MASTER);
    let gone = remove(&rows, &wanted(Some(Scope::Following)), NEW).unwrap();
    assert_eq!(
        lines(&gone, MASTER),
        ["RRULE:FREQ=WEEKLY;UNTIL=20310114T075959Z"]
    );
}

fn single(value: Value, change: Value) -> Result<super::Edit, Refusal> {
    let rows = Rows {
        rows: [(MASTER, row(value))].into(),
        zone: "UTC".into(),
    };
    let wanted = EditTarget {
        event: MASTER,
        scope: None,
        original_start: None,
    };
    edit(&rows, &wanted, &patch(change), NEW)
}

#[test]
fn times_name_the_field_that_is_wrong() {
    for (change, field) in [
        (json!({"ends_at": "2031-01-07T07:00:00Z"}), "ends_at"),
        (json!({"all_day": true}), "starts_on"),
        (json!({"starts_on": "2031-01-07"}), "starts_on"),
        (
            json!({"all_day": true, "starts_on": "2031-01-07", "ends_on": "2031-01-07"}),
            "ends_on",
        ),
        (json!({"starts_at": null}), "starts_at"),
        (
            json!({"recurrence": ["RRULE:FREQ=SOMETIMES"]}),
            "recurrence",
        ),
        (
            json!({"recurrence": ["DTSTART:20310107T080000Z"]}),
            "recurrence",
        ),
        (
            json!({"recurrence": ["RRULE:FREQ=YEARLY;COUNT=1", "EXDATE:20310107T080000Z"]}),
            "recurrence",
        ),
    ] {
        assert_eq!(
            field_of(single(json!({}), change.clone())),
            field,
            "{change}"
        );
    }
}

#[test]
fn an_event_becomes_all_day_and_a_series() {
    let days = json!({"all_day": true, "starts_on": "2031-01-07", "ends_on": "2031-01-08"});
    let made = single(json!({}), days).unwrap();
    assert_eq!(fields(&made, MASTER)["starts_at"], Value::Null);
    let repeated = single(
        json!({}),
        json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}),
    )
    .unwrap();
    assert_eq!(
        fields(&repeated, MASTER).len(),
        1,
        "its times stay as they are"
    );
}

#[test]
fn a_new_event_needs_its_times() {
    let new = |value| create(NEW, &patch(value), "UTC");
    assert_eq!(field_of(new(json!({"all_day": false}))), "starts_at");
    assert_eq!(
        field_of(new(json!({"all_day": true, "starts_on": "2031-01-07"}))),
        "ends_on"
    );
    let timed = json!({"all_day": false, "starts_at": "2031-01-07T08:00:00Z", "ends_at": "2031-01-07T08:00:00Z"});
    assert!(new(timed).is_ok());
}
