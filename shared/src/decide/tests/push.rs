//! The decision about a claimed event, in small cases.

use super::*;

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
fn a_change_back_to_what_it_was_before_an_unrecorded_write_is_a_change() {
    let landed = seen(|event| {
        event["summary"] = json!("First");
        event["etag"] = json!("\"2\"");
        event["extendedProperties"] = json!({"private": {"crmflowRev": "9"}});
    });
    check(
        |claim| {
            let mut first = row();
            first["title"] = json!("First");
            claim["unclear"] = json!(true);
            claim["attempts"] = json!([{"rev": 9, "row": first}, {"rev": 10, "row": claim["row"]}]);
        },
        &landed,
        "patch \"2\" google=summary crm=",
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

#[test]
fn a_copy_that_was_to_be_left_before_it_was_made_is_looked_for() {
    let left = |claim: &mut Value| {
        reserved(claim);
        claim["link"]["leaving"] = json!(true);
    };
    check(left, &Seen::Base, "read");
    check(left, &Seen::Absent, "deleted, never seen");
    check(left, &seen(|_| {}), "delete \"1\" google= crm=");
}

#[test]
fn a_tombstone_that_does_not_repeat_says_so() {
    let single = |seen: &Seen| match decide(&claimed(removed), seen) {
        Ok(Step::Record(Outcome::Deleted { single, .. }, _)) => single,
        other => panic!("{other:?}"),
    };
    assert!(single(&cancelled()));
    let series = seen(|event| {
        event["status"] = json!("cancelled");
        event["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
    });
    assert!(!single(&series));
}

#[test]
fn what_google_shows_already_is_not_sent_again() {
    let said_otherwise = |claim: &mut Value| claim["link"]["base_crm"]["time_zone"] = json!("UTC");
    check(said_otherwise, &Seen::Base, "read");
    check(said_otherwise, &seen(|_| {}), "synced crm=");
    let edited_too = |claim: &mut Value| {
        said_otherwise(claim);
        edited(claim);
    };
    check(edited_too, &Seen::Base, "read");
    let sent = "patch \"1\" google=summary crm=";
    check(edited_too, &seen(|_| {}), sent);
}

#[test]
fn a_restore_of_ours_that_the_deletion_overtook_is_taken_back() {
    let overtaken = |claim: &mut Value| {
        removed(claim);
        gone(claim);
        claim["attempts"] = json!([{"rev": 9, "row": row()}, {"rev": 10, "row": null}]);
    };
    let landed = |title: &str| {
        seen(|event| {
            event["summary"] = json!(title);
            event["extendedProperties"] = json!({"private": {"crmflowRev": "9"}});
        })
    };
    let title = row()["title"].as_str().unwrap_or_default().to_owned();
    check(overtaken, &landed(&title), "delete \"1\" google= crm=");
    check(overtaken, &landed("Somebody's"), "revived");
    // Somebody else brought it back.
    check(overtaken, &seen(|_| {}), "revived");
}
