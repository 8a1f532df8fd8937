//! The merge in small cases: a row and what the provider shows, each changed from a common base.

mod conference;
mod converges;
mod references;
mod times;
mod unseen;

use super::*;
use serde_json::Map;

fn base_row() -> Value {
    json!({
        "title": "Call", "all_day": false, "starts_at": "2031-03-03T09:00:00.000000Z", "ends_at": "2031-03-03T10:00:00.000000Z",
        "starts_on": null, "ends_on": null, "time_zone": "Europe/Berlin", "end_time_zone": null, "description": null,
        "location": null, "recurrence": null, "status": "confirmed", "visibility": "default", "transparency": "opaque",
        "color": null, "attendees": [{"email": "ann@example.com"}], "reminders": null, "conference": null,
        "organizer": null, "creator": null, "attachments": null, "contact_id": null, "company_id": null, "deal_id": null,
    })
}

/// All that one case can differ in.
struct Case {
    row: Value,
    base_crm: Option<Value>,
    remote: Map<String, Value>,
    base_remote: Option<Map<String, Value>>,
    landed: Vec<Value>,
    policy: Policy,
    aliases: BTreeMap<String, String>,
    changed_at: BTreeMap<String, DateTime<Utc>>,
    remote_times: BTreeMap<Group, DateTime<Utc>>,
    freshness: Freshness,
    access: Access,
    is_linked_back: bool,
}

fn at(time: &str) -> DateTime<Utc> {
    format!("2031-01-01T{time}:00Z").parse().unwrap()
}

fn fields(row: &Value) -> EventFields {
    serde_json::from_value(row.clone()).unwrap()
}

fn context() -> Context {
    Context {
        time_zone: "UTC".to_owned(),
        request_id: "r1".to_owned(),
    }
}

fn shown(row: &Value) -> Map<String, Value> {
    let row = fields(row);
    let all = Group::ALL.map(|group| row.expected(group, &context()).unwrap());
    RemoteFields::from_iter(all).into()
}

/// The synced event; `change` makes it the case.
fn case(change: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case {
        row: base_row(),
        base_crm: Some(base_row()),
        remote: shown(&base_row()),
        base_remote: Some(shown(&base_row())),
        landed: Vec::new(),
        policy: Policy::Latest,
        aliases: BTreeMap::new(),
        changed_at: BTreeMap::from([("title".to_owned(), at("12:30"))]),
        remote_times: BTreeMap::new(),
        freshness: Freshness::Current,
        access: Access::Full,
        is_linked_back: true,
    };
    change(&mut case);
    case
}

fn merged(case: &Case) -> Merged {
    let landed: Vec<EventFields> = case.landed.iter().map(fields).collect();
    let base_crm = case.base_crm.as_ref().map(fields);
    let base_remote = case.base_remote.clone().map(RemoteFields::from);
    merge(&MergeInput {
        row: &fields(&case.row),
        base_crm: base_crm.as_ref(),
        remote: &RemoteFields::from(case.remote.clone()),
        base_remote: base_remote.as_ref(),
        landed: &landed.iter().collect::<Vec<_>>(),
        policy: case.policy,
        aliases: &case.aliases,
        changed_at: &case.changed_at,
        remote_updated: Some(at("12:00")),
        remote_times: &case.remote_times,
        freshness: case.freshness,
        access: case.access,
        is_linked_back: case.is_linked_back,
        context: &context(),
    })
    .unwrap()
}

/// In one line: `remote=` and `crm=`, then what else there is.
fn told(merged: &Merged) -> String {
    let names = |groups: &[Group]| {
        let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
        names.join(",")
    };
    let mut text = format!(
        "remote={} crm={}",
        names(&merged.to_remote),
        names(&merged.to_crm)
    );
    for conflict in &merged.conflicts {
        text += &format!(" conflict={}:{:?}", conflict.group.name(), conflict.winner);
    }
    for (what, groups) in [("refused", &merged.refused), ("unsent", &merged.unsent)] {
        if !groups.is_empty() {
            text += &format!(" {what}={}", names(groups));
        }
    }
    text
}

fn check(change: impl FnOnce(&mut Case), expected: &str) -> Merged {
    let merged = merged(&case(change));
    assert_eq!(told(&merged), expected);
    merged
}

fn edited(case: &mut Case) {
    case.row["title"] = json!("Changed");
}

#[test]
fn what_is_the_same_goes_nowhere() {
    check(|_| {}, "remote= crm=");
    check(
        |case| {
            edited(case);
            case.remote["title"] = json!("Changed");
        },
        "remote= crm=",
    );
}

#[test]
fn edits_of_different_groups_are_both_kept() {
    let moved = |case: &mut Case| {
        case.remote["location"] = json!("Elsewhere");
    };
    check(edited, "remote=title crm=");
    let merged = check(moved, "remote= crm=location");
    assert_eq!(merged.row.location.as_deref(), Some("Elsewhere"));
    check(
        |case| {
            edited(case);
            moved(case);
        },
        "remote=title crm=location",
    );
}

#[test]
fn edits_of_one_group_are_decided_by_policy() {
    let both = |policy, time: Option<&'static str>| {
        move |case: &mut Case| {
            edited(case);
            case.policy = policy;
            case.remote["title"] = json!("Theirs");
            let time = time.map(|time| (Group::Title, at(time)));
            case.remote_times.extend(time);
        }
    };
    let crm = "remote=title crm= conflict=title:Crm";
    let google = "remote= crm=title conflict=title:Google";
    let won = check(both(Policy::Latest, None), crm);
    let detail = json!({"group": "title", "crm": "Changed", "google": "Theirs", "won": "crm"});
    assert_eq!(won.conflicts[0].detail(), detail);
    check(both(Policy::Latest, Some("12:30")), crm);
    check(both(Policy::Latest, Some("12:31")), google);
    check(both(Policy::Crm, Some("12:31")), crm);
    check(both(Policy::Google, None), google);
    check(
        |case| {
            both(Policy::Latest, Some("12:31"))(case);
            case.changed_at.clear();
        },
        crm,
    );
}

#[test]
fn half_a_move_is_no_move() {
    let both = |case: &mut Case| {
        case.row["starts_at"] = json!("2031-03-01T09:00:00Z");
        case.remote["time"]["end"] = json!("2031-03-03T12:00:00Z");
        case.changed_at.insert("starts_at".to_owned(), at("11:00"));
    };
    check(both, "remote= crm=time conflict=time:Google");
}

#[test]
fn a_rule_and_its_times_are_one_decision() {
    let both = |case: &mut Case| {
        case.row["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
        case.remote["time"]["start"] = json!("2031-03-03T08:00:00Z");
        case.changed_at.insert("recurrence".to_owned(), at("12:30"));
    };
    check(
        both,
        "remote=time,recurrence crm= conflict=time:Crm conflict=recurrence:Crm",
    );
    check(
        |case| {
            both(case);
            case.remote_times.insert(Group::Time, at("13:00"));
        },
        "remote= crm=time,recurrence conflict=time:Google conflict=recurrence:Google",
    );
}

#[test]
fn an_own_write_whose_record_was_lost_is_not_a_strangers_edit() {
    let first = || {
        let mut first = base_row();
        first["title"] = json!("First");
        first
    };
    check(
        |case| {
            case.row["title"] = json!("Second");
            case.remote = shown(&first());
            case.landed = vec![first()];
        },
        "remote=title crm=",
    );
    // Changed back since: that is a change.
    check(
        |case| {
            case.remote = shown(&first());
            case.landed = vec![first()];
        },
        "remote=title crm=",
    );
    check(|case| case.remote = shown(&first()), "remote= crm=title");
}

#[test]
fn without_bases_the_row_is_told_unless_somebody_else_wrote() {
    let unrecorded = |case: &mut Case| {
        case.base_crm = None;
        case.base_remote = None;
        case.remote["title"] = json!("Theirs");
    };
    check(unrecorded, "remote=title crm=");
    check(
        |case| {
            unrecorded(case);
            case.landed = vec![base_row()];
            case.remote_times.insert(Group::Title, at("13:00"));
        },
        "remote= crm=title conflict=title:Google",
    );
}

#[test]
fn a_row_from_a_backup_takes_what_is_newer() {
    check(
        |case| {
            edited(case);
            case.remote["location"] = json!("Elsewhere");
            case.freshness = Freshness::Outdated;
        },
        "remote= crm=title,location",
    );
}

#[test]
fn what_only_the_organizer_may_change_is_given_back() {
    let guest = |case: &mut Case| {
        edited(case);
        case.row["color"] = json!("5");
        case.access = Access::Guest;
    };
    check(guest, "remote=color crm=title refused=title");
    check(
        |case| {
            guest(case);
            case.access = Access::Read;
        },
        "remote= crm=title,color refused=title,color",
    );
    // The references stay with the CRM, where no copy can carry them.
    let referenced = |case: &mut Case| case.row["deal_id"] = json!("d1");
    check(referenced, "remote=references crm=");
    check(
        |case| {
            referenced(case);
            case.access = Access::Guest;
        },
        "remote=references crm=",
    );
    check(
        |case| {
            referenced(case);
            case.access = Access::Read;
        },
        "remote= crm=",
    );
}

#[test]
fn a_zone_that_is_left_to_the_calendar_which_has_the_same_changes_nothing() {
    let in_utc = |case: &mut Case| {
        case.base_crm.as_mut().unwrap()["time_zone"] = json!("UTC");
        case.remote["time"]["start_zone"] = json!("UTC");
        case.base_remote = Some(case.remote.clone());
        case.row["time_zone"] = Value::Null;
    };
    check(in_utc, "remote= crm=");
    check(
        |case| {
            in_utc(case);
            case.remote["recurrence"] = json!(["RRULE:FREQ=DAILY;COUNT=3"]);
        },
        "remote= crm=time,recurrence",
    );
}

#[test]
fn zones_that_the_row_does_not_say_stay() {
    let flight = |case: &mut Case| {
        for row in [&mut case.row, case.base_crm.as_mut().unwrap()] {
            row["time_zone"] = Value::Null;
        }
        case.remote["time"]["end_zone"] = json!("America/New_York");
        case.base_remote = Some(case.remote.clone());
    };
    check(flight, "remote= crm=");
    let merged = check(
        |case| {
            flight(case);
            case.row["ends_at"] = json!("2031-03-03T11:00:00Z");
        },
        "remote=time crm=",
    );
    let Change::Set(sent) = &merged.patch.time else {
        panic!("not sent");
    };
    let expected = json!({
        "start": "2031-03-03T09:00:00Z", "end": "2031-03-03T11:00:00Z", "start_zone": "Europe/Berlin",
        "end_zone": "America/New_York",
    });
    assert_eq!(json!(sent), expected);
    // One that the row had and has no more is a change.
    check(
        |case| {
            case.row["time_zone"] = Value::Null;
        },
        "remote=time crm=",
    );
}

#[test]
fn a_new_series_tells_its_zone() {
    let repeated = |case: &mut Case| {
        case.row["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
    };
    let merged = check(repeated, "remote=recurrence crm=");
    assert!(merged.patch.time.is_keep());
    let merged = check(
        |case| {
            repeated(case);
            for side in [&mut case.remote, case.base_remote.as_mut().unwrap()] {
                side["time"].as_object_mut().unwrap().remove("start_zone");
            }
        },
        "remote=time,recurrence crm=",
    );
    assert!(!merged.patch.time.is_keep());
}
