//! What is wished for, and what the provider makes by itself.

use super::{Case, base_row, check, fields, shown};
use crate::merge::take_server_made;
use crate::{Group, RemoteFields};
use serde_json::json;

#[test]
fn of_a_conference_only_wishes_are_sent() {
    let merged = check(
        |case| case.row["conference"] = json!({"createRequest": {}}),
        "remote=conference crm=",
    );
    assert!(!merged.patch.conference.is_keep());
    let other = |case: &mut Case| case.row["conference"] = json!({"link": "https://meet.example"});
    check(other, "remote= crm=");
    let meet = json!({"conferenceId": "abc"});
    check(
        |case| {
            case.remote["conference"] = meet.clone();
            case.base_remote = Some(case.remote.clone());
            case.base_crm.as_mut().unwrap()["conference"] = meet.clone();
        },
        "remote=conference crm=",
    );
}

#[test]
fn what_the_provider_makes_goes_into_the_row() {
    let mut row = fields(&base_row());
    row.conference = Some(json!({"createRequest": {}}));
    let mut remote = shown(&base_row());
    remote["conference"] = json!({"conferenceId": "abc"});
    remote["organizer"]["organizer"] =
        json!({"email": "ann@example.com", "display_name": null, "self": true});
    remote["attendees"] =
        json!([{"email": "ann@example.com", "response_status": "needsAction", "self": true}]);
    remote["visibility"] = json!("private");
    remote["title"] = json!("Theirs");
    let remote = RemoteFields::from(remote);
    let taken = take_server_made(&mut row, &remote, &[]);
    let made = [Group::Attendees, Group::Conference, Group::Organizer];
    assert_eq!(taken, made);
    let taken = take_server_made(&mut row, &remote, &[Group::Visibility]);
    assert_eq!(taken, [Group::Visibility]);
    assert_eq!(row.title.as_deref(), Some("Call"));
}
