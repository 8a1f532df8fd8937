//! The calls of the Calendar API, and the small answers.

use super::{answered, api, on_the_wire, token};
use crate::event::AccessRole;
use crate::events::watch::NewChannel;
use crate::events::{SendUpdates, delete, get, insert, instances, list, patch, watch};
use crate::id::{
    CalendarId, ChannelId, ChannelToken, Etag, EventId, PageToken, ResourceId, SyncToken,
};
use crate::{GoogleError, calendar_list, channels};
use ::url::Url;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Request;
use serde_json::{Map, Value, json};

const WITH_HASH: &str = "team#1@group.calendar.example.com";
const COMMON: &str = "accept: application/json\nauthorization: Bearer ya29.example\n";
const COMMON_WITH_BODY: &str = "accept: application/json\nauthorization: Bearer ya29.example\ncontent-type: application/json\n";

fn check(request: &Request<Bytes>, line: &str, headers: &str, body: &str) {
    assert_eq!(on_the_wire(request), format!("{line}\n{headers}\n{body}"));
    let uri = request.uri().to_string();
    assert!(!uri.contains("ya29"), "no token in a URL: {uri}");
}

fn calendar() -> CalendarId {
    CalendarId::from(WITH_HASH)
}

fn event() -> EventId {
    EventId::from("ev1_R20260301T010000")
}

fn etag() -> Etag {
    Etag::from("\"3500000000000001\"")
}

fn fields(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn get_addresses_a_calendar_whose_id_holds_a_hash() {
    check(
        &get::request(&api(), &token(), &calendar(), &event()),
        "GET https://www.googleapis.com/calendar/v3/calendars/team%231@group.calendar.example.com/events/ev1_R20260301T010000?prettyPrint=false",
        COMMON,
        "",
    );
}

#[test]
fn insert_sends_the_chosen_id_and_nothing_that_only_google_sets() {
    let body = fields(json!({
        "id": "other", "summary": "Tea", "description": null, "created": "2026-03-01T00:00:00Z",
        "etag": "\"1\"", "iCalUID": "x@example.com", "start": { "date": "2026-03-01" },
    }));
    check(
        &insert::request(
            &api(),
            &token(),
            &CalendarId::from("primary"),
            &EventId::from("ev0001"),
            &body,
            SendUpdates::None,
        ),
        "POST https://www.googleapis.com/calendar/v3/calendars/primary/events?sendUpdates=none&prettyPrint=false",
        COMMON_WITH_BODY,
        r#"{"id":"ev0001","start":{"date":"2026-03-01"},"summary":"Tea"}"#,
    );
}

#[test]
fn insert_asks_for_conference_data_and_attachments_only_when_it_sends_them() {
    let body = fields(json!({
        "conferenceData": { "createRequest": { "requestId": "r1" } }, "attachments": [],
    }));
    let request = insert::request(
        &api(),
        &token(),
        &CalendarId::from("primary"),
        &EventId::from("ev0001"),
        &body,
        SendUpdates::ExternalOnly,
    );
    assert_eq!(
        request.uri().query(),
        Some(
            "sendUpdates=externalOnly&conferenceDataVersion=1&supportsAttachments=true&prettyPrint=false"
        )
    );
}

#[test]
fn patch_sends_only_the_changes_and_its_guard() {
    let changes = fields(json!({ "summary": "Tea", "description": null }));
    check(
        &patch::request(
            &api(),
            &token(),
            &calendar(),
            &event(),
            &etag(),
            &changes,
            SendUpdates::All,
        ),
        "PATCH https://www.googleapis.com/calendar/v3/calendars/team%231@group.calendar.example.com/events/ev1_R20260301T010000?sendUpdates=all&prettyPrint=false",
        &format!("{COMMON_WITH_BODY}if-match: \"3500000000000001\"\n"),
        r#"{"description":null,"summary":"Tea"}"#,
    );
}

#[test]
fn patch_that_removes_a_conference_says_that_it_means_it() {
    let changes = fields(json!({ "conferenceData": null }));
    let request = patch::request(
        &api(),
        &token(),
        &calendar(),
        &event(),
        &etag(),
        &changes,
        SendUpdates::None,
    );
    assert_eq!(
        request.uri().query(),
        Some("sendUpdates=none&conferenceDataVersion=1&prettyPrint=false")
    );
}

#[test]
fn delete_sends_its_guard_and_no_body() {
    check(
        &delete::request(
            &api(),
            &token(),
            &CalendarId::from("team/a b@example.com"),
            &event(),
            &etag(),
            SendUpdates::None,
        ),
        "DELETE https://www.googleapis.com/calendar/v3/calendars/team%2Fa%20b@example.com/events/ev1_R20260301T010000?sendUpdates=none&prettyPrint=false",
        &format!("{COMMON}if-match: \"3500000000000001\"\n"),
        "",
    );
    assert_eq!(delete::answer(answered(204, "")), Ok(()));
}

fn check_list(since: Option<&SyncToken>, page: Option<&PageToken>, tail: &str) {
    let line = format!(
        "GET https://www.googleapis.com/calendar/v3/calendars/primary/events?maxResults=250&singleEvents=false&showDeleted=true{tail}&prettyPrint=false"
    );
    let calendar = CalendarId::from("primary");
    let request = list::request(&api(), &token(), &calendar, since, page);
    check(&request, &line, COMMON, "");
}

#[test]
fn list_sends_the_same_parameters_and_a_sync_token() {
    let sync = SyncToken::from("c2luY2UtbW9uZGF5+1=");
    let page = PageToken::from("cGFnZS0y/+");
    check_list(None, None, "");
    check_list(Some(&sync), None, "&syncToken=c2luY2UtbW9uZGF5%2B1%3D");
    check_list(
        Some(&sync),
        Some(&page),
        "&syncToken=c2luY2UtbW9uZGF5%2B1%3D&pageToken=cGFnZS0y%2F%2B",
    );
    assert_eq!(
        list::parameters_digest(),
        "maxResults=250&singleEvents=false&showDeleted=true"
    );
}

#[test]
fn one_occurrence_is_asked_for_by_its_start_also_when_it_is_cancelled() {
    let line = "GET https://www.googleapis.com/calendar/v3/calendars/primary/events/series1/instances?showDeleted=true&originalStart=2026-03-29T07%3A00%3A00Z&prettyPrint=false";
    let (calendar, series) = (CalendarId::from("primary"), EventId::from("series1"));
    let start = "2026-03-29T07:00:00Z";
    let request = instances::request(&api(), &token(), &calendar, &series, start);
    check(&request, line, COMMON, "");
}

#[test]
fn watch_sends_the_token_in_the_body_and_the_lifetime_as_text() {
    let channel = NewChannel {
        id: &ChannelId::from("01234567-89ab-cdef-0123-456789abcdef"),
        address: &Url::parse("https://crm.example.com/functions/v1/google-webhook").unwrap(),
        token: &ChannelToken::from("hmac1"),
        ttl: Some(604_800),
    };
    check(
        &watch::request(&api(), &token(), &CalendarId::from("primary"), channel),
        "POST https://www.googleapis.com/calendar/v3/calendars/primary/events/watch?prettyPrint=false",
        COMMON_WITH_BODY,
        r#"{"address":"https://crm.example.com/functions/v1/google-webhook","id":"01234567-89ab-cdef-0123-456789abcdef","params":{"ttl":"604800"},"token":"hmac1","type":"web_hook"}"#,
    );
}

#[test]
fn watch_reads_the_expiration_as_text_and_as_number() {
    let check = |expiration: &str, expected: Option<&str>| {
        let body = format!(
            r#"{{"kind":"api#channel","id":"c1","resourceId":"resource1","resourceUri":"https://www.googleapis.com/calendar/v3/calendars/primary/events","token":"hmac1"{expiration}}}"#
        );
        let channel = watch::answer(answered(200, body)).unwrap();
        assert_eq!(channel.id.as_str(), "c1");
        assert_eq!(channel.resource_id.as_str(), "resource1");
        assert_eq!(channel.expiration, expected.map(time), "{expiration}");
    };
    check(
        r#","expiration":"1772358413000""#,
        Some("2026-03-01T09:46:53Z"),
    );
    check(
        r#","expiration":1772358413000"#,
        Some("2026-03-01T09:46:53Z"),
    );
    check(r#","expiration":"soon""#, None);
    check("", None);
}

#[test]
fn watch_answer_without_a_resource_id_is_unreadable() {
    assert_eq!(
        watch::answer(answered(200, r#"{"id":"c1"}"#)),
        Err(GoogleError::Unreadable {
            what: "channel",
            why: "resourceId: missing".to_owned(),
        })
    );
}

#[test]
fn stop_names_the_channel_and_what_it_watches() {
    check(
        &channels::stop::request(
            &api(),
            &token(),
            &ChannelId::from("c1"),
            &ResourceId::from("r1"),
        ),
        "POST https://www.googleapis.com/calendar/v3/channels/stop?prettyPrint=false",
        COMMON_WITH_BODY,
        r#"{"id":"c1","resourceId":"r1"}"#,
    );
    assert_eq!(channels::stop::answer(answered(204, "")), Ok(()));
    let gone = r#"{"error":{"errors":[{"domain":"global","reason":"notFound","message":"Channel 'c1' not found for project '1'"}],"code":404,"message":"Channel 'c1' not found for project '1'"}}"#;
    let error = channels::stop::answer(answered(404, gone)).unwrap_err();
    assert!(error.is_gone());
}

#[test]
fn the_calendar_list_survives_an_entry_it_cannot_read() {
    check(
        &calendar_list::request(&api(), &token(), Some(&PageToken::from("p2"))),
        "GET https://www.googleapis.com/calendar/v3/users/me/calendarList?maxResults=250&showHidden=true&pageToken=p2&prettyPrint=false",
        COMMON,
        "",
    );
    let body = r##"{"kind":"calendar#calendarList","etag":"\"p33\"","nextSyncToken":"s1","items":[
        {"kind":"calendar#calendarListEntry","id":"ann@example.com","summary":"ann@example.com","summaryOverride":"Ann","timeZone":"Europe/Copenhagen","backgroundColor":"#9fe1e7","selected":true,"accessRole":"owner","primary":true,"defaultReminders":[{"method":"popup","minutes":30}]},
        {"id":"bad@example.com","summary":"\ud800"},
        {"id":"team@group.calendar.google.com","accessRole":"chief"}]}"##;
    let page = calendar_list::answer(answered(200, body)).unwrap();
    assert_eq!(page.entries.len(), 2);
    assert_eq!(page.entries[0].title(), "Ann");
    assert_eq!(page.entries[0].access_role, Some(AccessRole::Owner));
    assert_eq!(page.entries[0].primary, Some(true));
    assert_eq!(page.entries[1].title(), "team@group.calendar.google.com");
    assert_eq!(
        page.entries[1].access_role,
        Some(AccessRole::Other("chief".to_owned()))
    );
    assert_eq!(page.unreadable.len(), 1);
    assert!(page.unreadable[0].starts_with("summary: "));
    assert_eq!(page.next, None);
}

#[test]
fn a_token_that_cannot_be_a_header_is_sent_as_one_that_opens_nothing() {
    let request = get::request(
        &api(),
        &crate::AccessToken::from("a\r\nb"),
        &calendar(),
        &event(),
    );
    assert_eq!(request.headers()["authorization"], "Bearer unsendable");
}
