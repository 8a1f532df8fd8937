//! What a write sends, and what it leaves in an event.

use super::*;
use event::Change;
use provider::{LinkBack, Mail, Method, Stamp, Write};
use serde_json::Map;
use uuid::Uuid;

#[test]
fn what_is_taken_away_is_null_in_every_place_that_google_merges() {
    let expected = json!({
        "summary": null, "description": null, "location": null, "recurrence": null, "status": "confirmed",
        "visibility": "default", "transparency": "opaque", "colorId": null, "attendees": [], "conferenceData": null,
        "reminders": {"useDefault": true, "overrides": null},
    });
    assert_eq!(patched(&Group::ALL, &EventFields::default()), expected);
    let none = row(json!({"reminders": {"use_default": false}}));
    let expected = json!({"reminders": {"useDefault": false, "overrides": []}});
    assert_eq!(patched(&[Group::Reminders], &none), expected);
    let empty = EventFields::default();
    let whole = EventPatch::whole(&empty);
    let inserted = insert_body(&whole, &empty, &context());
    assert_eq!(inserted["reminders"], json!({"useDefault": true}));
    assert_eq!(inserted.get("extendedProperties"), None);
    let cleared = EventPatch {
        reminders: Change::Clear,
        ..EventPatch::default()
    };
    let body = body(&cleared, &EventFields::default(), &context());
    let expected = json!({"useDefault": true, "overrides": null});
    assert_eq!(body["reminders"], expected);
}

#[test]
fn a_write_that_keeps_all_says_only_what_every_write_says() {
    assert_eq!(patched(&[], &EventFields::default()), json!({}));
    let kept = row(json!({"deal_id": "d1"}));
    let body = body(&EventPatch::default(), &kept, &context());
    let private =
        json!({"crmflowContactId": null, "crmflowCompanyId": null, "crmflowDealId": "d1"});
    assert_eq!(body["extendedProperties"]["private"], private);
}

#[test]
fn only_a_request_for_a_conference_is_sent() {
    let conference = |conference: Value| {
        let row = row(json!({"conference": conference}));
        patched(&[Group::Conference], &row)
    };
    let request = |kind: &str| json!({"conferenceData": {"createRequest": {"requestId": "r1", "conferenceSolutionKey": {"type": kind}}}});
    assert_eq!(
        conference(json!({"createRequest": {}})),
        request("hangoutsMeet")
    );
    let addon = json!({"createRequest": {"conferenceSolutionKey": {"type": "addOn"}}});
    assert_eq!(conference(addon), request("addOn"));
    assert_eq!(
        conference(json!({"link": "https://meet.example"})),
        json!({})
    );
    assert_eq!(conference(Value::Null), json!({"conferenceData": null}));
}

fn write(method: Method, keeps_link_back: bool) -> Write {
    let row = row(json!({"title": "Call", "status": "tentative", "deal_id": "d1"}));
    Write {
        patch: EventPatch::of(&[Group::Title], &row),
        row,
        method,
        context: context(),
        link_back: Uuid::from_u128(1),
        keeps_link_back,
        stamp: Stamp {
            rev: 7,
            instance: "i/1".to_owned(),
            event: Uuid::from_u128(1),
        },
        mail: Mail::None,
        source: Some("https://crm.example/1".to_owned()),
    }
}

fn private(body: &Map<String, Value>) -> &Value {
    &body["extendedProperties"]["private"]
}

#[test]
fn a_write_names_itself_and_its_row() {
    let patch = || Method::Patch {
        etag: "1".to_owned(),
    };
    let body = write_body("e1", &write(patch(), false)).unwrap();
    let row = Uuid::from_u128(1);
    let expected = json!({
        "crmflowEventId": row, "crmflowRev": format!("7@i/1/{row}"), "crmflowContactId": null, "crmflowCompanyId": null,
        "crmflowDealId": "d1",
    });
    assert_eq!(*private(&body), expected);
    assert_eq!(body["summary"], "Call");
    assert_eq!(body.get("status"), None);
    // Somebody else's link stays.
    let body = write_body("e1", &write(patch(), true)).unwrap();
    assert_eq!(private(&body).get("crmflowEventId"), None);
}

#[test]
fn each_method_has_its_body() {
    let etag = || "1".to_owned();
    let inserted = write_body("e1", &write(Method::Insert, false)).unwrap();
    assert_eq!(
        (&inserted["id"], &inserted["summary"]),
        (&json!("e1"), &json!("Call"))
    );
    assert_eq!(inserted["source"]["url"], "https://crm.example/1");
    assert_eq!(private(&inserted).get("crmflowContactId"), None);
    assert_eq!(private(&inserted)["crmflowDealId"], "d1");
    let restored = write_body("e1", &write(Method::Restore { etag: etag() }, false)).unwrap();
    assert_eq!(restored["status"], "tentative");
    let cancelled = write_body("e1", &write(Method::Cancel { etag: etag() }, false)).unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(
        write_body("e1", &write(Method::Delete { etag: etag() }, false)),
        None
    );
}

#[test]
fn a_stamp_counts_only_for_its_row_and_installation() {
    let (ours, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let event = |rev: &str| {
        read(&json!({"id": "e1", "extendedProperties": {"private": {"crmflowRev": rev}}}))
    };
    let check = |rev: &str, expected| {
        let found = stamp(&event(rev)).and_then(|stamp| stamp.rev_of("i", ours));
        assert_eq!(found, expected, "{rev}");
    };
    check(&format!("7@i/{ours}"), Some(7));
    check(&format!("7@i/{other}"), None);
    check(&format!("7@j/{ours}"), None);
    for odd in ["7", "", "@", "7@i", "7@i/x", "x@i/1"] {
        check(odd, None);
    }
}

#[test]
fn an_exception_says_nothing_about_its_row() {
    let properties = json!({"private": {"crmflowEventId": Uuid::from_u128(1)}});
    let single = read(&json!({"id": "e1", "extendedProperties": properties}));
    let exception = read(
        &json!({"id": "e1_20310303", "recurringEventId": "e1", "extendedProperties": properties}),
    );
    assert_eq!(link_back(&single), LinkBack::Row(Uuid::from_u128(1)));
    assert_eq!(link_back(&exception), LinkBack::None);
    let foreign = json!({"private": {"crmflowEventId": "x"}});
    let foreign = read(&json!({"id": "e1", "extendedProperties": foreign}));
    assert_eq!(link_back(&foreign), LinkBack::Foreign("x".to_owned()));
}
