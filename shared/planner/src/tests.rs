//! The decision table, row by row: where a link stands, what the CRM did, what the provider shows.

use crate::choices::Choices;
use crate::decide::decide;
use crate::situation::{Seen, Situation, Wish};
use crate::standing::{Bases, DeletedBy, Deletion, Proof, Standing};
use crate::state::{Attempt, Link, Member, Row};
use crate::step::{Method, Settlement, Step};
use chrono::{DateTime, Utc};
use event::{Access, EventFields, Group, GroupValue, RemoteFields, Status};
use provider::RemoteEvent;
use serde_json::{Value, json};
use store::{ConnectionId, EventId, RemoteId, Side, UserId};
use uuid::Uuid;

/// What the CRM did since both sides agreed on the title `old`.
#[derive(Clone, Copy)]
enum Crm {
    Nothing,
    Edited,
    OptedOut,
    Deleted,
}

/// What the provider shows.
#[derive(Clone, Copy)]
enum Shown {
    NotRead,
    NotFound,
    Title(&'static str),
    Cancelled,
    /// Cancelled, since its organizer is another calendar by now.
    MovedAway,
}

struct Case {
    standing: Standing,
    crm: Crm,
    shown: Shown,
    may_have_moved: bool,
    /// Titles of unacknowledged attempts.
    attempts: &'static [&'static str],
}

impl Case {
    fn new(standing: Standing, crm: Crm, shown: Shown) -> Self {
        Self {
            standing,
            crm,
            shown,
            may_have_moved: false,
            attempts: &[],
        }
    }
}

fn fields(title: &str) -> EventFields {
    let row = json!({"title": title, "all_day": false, "starts_at": "2031-03-03T09:00:00.000000Z",
        "ends_at": "2031-03-03T10:00:00.000000Z", "time_zone": "UTC", "status": "confirmed"});
    serde_json::from_value(row).unwrap()
}

fn row(title: &str, enabled: bool) -> Row {
    Row {
        fields: fields(title),
        raw: crate::family::as_map(&fields(title)),
        owner: UserId("ann".to_owned()),
        enabled,
        series: None,
        original_start: None,
    }
}

fn event(title: &str) -> RemoteEvent {
    let context = event::Context {
        time_zone: "UTC".to_owned(),
        request_id: String::new(),
    };
    let shown = [Group::Title, Group::Time, Group::Status];
    let shown = shown.map(|group| fields(title).expected(group, &context).unwrap());
    RemoteEvent {
        etag: Some("new".to_owned()),
        is_cancelled: false,
        fields: shown.into_iter().collect(),
        ..RemoteEvent::absent("e1")
    }
}

fn cancelled() -> RemoteEvent {
    RemoteEvent {
        is_cancelled: true,
        fields: RemoteFields::from_iter([GroupValue::Status(Status::Cancelled)]),
        ..event("old")
    }
}

fn bases() -> Box<Bases> {
    Box::new(Bases {
        etag: Some("old".to_owned()),
        access: Access::Full,
        ..Bases::of(&event("old"), fields("old"), Uuid::nil())
    })
}

fn live() -> Standing {
    Standing::Live(bases())
}

fn deleted(deleted_by: DeletedBy, proof: Proof) -> Standing {
    Standing::Deleted(Box::new(Deletion {
        deleted_by,
        proof,
        confirmed_by_person: false,
        row: Some(fields("old")),
        bases: Some(*bases()),
    }))
}

fn member(case: &Case) -> Member {
    let (row_now, gone) = match case.crm {
        Crm::Nothing => (Some(row("old", true)), None),
        Crm::Edited => (Some(row("edited", true)), None),
        Crm::OptedOut => (Some(row("old", false)), None),
        Crm::Deleted => (None, Some(row("old", true))),
    };
    let attempts = case.attempts.iter().map(|title| Attempt {
        rev: 1,
        row: Some(fields(title)),
    });
    Member {
        event: EventId(Uuid::nil()),
        row: row_now,
        deleted: gone,
        rev: 2,
        changed: std::collections::BTreeMap::new(),
        links: vec![link(case.standing.clone())],
        attempts: attempts.collect(),
        parked: Vec::new(),
        original_start: None,
        must_read: false,
        is_new: false,
        was_read: false,
    }
}

fn link(standing: Standing) -> Link {
    Link {
        connection: ConnectionId(Uuid::nil()),
        remote: RemoteId("e1".to_owned()),
        origin: Side::Crm,
        ical_uid: None,
        standing,
        synced_rev: 0,
        recorded: 0,
    }
}

#[track_caller]
fn check(case: &Case, expected: &str) {
    let member = member(case);
    let seen = match case.shown {
        Shown::NotRead => Seen::NotRead,
        Shown::NotFound => Seen::NotFound,
        Shown::Title(title) => Seen::Found(Box::new(event(title))),
        Shown::Cancelled => Seen::Found(Box::new(cancelled())),
        Shown::MovedAway => Seen::Found(Box::new(RemoteEvent {
            is_organizer: false,
            ..cancelled()
        })),
    };
    let wish = match &member.row {
        Some(row) if row.enabled => Wish::Present(row),
        Some(row) => Wish::OptedOut(row),
        None => Wish::Absent,
    };
    let situation = Situation {
        now: "2031-03-01T08:00:00Z".parse::<DateTime<Utc>>().unwrap(),
        instance: "test",
        member: &member,
        link: &member.links[0],
        wish,
        seen: &seen,
        series: None,
        choices: &Choices::default(),
        can_write: true,
        time_zone: "UTC",
        may_have_moved: case.may_have_moved,
        decision: None,
    };
    assert_eq!(told(&decide(&situation).unwrap()), expected);
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
        Settlement::Revived { fields, base, .. } => {
            let title = |fields: &EventFields| Value::from(fields.title.clone());
            format!("revived {}", json!([title(fields), title(base)]))
        }
        Settlement::Erased => "erased".to_owned(),
        Settlement::Missed => "missed".to_owned(),
        Settlement::OccurrenceCancelled { .. } => "occurrence cancelled".to_owned(),
        Settlement::NewId => "new id".to_owned(),
        Settlement::Kept => "kept".to_owned(),
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
