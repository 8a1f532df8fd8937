//! Times that lose a conflict.

use super::*;

/// Another time with another zone at its end, while the row changes something.
fn two_zones(change: impl FnOnce(&mut Value)) -> impl FnOnce(&mut Case) {
    |case| {
        change(&mut case.row);
        case.remote["time"]["end"] = json!("2031-03-03T12:00:00Z");
        case.remote["time"]["end_zone"] = json!("America/New_York");
        case.policy = Policy::Crm;
    }
}

#[track_caller]
fn check_sent(case: impl FnOnce(&mut Case), expected: &str) {
    let merged = check(case, expected);
    let Change::Set(sent) = &merged.patch.time else {
        panic!("not sent");
    };
    assert!(
        !json!(sent).to_string().contains("New_York"),
        "{}",
        json!(sent)
    );
}

#[test]
fn of_a_time_that_lost_no_zone_stays() {
    let moved = |row: &mut Value| row["ends_at"] = json!("2031-03-03T11:00:00Z");
    check_sent(two_zones(moved), "remote=time crm= conflict=time:Crm");
    let repeated = |row: &mut Value| row["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
    check_sent(
        two_zones(repeated),
        "remote=time,recurrence crm= conflict=time:Crm conflict=recurrence:Crm",
    );
}

#[test]
fn a_time_that_wins_comes_whole() {
    let merged = check(
        |case| {
            two_zones(|row| row["ends_at"] = json!("2031-03-03T11:00:00Z"))(case);
            case.policy = Policy::Google;
        },
        "remote= crm=time conflict=time:Google",
    );
    let row = json!(merged.row);
    assert_eq!(row["end_time_zone"], "America/New_York");
    assert_eq!(row["ends_at"], "2031-03-03T12:00:00.000000Z");
}
