//! R17 and R18: where what Google shows of a series is not what a reader of RFC 5545 expects.

use serde_json::json;

use super::lab::{Lab, weekly, with};
use super::rows;
use super::series::{all_day, starts};

rows! {
    "R17" "L" Switch r17_a_first_start_beside_the_rule_takes_place;
    "R18" "S" Switch r18_a_date_excludes_no_time;
}

fn r17_a_first_start_beside_the_rule_takes_place() {
    // 2026-03-02 is a Monday.
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2"]});
    let lab = Lab::new();
    lab.ann().insert(with(weekly("series1"), rule));
    let all = starts(&lab.ann(), "series1");
    assert_eq!(all.len(), 3, "{all:?}");
    lab.switch("firstStart", "hidden");
    assert_eq!(starts(&lab.ann(), "series1"), all[1..]);
}

fn r18_a_date_excludes_no_time() {
    let rule = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;VALUE=DATE:20260309"]});
    let lab = Lab::new();
    lab.ann().insert(with(weekly("series1"), rule));
    assert_eq!(starts(&lab.ann(), "series1").len(), 3);
    lab.switch("dateExclusion", "applied");
    assert_eq!(starts(&lab.ann(), "series1").len(), 2);
    let days = json!({"id": "dates1", "recurrence": ["RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20260303"]});
    let lab = Lab::new();
    lab.ann()
        .insert(with(all_day("RRULE:FREQ=DAILY;COUNT=3"), days));
    assert_eq!(starts(&lab.ann(), "dates1"), ["2026-03-02", "2026-03-04"]);
}
