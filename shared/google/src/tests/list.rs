//! Pages of events, good and poisoned.

use super::answered;
use crate::GoogleError;
use crate::event::{AccessRole, ReminderMethod};
use crate::events::list::{Next, Page, answer};
use crate::id::{PageToken, SyncToken};
use http_client::TransportError;
use provider::Class;

fn page(items: &str) -> Page {
    let body = format!(
        r#"{{"kind":"calendar#events","etag":"\"p32\"","summary":"Ann","description":"","updated":"2026-03-01T10:00:00.000Z","timeZone":"Europe/Copenhagen","accessRole":"owner","defaultReminders":[{{"method":"popup","minutes":30}}],"nextSyncToken":"c2luY2UtbW9uZGF5+1=","items":[{items}]}}"#
    );
    answer(answered(200, body)).unwrap()
}

#[test]
fn a_page_tells_how_to_go_on_and_what_the_calendar_is() {
    let page = page(r#"{"id":"ev1","status":"confirmed"}, {"id":"ev2","status":"cancelled"}"#);
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.items[0].raw, r#"{"id":"ev1","status":"confirmed"}"#);
    assert!(page.items[1].event.as_ref().unwrap().is_cancelled());
    assert_eq!(
        page.next,
        Next::Sync(SyncToken::from("c2luY2UtbW9uZGF5+1="))
    );
    assert_eq!(page.access_role, Some(AccessRole::Owner));
    assert_eq!(page.time_zone.as_deref(), Some("Europe/Copenhagen"));
    assert_eq!(page.summary.as_deref(), Some("Ann"));
    let reminder = &page.default_reminders[0];
    assert_eq!(reminder.method, Some(ReminderMethod::Popup));
    assert_eq!(reminder.minutes, Some(30));
}

fn check_poison(item: &str, id: Option<&str>, why: &str) {
    let page = page(&format!(r#"{{"id":"good1"}},{item},{{"id":"good2"}}"#));
    assert_eq!(page.items.len(), 3, "{item}");
    assert!(page.items[0].event.is_ok() && page.items[2].event.is_ok());
    let poison = &page.items[1];
    assert_eq!(poison.raw, item);
    let unreadable = poison.event.as_ref().unwrap_err();
    assert_eq!(unreadable.id.as_ref().map(|id| id.as_str()), id, "{item}");
    assert!(unreadable.why.starts_with(why), "{}", unreadable.why);
    assert!(unreadable.why.chars().all(|c| !c.is_control()));
}

#[test]
fn one_poisoned_item_never_loses_the_page() {
    check_poison(
        r#"{"id":"ev1","summary":5}"#,
        Some("ev1"),
        "summary: invalid type: integer",
    );
    check_poison(
        r#"{"id":"ev1","summary":"\ud800"}"#,
        Some("ev1"),
        "summary: ",
    );
    check_poison(
        r#"{"id":"ev1","description":"a\u0000b"}"#,
        Some("ev1"),
        "description: holds U+0000",
    );
    check_poison(
        r#"{"id":"ev1","extendedProperties":{"private":{"a\u0000":"b"}}}"#,
        Some("ev1"),
        "extendedProperties: holds U+0000",
    );
    check_poison(
        r#"{"id":"ev1","unknown":"\udfff"}"#,
        Some("ev1"),
        "unknown: ",
    );
    check_poison(r#"{"id":"ev1","a\u0000b":1}"#, Some("ev1"), "ab: holds");
    check_poison(r#"{"id":"e\u0000"}"#, None, "id: holds U+0000");
    check_poison(r#"{"id":5}"#, None, "id: ");
    check_poison(r#"{"summary":"no id"}"#, None, "id: missing");
    check_poison(r#"null"#, None, "not an object");
    check_poison(r#"[1]"#, None, "not an object");
    check_poison(
        r#"{"id":"ev1","sequence":1e999}"#,
        Some("ev1"),
        "sequence: ",
    );
    let deep = format!(
        r#"{{"id":"ev1","deep":{}{}}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    check_poison(&deep, Some("ev1"), "deep: recursion limit");
}

#[test]
fn bytes_that_are_not_utf8_spoil_no_page() {
    let body = b"{\"nextSyncToken\":\"s1\",\"items\":[{\"id\":\"ev1\",\"summary\":\"\xff\"},{\"id\":\"ev2\"}]}";
    let page = answer(answered(200, body.to_vec())).unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(page.items[1].event.is_ok());
}

#[test]
fn an_odd_description_of_the_calendar_spoils_no_page() {
    let body = r#"{"nextSyncToken":"s1","summary":"\ud800","timeZone":5,"accessRole":"chief","defaultReminders":{}}"#;
    let page = answer(answered(200, body)).unwrap();
    assert_eq!((page.summary, page.time_zone), (None, None));
    assert_eq!(
        page.access_role,
        Some(AccessRole::Other("chief".to_owned()))
    );
    assert!(page.items.is_empty() && page.default_reminders.is_empty());
}

fn check_next(body: &str, expected: Result<Next, &str>) {
    let next = answer(answered(200, body.to_owned())).map(|page| page.next);
    let expected = expected.map_err(|why| GoogleError::Unreadable {
        what: "page of events",
        why: why.to_owned(),
    });
    assert_eq!(next, expected, "{body}");
}

#[test]
fn a_page_goes_on_as_its_tokens_say_and_is_an_error_without_one() {
    let neither = Err("neither nextPageToken nor nextSyncToken");
    check_next(
        r#"{"items":[],"nextPageToken":"p2"}"#,
        Ok(Next::Page(PageToken::from("p2"))),
    );
    check_next(
        r#"{"items":[],"nextPageToken":"p2","nextSyncToken":"s1"}"#,
        Ok(Next::Page(PageToken::from("p2"))),
    );
    check_next(
        r#"{"nextPageToken":null,"nextSyncToken":"s1"}"#,
        Ok(Next::Sync(SyncToken::from("s1"))),
    );
    check_next(r#"{"items":[]}"#, neither.clone());
    check_next("{}", neither.clone());
    check_next(r#"{"nextSyncToken":""}"#, neither);
}

#[test]
fn a_page_that_is_cut_short_is_unreadable_and_tried_again() {
    for body in [
        "",
        "<html>",
        r#"{"nextSyncToken":"s1","items":[{"id":"ev1"}"#,
        r#"{"nextSyncToken":"s1","items":{}}"#,
        r#"{"nextSyncToken":5}"#,
    ] {
        let error = answer(answered(200, body)).unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{body}");
    }
    let cut = answer(Err(TransportError::NoAnswer("reset".to_owned()))).unwrap_err();
    assert_eq!(cut.class(), Class::Retry);
}

#[test]
fn every_410_of_a_listing_means_to_start_over() {
    for body in [
        r#"{"error":{"errors":[{"domain":"calendar","reason":"fullSyncRequired","message":"Sync token is no longer valid, a full sync is required.","locationType":"parameter","location":"syncToken"}],"code":410,"message":"Sync token is no longer valid, a full sync is required."}}"#,
        r#"{"error":{"errors":[{"domain":"calendar","reason":"updatedMinTooLongAgo","message":"The requested minimum modification time lies too far in the past.","locationType":"parameter","location":"updatedMin"}],"code":410,"message":"The requested minimum modification time lies too far in the past."}}"#,
        r#"{"error":{"code":410,"message":"Gone"}}"#,
        "<html>Gone</html>",
    ] {
        let error = answer(answered(410, body)).unwrap_err();
        assert!(error.is_full_sync_required(), "{body}");
        assert!(!error.is_deleted(), "{body}");
        assert_eq!(error.class(), Class::Resync, "{body}");
    }
}

#[test]
fn no_prefix_of_a_page_is_taken_for_a_page() {
    let body = r#"{"nextSyncToken":"s1","items":[{"id":"ev1","summary":"\u00e9\\"},{"id":"ev2"}],"accessRole":"owner"}"#;
    for end in 0..body.len() {
        assert!(answer(answered(200, &body.as_bytes()[..end])).is_err());
    }
    assert!(answer(answered(200, body)).is_ok());
}
