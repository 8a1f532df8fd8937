//! The decision about a claimed event, in small cases.

use super::push::{Method, Seen, Step, decide};
use super::refusal::{After, after, backoff};
use crate::db::push_claim::{Claimed, DeletedBy, Proof};
use crate::db::push_record::Outcome;
use crate::google::{ApiError, Event, GoogleError, Reason};
use serde_json::{Value, json};

const ID: &str = "0123e567-e89b-12d3-a456-426614174000";

/// The row and event of all cases: synced under etag "1".
fn row() -> Value {
    json!({"title": "Call", "all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04", "status": "confirmed",
        "attendees": [], "enabled": true, "owner_id": ID, "description": null, "location": null, "recurrence": null,
        "time_zone": null, "visibility": "default", "transparency": "opaque", "color": null, "reminders": null})
}

fn event() -> Value {
    json!({"id": "e1", "etag": "\"1\"", "status": "confirmed", "summary": "Call", "updated": "2031-01-01T12:00:00Z",
        "start": {"date": "2031-03-03"}, "end": {"date": "2031-03-04"}, "organizer": {"self": true}})
}

fn base_google() -> Value {
    let base = crate::db::push_record::base_google(&read(&event())).unwrap();
    Value::Object(base)
}

fn read(event: &Value) -> Event {
    Event::read(&event.to_string()).unwrap()
}

/// A claim of the synced event; `change` makes it the case.
fn claimed(change: impl FnOnce(&mut Value)) -> Claimed {
    let mut claim = json!({
        "event_id": ID, "rev": 10, "fence": 1, "now": "2031-01-01T13:00:00Z", "row": row(), "old_row": null, "look": false,
        "unclear": false, "attempt": 1, "attempts": [{"rev": 10, "row": row()}], "changed_at": {"title": "2031-01-01T12:30:00Z"},
        "inbox": null, "calendar": {"google_id": "ann@example.com", "time_zone": "UTC", "access_role": "owner"},
        "connection": {"policy": "latest", "send_updates": "none"},
        "token": {"account_id": ID, "generation": 1, "refresh": false, "access_token": "k.a", "refresh_token": "k.r"},
        "link": {"google_id": "e1", "generation": 0, "state": "live", "etag": "\"1\"", "google_updated": "2031-01-01T12:00:00Z",
            "base_crm": row(), "base_google": base_google(), "deleted_by": null, "proof": null},
    });
    change(&mut claim);
    serde_json::from_value(claim).unwrap()
}

fn seen(change: impl FnOnce(&mut Value)) -> Seen {
    let mut event = event();
    change(&mut event);
    Seen::Event(Box::new(read(&event)))
}

/// In one word, with what matters of it.
fn told(claimed: &Claimed, seen: &Seen) -> String {
    match decide(claimed, seen).unwrap() {
        Step::Read => "read".to_owned(),
        Step::Write(write) => {
            let mut fields: Vec<&str> = write
                .body
                .keys()
                .map(String::as_str)
                .filter(|key| *key != "extendedProperties")
                .collect();
            fields.sort_unstable();
            let crm: Vec<&str> = write.merged.to_crm.keys().map(|unit| unit.name()).collect();
            let method = match write.method {
                Method::Insert => "insert".to_owned(),
                Method::Patch(etag) => format!("patch {etag}"),
                Method::Restore(etag) => format!("restore {etag}"),
                Method::Delete(etag, _) => format!("delete {etag}"),
            };
            format!("{method} google={} crm={}", fields.join(","), crm.join(","))
        }
        Step::Record(Outcome::Synced { merged, .. }, _) => {
            let crm: Vec<&str> = merged.keys().map(|unit| unit.name()).collect();
            format!("synced crm={}", crm.join(","))
        }
        Step::Record(outcome, _) => match outcome {
            Outcome::Deleted {
                by: DeletedBy::Crm,
                proof: Proof::NeverSeen,
            } => "deleted, never seen".to_owned(),
            Outcome::Deleted { .. } => "deleted".to_owned(),
            Outcome::Erased { .. } => "erased".to_owned(),
            Outcome::Revived { .. } => "revived".to_owned(),
            Outcome::Regenerate { generation } => format!("generation {generation}"),
            Outcome::Nothing => "nothing".to_owned(),
            other => format!("{other:?}"),
        },
    }
}

fn check(claim: impl FnOnce(&mut Value), seen: &Seen, expected: &str) {
    assert_eq!(told(&claimed(claim), seen), expected);
}

fn edited(claim: &mut Value) {
    claim["row"]["title"] = json!("Changed");
}

fn removed(claim: &mut Value) {
    claim["old_row"] = row();
    claim["row"] = Value::Null;
    claim["attempts"] = json!([{"rev": 10, "row": null}]);
}

fn reserved(claim: &mut Value) {
    for field in ["etag", "base_crm", "base_google", "google_updated"] {
        claim["link"][field] = Value::Null;
    }
    claim["link"]["state"] = json!("reserved");
}

fn gone(claim: &mut Value) {
    claim["link"]["state"] = json!("gone");
    claim["link"]["proof"] = json!("confirmed");
}

fn cancelled() -> Seen {
    seen(|event| {
        event["status"] = json!("cancelled");
        event["etag"] = json!("\"2\"");
    })
}

fn renamed() -> Seen {
    seen(|event| {
        event["summary"] = json!("Google's");
        event["etag"] = json!("\"2\"");
    })
}

#[test]
fn an_edit_is_patched_with_the_version_it_is_based_on_and_only_what_changed() {
    check(|_| {}, &Seen::Base, "nothing");
    check(edited, &Seen::Base, "patch \"1\" google=summary crm=");
    check(
        |claim| claim["row"]["ends_on"] = json!("2031-03-05"),
        &Seen::Base,
        "patch \"1\" google=end,start crm=",
    );
    check(
        |claim| claim["row"]["conference"] = json!({"x": 1}),
        &Seen::Base,
        "nothing",
    );
}

#[test]
fn a_new_event_is_inserted_and_a_deleted_one_deleted() {
    check(
        reserved,
        &Seen::Base,
        "insert google=end,id,reminders,start,status,summary,transparency,visibility crm=",
    );
    check(removed, &Seen::Base, "delete \"1\" google= crm=");
    check(
        |claim| claim["row"]["enabled"] = json!(false),
        &Seen::Base,
        "delete \"1\" google= crm=",
    );
    check(
        |claim| claim["row"]["status"] = json!("cancelled"),
        &Seen::Base,
        "delete \"1\" google= crm=",
    );
    check(
        |claim| {
            reserved(claim);
            removed(claim)
        },
        &Seen::Base,
        "deleted, never seen",
    );
    check(
        |claim| {
            gone(claim);
            removed(claim)
        },
        &Seen::Base,
        "nothing",
    );
}

#[test]
fn google_is_read_first_where_its_state_is_uncertain() {
    check(|claim| claim["unclear"] = json!(true), &Seen::Base, "read");
    check(|claim| claim["look"] = json!(true), &Seen::Base, "read");
    check(
        |claim| claim["inbox"] = json!({"etag": "\"2\""}),
        &Seen::Base,
        "read",
    );
    check(
        |claim| claim["inbox"] = json!({"etag": "\"1\""}),
        &Seen::Base,
        "nothing",
    );
    check(gone, &Seen::Base, "read");
}

#[test]
fn edits_of_different_units_are_both_kept() {
    let moved = seen(|event| {
        event["location"] = json!("Elsewhere");
        event["etag"] = json!("\"2\"");
    });
    check(edited, &moved, "patch \"2\" google=summary crm=location");
    check(|_| {}, &moved, "synced crm=location");
    check(edited, &seen(|_| {}), "patch \"1\" google=summary crm=");
}

#[test]
fn edits_of_one_unit_are_decided_by_policy() {
    let later = seen(|event| {
        event["summary"] = json!("Google's");
        event["updated"] = json!("2031-01-01T12:45:00Z");
    });
    check(edited, &renamed(), "patch \"2\" google=summary crm=");
    check(edited, &later, "synced crm=title");
    let policy = |name: &'static str| {
        move |claim: &mut Value| {
            edited(claim);
            claim["connection"]["policy"] = json!(name);
        }
    };
    check(policy("crm"), &later, "patch \"1\" google=summary crm=");
    check(policy("google"), &renamed(), "synced crm=title");
    check(
        |claim| claim["row"]["title"] = json!("Google's"),
        &renamed(),
        "synced crm=",
    );
}

#[test]
fn half_a_move_is_no_move() {
    let longer = seen(|event| {
        event["end"] = json!({"date": "2031-03-06"});
        event["updated"] = json!("2031-01-01T14:00:00Z");
    });
    let moved = |claim: &mut Value| {
        claim["row"]["starts_on"] = json!("2031-03-01");
        claim["changed_at"] = json!({"starts_on": "2031-01-01T12:30:00Z"});
    };
    check(moved, &longer, "synced crm=when");
}

#[test]
fn an_own_write_whose_record_was_lost_is_not_a_strangers_edit() {
    let landed = seen(|event| {
        event["summary"] = json!("First");
        event["etag"] = json!("\"2\"");
        event["extendedProperties"] = json!({"private": {"crmflowRev": "9"}});
    });
    let second = |claim: &mut Value| {
        let mut first = row();
        first["title"] = json!("First");
        claim["row"]["title"] = json!("Second");
        claim["attempts"] = json!([{"rev": 9, "row": first}, {"rev": 10, "row": claim["row"]}]);
    };
    check(second, &landed, "patch \"2\" google=summary crm=");
    check(
        |claim| {
            second(claim);
            removed(claim);
            claim["attempts"][0] = json!({"rev": 9, "row": {"title": "First", "all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04"}})
        },
        &landed,
        "delete \"2\" google= crm=",
    );
}

#[test]
fn only_an_edit_that_google_was_never_told_outlives_a_deletion_there() {
    check(|_| {}, &cancelled(), "erased");
    check(
        edited,
        &cancelled(),
        "restore \"2\" google=attendees,colorId,description,end,location,recurrence,reminders,start,status,summary,transparency,visibility crm=",
    );
    check(
        |claim| {
            reserved(claim);
            claim["attempts"] = json!([{"rev": 9, "row": row()}, {"rev": 10, "row": row()}])
        },
        &cancelled(),
        "erased",
    );
    check(
        |claim| claim["row"]["attendees"] = json!([{"email": "bob@example.com"}]),
        &cancelled(),
        "erased",
    );
    check(edited, &Seen::Absent, "generation 1");
    check(|_| {}, &Seen::Absent, "erased");
}

#[test]
fn a_404_right_after_a_write_proves_nothing() {
    let young = |claim: &mut Value| claim["now"] = json!("2031-01-01T12:01:00Z");
    for removing in [false, true] {
        let case = |claim: &mut Value| {
            young(claim);
            if removing {
                removed(claim);
            }
        };
        assert!(told(&claimed(case), &Seen::Absent).contains("Retry"));
    }
}

#[test]
fn only_an_authored_change_of_the_organizer_outlives_a_deletion_here() {
    check(removed, &renamed(), "revived");
    let answered = seen(|event| {
        event["attendees"] = json!([{"email": "bob@example.com", "responseStatus": "accepted"}]);
        event["etag"] = json!("\"2\"");
    });
    check(removed, &answered, "delete \"2\" google= crm=");
    let elsewhere = seen(|event| {
        event["summary"] = json!("Theirs");
        event["organizer"] = json!({"email": "boss@example.com"});
        event["etag"] = json!("\"2\"");
    });
    check(removed, &elsewhere, "delete \"2\" google= crm=");
    check(
        |claim| claim["row"]["enabled"] = json!(false),
        &renamed(),
        "delete \"2\" google= crm=",
    );
}

#[test]
fn a_late_insert_is_deleted_and_a_restored_event_comes_back() {
    let late = |claim: &mut Value| {
        gone(claim);
        removed(claim);
        claim["look"] = json!(true);
        claim["link"]["proof"] = json!("never_seen");
    };
    check(late, &seen(|_| {}), "delete \"1\" google= crm=");
    check(
        |claim| {
            late(claim);
            claim["link"]["proof"] = json!("confirmed")
        },
        &seen(|_| {}),
        "revived",
    );
    check(late, &cancelled(), "deleted");
}

#[test]
fn a_foreign_event_under_the_derived_id_is_left_alone() {
    let foreign = seen(|event| {
        event["extendedProperties"] =
            json!({"private": {"crmflowEventId": "ffffffff-0000-0000-0000-000000000000"}})
    });
    check(reserved, &foreign, "generation 1");
    check(
        |claim| {
            reserved(claim);
            removed(claim)
        },
        &foreign,
        "deleted, never seen",
    );
}

fn refused(status: u16, reason: Reason) -> GoogleError {
    GoogleError::Api(ApiError {
        status,
        reason,
        message: String::new(),
        retry_after: None,
    })
}

fn check_refusal(error: GoogleError, delete: bool, expected: &str) {
    let claimed = claimed(if delete { removed } else { edited });
    let Step::Write(write) = decide(&claimed, &Seen::Base).unwrap() else {
        panic!("a write")
    };
    let found = match after(&claimed, Some(&write), &error, false, 0.5) {
        After::Read => "read".to_owned(),
        After::Refresh => "refresh".to_owned(),
        After::Reconnect(_) => "reconnect".to_owned(),
        After::Record(
            Outcome::Retry {
                pause,
                free,
                not_written,
                ..
            },
            _,
        ) => format!(
            "retry pause={} free={free} not_written={not_written}",
            pause.is_some()
        ),
        After::Record(Outcome::Deleted { .. }, _) => "deleted".to_owned(),
        After::Record(Outcome::Failed { .. }, _) => "failed".to_owned(),
        After::Record(other, _) => format!("{other:?}"),
    };
    assert_eq!(found, expected, "{error}");
}

#[test]
fn a_refused_write_is_read_retried_or_given_up_by_its_class() {
    check_refusal(refused(412, Reason::ConditionNotMet), false, "read");
    check_refusal(refused(404, Reason::NotFound), false, "read");
    check_refusal(refused(404, Reason::NotFound), true, "deleted");
    check_refusal(refused(410, Reason::Deleted), true, "deleted");
    check_refusal(refused(401, Reason::AuthError), false, "refresh");
    check_refusal(
        refused(403, Reason::RateLimitExceeded),
        false,
        "retry pause=true free=true not_written=true",
    );
    check_refusal(
        refused(403, Reason::QuotaExceeded),
        false,
        "retry pause=true free=true not_written=true",
    );
    check_refusal(
        refused(403, Reason::InsufficientPermissions),
        false,
        "reconnect",
    );
    check_refusal(
        refused(500, Reason::BackendError),
        false,
        "retry pause=false free=false not_written=false",
    );
    check_refusal(refused(400, Reason::Invalid), false, "failed");
    check_refusal(
        GoogleError::Transport(crate::door::Transport::NoAnswer(String::new())),
        false,
        "retry pause=false free=false not_written=false",
    );
    check_refusal(
        GoogleError::Transport(crate::door::Transport::NotSent(String::new())),
        false,
        "retry pause=false free=false not_written=true",
    );
}

#[test]
fn delays_grow_up_to_an_hour_and_are_spread() {
    assert_eq!(
        [1, 2, 3, 20].map(|attempt| backoff(attempt, 1.0)),
        [5.0, 10.0, 20.0, 3600.0]
    );
    assert_eq!(backoff(1, 0.0), 2.5);
}
