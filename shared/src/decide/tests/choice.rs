//! What is not written where a user chose so.

use super::{cancelled, check, edited, gone, removed, renamed, reserved};
use crate::decide::push::Seen;
use serde_json::{Value, json};

fn only(direction: &'static str) -> impl Fn(&mut Value) {
    move |claim| {
        claim["connection"]["direction"] = json!(direction);
        claim["connection"]["policy"] = json!(if direction == "in" { "google" } else { "crm" });
    }
}

fn case(direction: &'static str, change: fn(&mut Value), seen: &Seen, expected: &str) {
    check(
        |claim| {
            only(direction)(claim);
            change(claim);
        },
        seen,
        expected,
    );
}

fn looked(claim: &mut Value) {
    edited(claim);
    claim["look"] = json!(true);
}

#[test]
fn edits_of_a_calendar_that_is_only_read_are_not_sent() {
    case("in", edited, &Seen::Base, "nothing");
    case("in", removed, &Seen::Base, "nothing");
    case("in", reserved, &Seen::Base, "nothing");
    case("in", looked, &renamed(), "synced crm=title");
    case("in", edited, &cancelled(), "erased");
}

#[test]
fn edits_in_a_calendar_that_is_only_written_to_do_not_reach_the_row() {
    case(
        "out",
        edited,
        &Seen::Base,
        "patch \"1\" google=summary crm=",
    );
    case("out", |_| {}, &renamed(), "synced crm=");
    case("out", |_| {}, &cancelled(), "deleted");
    case("out", gone, &renamed(), "synced crm=");
    let restored = "restore \"2\" google=attendees,colorId,description,end,location,recurrence,reminders,start,status,summary,transparency,visibility crm=";
    case("out", edited, &cancelled(), restored);
    case("out", removed, &renamed(), "delete \"2\" google= crm=");
}

#[test]
fn a_calendar_on_its_way_out_gives_its_events_up_in_either_direction() {
    for direction in ["in", "out", "both"] {
        check(
            |claim| {
                only(direction)(claim);
                claim["row"]["enabled"] = json!(false);
                claim["link"]["departing"] = json!(true);
            },
            &Seen::Base,
            "delete \"1\" google= crm=",
        );
    }
}
