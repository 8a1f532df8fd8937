//! What an event that leaves its calendar comes to: it may be in another one of the account.

use super::{ID, cancelled, check, edited, gone, removed, seen};
use crate::db::push_record::Outcome;
use crate::decide::push::{Seen, Step, decide, written};
use serde_json::{Value, json};

/// What its calendar shows once the organizer's copy is elsewhere and this one is a guest's.
fn guests() -> Seen {
    seen(|event| {
        event["organizer"] = json!({"email": "second@group.calendar.google.com"});
        event["etag"] = json!("\"2\"");
    })
}

/// What its calendar shows once it has moved away.
fn left_behind() -> Seen {
    seen(|event| {
        event["organizer"] = json!({"email": "second@group.calendar.google.com"});
        event["status"] = json!("cancelled");
    })
}

fn elsewhere(claim: &mut Value) {
    claim["elsewhere"] = json!(true);
}

fn young(claim: &mut Value) {
    elsewhere(claim);
    claim["now"] = json!("2031-01-01T12:01:00Z");
}

fn organizer_is_known(claim: &mut Value) {
    claim["organizer"] = json!(ID);
}

#[test]
fn what_is_gone_here_is_looked_for_in_the_other_calendars_first() {
    check(elsewhere, &cancelled(), "elsewhere");
    check(elsewhere, &Seen::Absent, "elsewhere");
    check(|_| {}, &cancelled(), "erased");
}

#[test]
fn a_cancelled_copy_proves_that_it_left_however_young_it_is_and_a_404_does_not() {
    check(young, &cancelled(), "elsewhere");
    let told = super::told(&super::claimed(young), &Seen::Absent);
    assert!(told.contains("Retry"), "{told}");
}

#[test]
fn a_copy_that_became_a_guests_gives_way_to_the_organizers() {
    check(elsewhere, &guests(), "elsewhere");
    check(organizer_is_known, &guests(), "moved");
    check(
        |claim| {
            edited(claim);
            organizer_is_known(claim);
        },
        &guests(),
        "moved",
    );
    // A guest's from the beginning is none that anybody moved.
    let invited = |claim: &mut Value| {
        elsewhere(claim);
        claim["link"]["organized"] = json!(false);
    };
    check(invited, &guests(), "synced crm=organizer");
}

#[test]
fn an_event_is_waited_for_where_google_names_the_calendar_it_moved_to() {
    let awaited = |claim: &mut Value| {
        edited(claim);
        claim["unlisted"] = json!(["second@group.calendar.google.com"]);
    };
    check(awaited, &guests(), "elsewhere");
    check(awaited, &left_behind(), "elsewhere");
    // One that was deleted names its own calendar.
    let told = super::told(&super::claimed(awaited), &cancelled());
    assert!(told.starts_with("restore"), "{told}");
}

#[test]
fn what_a_moved_event_left_behind_is_not_brought_back() {
    let anew = |claim: &mut Value| {
        gone(claim);
        claim["link"]["organized"] = json!(true);
    };
    check(anew, &left_behind(), "generation 1");
    check(edited, &left_behind(), "generation 1");
    let told = super::told(&super::claimed(gone), &cancelled());
    assert!(told.starts_with("restore"), "{told}");
}

#[test]
fn a_meeting_that_a_guest_cannot_bring_back_is_made_anew() {
    let claim = super::claimed(gone);
    let Step::Write(write) = decide(&claim, &cancelled()).unwrap() else {
        panic!("a restore");
    };
    for (status, anew) in [("cancelled", true), ("confirmed", false)] {
        let mut answer = super::event();
        answer["status"] = json!(status);
        let (outcome, _) = written(&claim, &write, Some(&super::read(&answer))).unwrap();
        assert_eq!(outcome == Outcome::Regenerate { generation: 1 }, anew);
    }
}

#[test]
fn an_event_that_had_opted_out_is_read_before_its_deletion_and_goes_with_its_row() {
    let opted_out = |claim: &mut Value| {
        gone(claim);
        removed(claim);
        claim["link"]["deleted_by"] = json!("opt_out");
    };
    check(opted_out, &Seen::Base, "read");
    check(opted_out, &cancelled(), "deleted");
    check(opted_out, &seen(|_| {}), "delete \"1\" google= crm=");
    check(opted_out, &super::renamed(), "revived");
}

#[test]
fn what_people_do_with_an_event_that_was_taken_out_of_google_is_left_alone() {
    let opted_out = |claim: &mut Value| {
        gone(claim);
        claim["row"]["enabled"] = json!(false);
        organizer_is_known(claim);
    };
    check(opted_out, &guests(), "nothing");
    let opted_in = |claim: &mut Value| {
        gone(claim);
        organizer_is_known(claim);
    };
    check(opted_in, &guests(), "moved");
}
