use serde_json::{Value, json};

use crate::conformance::lab::{ANN, BOB, Lab, MINE, Session, timed, weekly, with};

fn invite(ann: &Session, query: &str) -> Value {
    let body = json!({
        "attendees": [{"email": BOB}, {"email": "x@else.example"}],
        "extendedProperties": {"private": {"row": "7"}, "shared": {"all": "1"}},
        "colorId": "3",
    });
    ann.post(&format!("{MINE}{query}"), with(timed("event1"), body))
        .ok()
}

fn at(id: &str) -> String {
    format!("{MINE}/{id}")
}

#[test]
fn a_guest_gets_a_copy_without_the_organizers_private_properties() {
    let lab = Lab::new();
    let token = lab.bob().sync_token();
    let mine = invite(&lab.ann(), "");
    let copy = lab.bob().event("event1");
    assert_eq!(lab.bob().list(&[("syncToken", &token)]).ids(), ["event1"]);
    assert_eq!(copy["iCalUID"], mine["iCalUID"]);
    assert_eq!(copy["organizer"], json!({"email": ANN}));
    assert_eq!(copy["extendedProperties"], json!({"shared": {"all": "1"}}));
    assert!(copy["colorId"].is_null());
    let guests = copy["attendees"].as_array().unwrap();
    assert_eq!(
        guests[0],
        json!({"email": BOB, "responseStatus": "needsAction", "self": true})
    );
}

#[test]
fn a_reply_reaches_the_organizer_and_moves_the_etag() {
    let lab = Lab::new();
    let before = invite(&lab.ann(), "");
    let token = lab.ann().sync_token();
    let act = json!({"user": BOB, "id": "event1", "response": "accepted"});
    lab.control("POST", "ui/answer", act).ok();
    let after = lab.ann().event("event1");
    assert_eq!(after["attendees"][0]["responseStatus"], "accepted");
    assert_ne!(after["etag"], before["etag"]);
    assert_eq!(after["sequence"], before["sequence"]);
    assert_eq!(lab.ann().list(&[("syncToken", &token)]).ids(), ["event1"]);
    let mail = lab.control("GET", "mail", Value::Null).ok();
    assert_eq!(
        (&mail[0]["to"], &mail[0]["kind"]),
        (&json!(ANN), &json!("response"))
    );
}

#[test]
fn a_reply_lags_when_asked_to() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.switch("guestLagSeconds", 30);
    let act = json!({"user": BOB, "id": "event1", "response": "declined"});
    lab.control("POST", "ui/answer", act).ok();
    let response = || lab.ann().event("event1")["attendees"][0]["responseStatus"].clone();
    assert_eq!(response(), "needsAction");
    lab.advance(30);
    assert_eq!(response(), "declined");
}

#[test]
fn the_organizers_changes_reach_the_copies_and_private_things_stay() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    let own = json!({
        "extendedProperties": {"private": {"mine": "b"}},
        "reminders": {"useDefault": false},
        "colorId": "5",
    });
    lab.bob().patch(&at("event1"), own).ok();
    lab.ann()
        .patch(&at("event1"), json!({"summary": "New", "location": "Room"}))
        .ok();
    let copy = lab.bob().event("event1");
    assert_eq!(
        (&copy["summary"], &copy["location"]),
        (&json!("New"), &json!("Room"))
    );
    assert_eq!(copy["extendedProperties"]["private"], json!({"mine": "b"}));
    assert_eq!(
        (&copy["colorId"], &copy["reminders"]["useDefault"]),
        (&json!("5"), &json!(false))
    );
    assert_eq!(
        lab.ann().event("event1")["extendedProperties"]["private"],
        json!({"row": "7"})
    );
}

#[test]
fn a_guest_who_is_taken_off_the_list_loses_the_copy() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.ann()
        .patch(&at("event1"), json!({"attendees": []}))
        .ok();
    assert_eq!(lab.bob().event("event1")["status"], "cancelled");
}

#[test]
fn a_quiet_deletion_leaves_the_guests_copy() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.ann()
        .delete(&format!("{}?sendUpdates=none", at("event1")));
    assert_eq!(lab.bob().event("event1")["status"], "confirmed");
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.ann().delete(&at("event1"));
    assert_eq!(lab.bob().event("event1")["status"], "cancelled");
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.switch("quietDelete", "removed");
    lab.ann()
        .delete(&format!("{}?sendUpdates=none", at("event1")));
    assert_eq!(lab.bob().event("event1")["status"], "cancelled");
}

#[test]
fn a_guest_who_removes_the_copy_declines() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    assert_eq!(lab.bob().delete(&at("event1")).status, 204);
    assert_eq!(
        lab.ann().event("event1")["attendees"][0]["responseStatus"],
        "declined"
    );
    lab.ann()
        .patch(&at("event1"), json!({"summary": "New"}))
        .ok();
    assert_eq!(
        lab.bob().event("event1")["status"],
        "cancelled",
        "it does not come back"
    );
}

#[test]
fn a_guest_who_may_modify_changes_the_organizers_event() {
    let lab = Lab::new();
    let body = json!({"attendees": [{"email": BOB}], "guestsCanModify": true});
    lab.ann().insert(with(timed("event1"), body));
    lab.bob()
        .patch(&at("event1"), json!({"summary": "Bob's"}))
        .ok();
    assert_eq!(lab.ann().event("event1")["summary"], "Bob's");
}

#[test]
fn mails_go_to_whom_send_updates_says() {
    for (query, expected) in [
        ("", vec![]),
        ("?sendUpdates=none", vec![]),
        ("?sendUpdates=externalOnly", vec!["x@else.example"]),
        ("?sendUpdates=all", vec![BOB, "x@else.example"]),
        ("?sendNotifications=true", vec![BOB, "x@else.example"]),
    ] {
        let lab = Lab::new();
        invite(&lab.ann(), query);
        let mail = lab.control("GET", "mail", Value::Null).ok();
        let to: Vec<&str> = mail
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["to"].as_str().unwrap())
            .collect();
        assert_eq!(to, expected, "{query}");
        assert!(
            mail.as_array()
                .unwrap()
                .iter()
                .all(|mail| mail["kind"] == "invitation")
        );
    }
}

#[test]
fn an_exception_of_a_series_reaches_the_guests() {
    let lab = Lab::new();
    lab.ann().insert(with(
        weekly("series1"),
        json!({"attendees": [{"email": BOB}]}),
    ));
    let second = "series1_20260309T090000Z";
    lab.ann()
        .patch(&at(second), json!({"summary": "Special"}))
        .ok();
    assert_eq!(lab.bob().list(&[]).ids(), ["series1", second]);
    assert_eq!(lab.bob().event(second)["summary"], "Special");
    let act = json!({"user": BOB, "id": "series1_20260316T090000Z", "response": "declined"});
    lab.control("POST", "ui/answer", act).ok();
    let third = lab.ann().event("series1_20260316T090000Z");
    assert_eq!(third["attendees"][0]["responseStatus"], "declined");
    assert_eq!(
        lab.ann().event("series1")["attendees"][0]["responseStatus"],
        "needsAction"
    );
}

#[test]
fn guests_may_be_hidden_from_each_other() {
    let lab = Lab::new();
    let body = json!({
        "attendees": [{"email": BOB}, {"email": "x@else.example"}],
        "guestsCanSeeOtherGuests": false,
    });
    lab.ann().insert(with(timed("event1"), body));
    let copy = lab.bob().event("event1");
    assert_eq!(copy["attendees"].as_array().map(Vec::len), Some(1));
    assert_eq!(copy["attendeesOmitted"], true);
    assert_eq!(
        lab.ann().event("event1")["attendees"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[test]
fn max_attendees_keeps_only_the_reader() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    let copy = lab
        .bob()
        .get(&format!("{}?maxAttendees=1", at("event1")))
        .ok();
    assert_eq!(copy["attendees"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&copy["attendees"][0]["self"], &copy["attendeesOmitted"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn a_guest_who_cancels_the_copy_by_patch_declines_too() {
    let lab = Lab::new();
    invite(&lab.ann(), "");
    lab.bob()
        .patch(&at("event1"), json!({"status": "cancelled"}))
        .ok();
    let event = lab.ann().event("event1");
    assert_eq!(
        (&event["status"], &event["attendees"][0]["responseStatus"]),
        (&json!("confirmed"), &json!("declined"))
    );
}

#[test]
fn external_is_outside_the_domain_or_without_an_account() {
    for (position, expected) in [("domain", "x@else.example"), ("account", "x@else.example")] {
        let lab = Lab::new();
        lab.switch("external", position);
        invite(&lab.ann(), "?sendUpdates=externalOnly");
        let mail = lab.control("GET", "mail", Value::Null).ok();
        assert_eq!(mail[0]["to"], expected);
    }
    let lab = Lab::new();
    let colleague = json!({"attendees": [{"email": "new@example.com"}]});
    let path = format!("{MINE}?sendUpdates=externalOnly");
    lab.ann()
        .post(&path, with(timed("event1"), colleague.clone()))
        .ok();
    assert_eq!(lab.control("GET", "mail", Value::Null).ok(), json!([]));
    lab.switch("external", "account");
    lab.ann().post(&path, with(timed("event2"), colleague)).ok();
    assert_eq!(
        lab.control("GET", "mail", Value::Null).ok()[0]["to"],
        "new@example.com"
    );
}
