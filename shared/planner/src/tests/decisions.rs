//! The decision table, row by row: where a link stands, what the CRM did, what the provider shows.

use super::fixture::{Case, Crm, Shown, bases, deleted, live};
use crate::standing::{DeletedBy, Proof, Standing};
use crate::step::{Method, Settlement, Step};
use event::EventFields;
use serde_json::{Value, json};

#[track_caller]
fn check(case: &Case, expected: &str) {
    assert_eq!(told(&case.decide()), expected);
}

fn told(step: &Step) -> String {
    match step {
        Step::Get => "get".to_owned(),
        Step::Write(write) => match &write.method {
            Method::Insert => "insert".to_owned(),
            Method::Patch { etag } => format!("patch {etag}"),
            Method::Restore { etag } => format!("restore {etag}"),
            Method::Cancel { etag } => format!("cancel {etag}"),
            Method::Delete { etag, .. } => format!("delete {etag}"),
        },
        Step::Settle(settlement) => settled(settlement),
    }
}

fn settled(settlement: &Settlement) -> String {
    match settlement {
        Settlement::Synced { merged, .. } => format!("synced {}", json!(merged.to_crm)),
        Settlement::Deleted { by, proof } => format!("deleted {}", json!([by, proof])),
        Settlement::RowRecreated { fields, base, .. } => {
            let title = |fields: &EventFields| Value::from(fields.title.clone());
            format!("revived {}", json!([title(fields), title(base)]))
        }
        Settlement::DeletedByRemote => "erased".to_owned(),
        Settlement::Missed => "missed".to_owned(),
        Settlement::OccurrenceCancelled { .. } => "occurrence cancelled".to_owned(),
        Settlement::NewId => "new id".to_owned(),
        Settlement::Kept(_) => "kept".to_owned(),
        Settlement::Nothing => "nothing".to_owned(),
        Settlement::NotVisibleYet => "not visible yet".to_owned(),
        Settlement::Refused(reason) => format!("refused: {reason}"),
    }
}

#[test]
fn a_reserved_id_is_inserted_and_what_may_have_landed_is_read() {
    use {Crm::*, Shown::*};
    let case = |crm, shown| Case::new(Standing::Reserved, crm, shown);
    check(&case(Edited, NotRead), "insert");
    check(&case(Edited, NotFound), "insert");
    let tried = Case {
        attempts: &["edited"],
        ..case(Edited, NotRead)
    };
    check(&tried, "get");
    // An insert of ours may have landed before it was given away or opted out.
    check(&case(OptedOut, NotRead), "get");
    check(
        &case(OptedOut, NotFound),
        r#"deleted ["opt_out","never_seen"]"#,
    );
    check(&case(OptedOut, Title("old")), "delete new");
    check(&case(Deleted, Title("old")), "delete new");
}

#[test]
fn a_live_event_takes_what_either_side_changed() {
    use {Crm::*, Shown::*};
    let case = |crm, shown| Case::new(live(), crm, shown);
    check(&case(Nothing, NotRead), "nothing");
    check(&case(Edited, NotRead), "patch old");
    check(&case(Edited, Title("old")), "patch new");
    check(&case(Nothing, Title("theirs")), r#"synced ["title"]"#);
    check(&case(OptedOut, NotRead), "delete old");
    check(&case(Deleted, NotRead), "delete old");
}

#[test]
fn what_one_side_deleted_lives_where_the_other_edited_it() {
    use {Crm::*, Shown::*};
    let case = |crm, shown| Case::new(live(), crm, shown);
    check(&case(Nothing, Cancelled), "erased");
    check(&case(Edited, Cancelled), "restore new");
    check(&case(Deleted, Title("old")), "delete new");
    check(
        &case(Deleted, Title("theirs")),
        r#"revived ["theirs","theirs"]"#,
    );
    check(&case(Deleted, Cancelled), r#"deleted ["crm","confirmed"]"#);
    // Its organizer is another calendar by now: it would come back as a guest's copy.
    check(&case(Edited, MovedAway), "new id");
}

#[test]
fn what_was_to_go_and_stays_is_written_once() {
    use {Crm::*, Shown::*};
    let mut recalled = bases();
    recalled.is_recalled = true;
    let case = |shown| Case::new(Standing::Live(recalled.clone()), Nothing, shown);
    check(&case(NotRead), "get");
    check(&case(Title("old")), "patch new");
    // A deletion of ours that was called off too late.
    check(&case(Cancelled), "restore new");
    check(&case(NotFound), "new id");
}

#[test]
fn what_is_gone_may_be_half_of_a_move() {
    use {Crm::*, Shown::*};
    for crm in [Nothing, Edited, OptedOut, Deleted] {
        for shown in [Cancelled, MovedAway] {
            let case = Case {
                may_have_moved: true,
                ..Case::new(live(), crm, shown)
            };
            check(&case, "missed");
        }
    }
}

#[test]
fn a_deletion_is_taken_back_by_people_and_overtakes_a_late_insert() {
    use {Crm::*, Shown::*};
    let case = |by, proof, crm, shown| Case::new(deleted(by, proof), crm, shown);
    let (crm, out) = (DeletedBy::Crm, DeletedBy::OptOut);
    check(&case(crm, Proof::Confirmed, Deleted, NotRead), "nothing");
    check(
        &case(crm, Proof::Confirmed, Deleted, Title("theirs")),
        r#"revived ["theirs","theirs"]"#,
    );
    check(
        &case(crm, Proof::NeverSeen, Deleted, Title("old")),
        "delete new",
    );
    check(
        &case(out, Proof::Confirmed, OptedOut, Title("theirs")),
        "nothing",
    );
    check(
        &case(out, Proof::NeverSeen, OptedOut, Title("old")),
        "delete new",
    );
}

#[test]
fn a_late_insert_over_a_later_one_is_no_edit_in_google() {
    use {Crm::*, Shown::*};
    let case = |crm, shown| Case {
        overtaken: &["first"],
        ..Case::new(live(), crm, shown)
    };
    check(&case(Nothing, Late("first")), "patch new");
    check(&case(Edited, Late("first")), "patch new");
    check(&case(Deleted, Late("first")), "delete new");
    // A person has edited what it wrote.
    check(&case(Nothing, Late("theirs")), r#"synced ["title"]"#);
    check(
        &case(Deleted, Late("theirs")),
        r#"revived ["theirs","theirs"]"#,
    );
    // The same title without its stamp is a person's.
    check(&case(Nothing, Title("first")), r#"synced ["title"]"#);
}

#[test]
fn an_edit_is_not_recorded_where_google_shows_no_version() {
    let case = Case {
        has_etag: false,
        ..Case::new(live(), Crm::Edited, Shown::Title("old"))
    };
    let Step::Settle(Settlement::Synced { merged, .. }) = case.decide() else {
        panic!("it is settled");
    };
    assert_eq!(merged.unsent, [event::Group::Title]);
    assert!(merged.to_remote.is_empty());
}

#[test]
fn an_older_version_is_waited_out_while_the_known_one_is_new() {
    let case = Case {
        is_fresh: true,
        ..Case::new(live(), Crm::Nothing, Shown::Title("theirs"))
    };
    check(&case, "not visible yet");
    let late = Case {
        is_fresh: false,
        ..case
    };
    check(&late, r#"synced ["title"]"#);
}
