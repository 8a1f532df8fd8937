//! Whatever the two sides did: one merge and one write, and they agree.

use super::*;

/// For each group, the fields of two edits.
fn edits() -> Vec<[Value; 2]> {
    let guests = |guests: Value| json!({"attendees": guests});
    vec![
        [json!({"title": "A"}), json!({"title": null})],
        [json!({"location": "A"}), json!({"location": "B"})],
        [
            json!({"ends_at": "2031-03-03T11:00:00.25Z"}),
            json!({"time_zone": null, "end_time_zone": "Asia/Tokyo"}),
        ],
        [
            json!({"all_day": true, "starts_on": "2031-03-03", "ends_on": "2031-03-04"}),
            json!({"recurrence": ["RRULE:FREQ=DAILY"]}),
        ],
        [
            json!({"status": "tentative"}),
            json!({"visibility": "cosmic"}),
        ],
        [
            guests(
                json!([{"email": "ann@example.com"}, {"email": "bob@example.com", "optional": true}]),
            ),
            guests(json!([{"email": "cat@example.com", "response_status": "accepted"}])),
        ],
        [
            guests(json!([])),
            guests(json!([{"email": "ann@example.com", "comment": "late", "self": true}])),
        ],
        [
            json!({"reminders": {"use_default": false, "overrides": [{"method": "email", "minutes": 5}]}}),
            json!({"reminders": {"use_default": false}}),
        ],
        [
            json!({"conference": {"link": "A"}}),
            json!({"conference": {"conferenceId": "B"}}),
        ],
        [json!({"deal_id": "A"}), json!({"deal_id": "B"})],
        [
            json!({"color": "1"}),
            json!({"transparency": "transparent"}),
        ],
    ]
}

fn with(edits: &[&Value]) -> Value {
    let mut row = base_row();
    for edit in edits {
        row.as_object_mut()
            .unwrap()
            .extend(edit.as_object().unwrap().clone());
    }
    row
}

/// What the provider shows after the write.
fn written(case: &Case, merged: &Merged) -> Map<String, Value> {
    let mut remote = case.remote.clone();
    for group in &merged.to_remote {
        let mut value = merged.row.expected(*group, &context()).unwrap();
        if let (GroupValue::Time(_), Change::Set(time)) = (&value, &merged.patch.time) {
            value = GroupValue::Time(time.shown("UTC"));
        }
        remote.insert(group.name().to_owned(), value.to_json());
    }
    remote
}

fn check_converges(case: &mut Case) {
    let merged = merged(case);
    let story = format!("{} -> {} {}", case.row, json!(case.remote), told(&merged));
    for group in &merged.to_crm {
        assert!(!merged.to_remote.contains(group) || *group == Group::Attendees);
    }
    assert_eq!(
        merged.patch.is_empty(),
        merged.to_remote.is_empty(),
        "{story}"
    );
    let before = case.base_crm.as_ref().map(fields);
    case.remote = written(case, &merged);
    case.base_remote = Some(case.remote.clone());
    case.base_crm = Some(json!(merged.base_crm(before.as_ref())));
    case.row = json!(merged.row);
    let again = super::merged(case);
    assert_eq!(told(&again), "remote= crm=", "{story}");
}

#[test]
fn two_sides_agree_after_one_merge() {
    let nothing = json!({});
    let edits = edits();
    let edits: Vec<&Value> = edits.iter().flatten().chain([&nothing]).collect();
    for (ours, theirs) in edits.iter().flat_map(|a| edits.iter().map(move |b| (a, b))) {
        for (policy, access) in [
            (Policy::Latest, Access::Full),
            (Policy::Google, Access::Full),
            (Policy::Latest, Access::Guest),
            (Policy::Latest, Access::Read),
        ] {
            check_converges(&mut case(|case| {
                case.row = with(&[ours]);
                case.remote = shown(&with(&[theirs]));
                case.policy = policy;
                case.access = access;
            }));
        }
    }
}

#[test]
fn what_was_written_without_a_record_changes_nothing_about_where_it_ends() {
    let edits = edits();
    let edits: Vec<&Value> = edits.iter().flatten().collect();
    for (first, second) in edits.iter().flat_map(|a| edits.iter().map(move |b| (a, b))) {
        let mut told = case(|case| {
            case.row = with(&[first, second]);
            case.remote = shown(&with(&[first]));
            case.landed = vec![with(&[first])];
        });
        let merged = merged(&told);
        assert!(merged.conflicts.is_empty(), "{first} {second}");
        told.landed.clear();
        told.remote = written(&told, &merged);
        told.base_remote = Some(told.remote.clone());
        told.base_crm = Some(json!(merged.base_crm(None)));
        told.row = json!(merged.row);
        let again = super::merged(&told);
        assert_eq!(super::told(&again), "remote= crm=", "{first} {second}");
    }
}
