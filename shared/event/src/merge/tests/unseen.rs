//! Guest lists, and what was not seen in full.

use super::*;

fn guests(names: &[&str]) -> Value {
    let one = |name: &&str| json!({"email": format!("{name}@example.com")});
    let mut row = base_row();
    row["attendees"] = names.iter().map(one).collect();
    row
}

#[test]
fn a_guest_who_was_dropped_by_an_unrecorded_write_is_invited_again() {
    let merged = check(
        |case| {
            let mut none = base_row();
            none["attendees"] = json!([]);
            case.remote = shown(&none);
            case.landed = vec![none];
        },
        "remote=attendees crm=",
    );
    assert!(merged.row.attendees.contains("ann@example.com"));
}

#[test]
fn a_guest_whom_an_unrecorded_write_left_out_stays_where_somebody_else_is_invited() {
    let merged = check(
        |case| {
            case.row = guests(&["ann", "bob"]);
            case.base_crm = Some(case.row.clone());
            case.base_remote = Some(shown(&case.row));
            case.landed = vec![guests(&["ann"])];
            case.remote = shown(&guests(&["ann", "cat"]));
        },
        "remote=attendees crm=attendees",
    );
    assert_eq!(merged.row.attendees.len(), 3);
    // Whom it had invited a person has dropped.
    let merged = check(
        |case| {
            case.row = guests(&["ann", "bob"]);
            case.base_crm = Some(case.row.clone());
            case.base_remote = Some(shown(&case.row));
            case.landed = vec![case.row.clone()];
            case.remote = shown(&guests(&["ann", "cat"]));
        },
        "remote= crm=attendees",
    );
    assert_eq!(merged.row.attendees.len(), 2);
}

#[test]
fn a_guest_whom_an_unrecorded_write_invited_and_the_row_dropped_goes_whoever_else_is_invited() {
    let check_shown = |names: &[&str], expected: &str, left: usize| {
        let merged = check(
            |case| {
                case.landed = vec![guests(&["ann", "bob"])];
                case.remote = shown(&guests(names));
            },
            expected,
        );
        assert!(!merged.row.attendees.contains("bob@example.com"));
        assert_eq!(merged.row.attendees.len(), left);
    };
    check_shown(&["ann", "bob"], "remote=attendees crm=", 1);
    check_shown(&["ann", "bob", "cat"], "remote=attendees crm=attendees", 2);
}

#[test]
fn of_the_guest_list_a_guest_may_change_their_own_answer() {
    let me = |answer: &str| json!([{"email": "ann@example.com", "response_status": answer, "self": true}]);
    let guest = |case: &mut Case| {
        case.access = Access::Guest;
        case.remote["attendees"] = me("needsAction");
        case.base_remote = Some(case.remote.clone());
        case.base_crm.as_mut().unwrap()["attendees"] = me("needsAction");
    };
    let merged = check(
        |case| {
            guest(case);
            case.row["attendees"] = me("accepted");
        },
        "remote=attendees crm=attendees",
    );
    assert_eq!(json!(merged.row.attendees), me("accepted"));
    let merged = check(
        |case| {
            guest(case);
            case.row["attendees"] = json!([{"email": "bob@example.com"}]);
        },
        "remote= crm=attendees",
    );
    assert_eq!(json!(merged.row.attendees), me("needsAction"));
}

#[test]
fn guests_merge_whoever_changed_them() {
    let answered =
        json!([{"email": "ann@example.com", "response_status": "accepted", "optional": true}]);
    let known = |case: &mut Case| {
        case.remote["attendees"] = answered.clone();
        case.base_remote = Some(case.remote.clone());
        case.base_crm.as_mut().unwrap()["attendees"] = answered.clone();
    };
    // Bare addresses: the row is completed, and nothing is sent.
    let merged = check(known, "remote= crm=attendees");
    assert_eq!(merged.row.attendees.canonical(), {
        let row: Attendees = serde_json::from_value(answered.clone()).unwrap();
        row.canonical()
    });
    let merged = check(
        |case| {
            known(case);
            case.row["attendees"] =
                json!([{"email": "ann@example.com"}, {"email": "bob@example.com"}]);
        },
        "remote=attendees crm=attendees",
    );
    let Change::Set(sent) = merged.patch.attendees else {
        panic!("not sent");
    };
    assert_eq!(sent.get("ann@example.com").unwrap().optional, Some(true));
    assert!(sent.contains("bob@example.com"));
}

#[test]
fn a_list_that_is_not_seen_in_full_is_not_written_over() {
    let invited = |case: &mut Case| {
        case.row["attendees"] = json!([{"email": "ann@example.com"}, {"email": "bob@example.com"}]);
    };
    let unseen = |case: &mut Case| {
        case.remote.remove("attendees");
        case.base_remote.as_mut().unwrap().remove("attendees");
    };
    let unsent = check(
        |case| {
            edited(case);
            invited(case);
            unseen(case);
        },
        "remote=title crm= unsent=attendees",
    );
    assert!(unsent.patch.attendees.is_keep());
    // It stays a change.
    let before = fields(&base_row());
    let base = unsent.base_crm(Some(&before));
    assert_eq!(base.title.as_deref(), Some("Changed"));
    assert_eq!(base.attendees, before.attendees);
    assert_eq!(
        crm_changed_groups(&unsent.row, Some(&base)),
        [Group::Attendees]
    );
    check(unseen, "remote= crm=");
    // Not recorded, so that every guest is news.
    let unrecorded = |case: &mut Case| {
        unseen(case);
        case.base_crm = None;
    };
    check(unrecorded, "remote= crm= unsent=attendees");
    check(
        |case| {
            unrecorded(case);
            case.row["attendees"] = json!([]);
        },
        "remote= crm=",
    );
}

#[test]
fn what_is_not_seen_and_may_not_be_changed_is_given_back() {
    let hidden = |case: &mut Case| {
        edited(case);
        case.row["deal_id"] = json!("d1");
        for shown in [&mut case.remote, case.base_remote.as_mut().unwrap()] {
            shown.remove("title");
            shown.remove("references");
        }
    };
    check(hidden, "remote= crm= unsent=title,references");
    for access in [Access::Guest, Access::Read] {
        let merged = check(
            |case| {
                hidden(case);
                case.access = access;
            },
            "remote= crm=title refused=title unsent=references",
        );
        assert_eq!(merged.row.title.as_deref(), Some("Call"));
    }
}

#[test]
fn what_is_seen_for_the_first_time_is_news() {
    let first_seen = |case: &mut Case| {
        for row in [&mut case.row, case.base_crm.as_mut().unwrap()] {
            row["attendees"] = json!([]);
        }
        case.base_remote.as_mut().unwrap().remove("attendees");
    };
    check(first_seen, "remote= crm=attendees");
    let merged = check(
        |case| {
            first_seen(case);
            case.row["attendees"] = json!([{"email": "bob@example.com"}]);
        },
        "remote=attendees crm=attendees",
    );
    assert_eq!(merged.row.attendees.len(), 2);
    let title = |case: &mut Case| {
        case.base_remote.as_mut().unwrap().remove("title");
        case.remote["title"] = json!("Theirs");
    };
    check(title, "remote= crm=title");
    check(
        |case| {
            title(case);
            edited(case);
        },
        "remote=title crm= conflict=title:Crm",
    );
}

#[test]
fn a_field_that_an_old_base_lacks_is_not_a_change() {
    check(
        |case| {
            let base = case.base_crm.as_mut().unwrap().as_object_mut().unwrap();
            base.remove("title");
            base.remove("deal_id");
            case.row["title"] = json!("Changed");
            case.row["deal_id"] = json!("d1");
        },
        "remote= crm=",
    );
}

#[test]
fn a_list_that_names_an_alias_changes_nothing_about_the_guest() {
    let accepted = json!([
        {"email": "ann@example.com", "response_status": "accepted"},
        {"email": "bob@example.com", "response_status": "needsAction"},
    ]);
    let renamed = |case: &mut Case| {
        let shown = json!([accepted[0], accepted[1]]);
        case.base_crm.as_mut().unwrap()["attendees"] = shown.clone();
        case.base_remote.as_mut().unwrap()["attendees"] = shown.clone();
        case.remote["attendees"] = shown;
        case.aliases = [("sales@example.com".to_owned(), "ann@example.com".to_owned())].into();
        case.row["attendees"] =
            json!([{"email": "sales@example.com"}, {"email": "bob@example.com"}]);
    };
    check(renamed, "remote= crm=attendees");
    let merged = check(
        |case| {
            renamed(case);
            let cat = json!({"email": "cat@example.com"});
            case.row["attendees"].as_array_mut().unwrap().push(cat);
        },
        "remote=attendees crm=attendees",
    );
    let ann = merged.row.attendees.get("ann@example.com").unwrap();
    assert_eq!(json!(ann.response_status), "accepted");
    assert_eq!(merged.row.attendees.len(), 3);
    let dropped = check(
        |case| {
            renamed(case);
            case.row["attendees"] = json!([{"email": "bob@example.com"}]);
        },
        "remote=attendees crm=",
    );
    assert_eq!(dropped.row.attendees.len(), 1);
}
