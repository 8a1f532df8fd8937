//! Headers of pushes.

use crate::id::{ChannelId, ChannelToken, ResourceId};
use crate::notification::{Notification, NotificationError, State, read};
use http::{HeaderMap, HeaderName, HeaderValue};

const PUSH: [(&str, &str); 8] = [
    ("content-length", "0"),
    ("X-Goog-Channel-ID", "01234567-89ab-cdef-0123-456789abcdef"),
    ("X-Goog-Channel-Token", "hmac1"),
    ("X-Goog-Channel-Expiration", "Sun, 08 Mar 2026 10:00:00 GMT"),
    ("X-Goog-Resource-ID", "resource1"),
    (
        "X-Goog-Resource-URI",
        "https://www.googleapis.com/calendar/v3/calendars/ann@example.com/events",
    ),
    ("X-Goog-Resource-State", "exists"),
    ("X-Goog-Message-Number", "10"),
];

/// The push above, with one header replaced, or removed by an empty list.
fn push(name: &str, values: &[&[u8]]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in PUSH {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, HeaderValue::from_static(value));
    }
    let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
    headers.remove(&name);
    for value in values {
        headers.append(&name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

#[test]
fn a_push_is_read_from_its_headers() {
    assert_eq!(
        read(&push("x-other", &[])),
        Ok(Notification {
            channel: ChannelId::from("01234567-89ab-cdef-0123-456789abcdef"),
            message_number: 10,
            resource: ResourceId::from("resource1"),
            state: State::Exists,
            token: Some(ChannelToken::from("hmac1")),
            expiration: Some("2026-03-08T10:00:00Z".parse().unwrap()),
        })
    );
}

#[test]
fn states_are_told_apart_and_unknown_ones_kept() {
    for (text, expected) in [
        ("sync", State::Sync),
        ("exists", State::Exists),
        ("not_exists", State::NotExists),
        ("update", State::Other("update".to_owned())),
    ] {
        let push = read(&push("x-goog-resource-state", &[text.as_bytes()])).unwrap();
        assert_eq!(push.state, expected);
    }
}

#[test]
fn optional_headers_may_be_absent_or_odd() {
    let push_without = |name: &str| read(&push(name, &[])).unwrap();
    assert_eq!(push_without("x-goog-channel-token").token, None);
    assert_eq!(push_without("x-goog-channel-expiration").expiration, None);
    assert_eq!(push_without("x-goog-resource-uri").message_number, 10);
    let odd = read(&push("x-goog-channel-expiration", &[b"soon"])).unwrap();
    assert_eq!(odd.expiration, None);
}

fn check_refused(name: &'static str, values: &[&[u8]], expected: NotificationError) {
    assert_eq!(read(&push(name, values)), Err(expected), "{name}");
}

#[test]
fn required_headers_have_to_be_there_once_and_readable() {
    use NotificationError::{Malformed, Missing};
    for name in [
        "x-goog-channel-id",
        "x-goog-message-number",
        "x-goog-resource-id",
        "x-goog-resource-state",
    ] {
        check_refused(name, &[], Missing(name));
        check_refused(name, &[b""], Missing(name));
        check_refused(name, &[b"1", b"2"], Malformed(name));
        check_refused(name, &[b"\xff"], Malformed(name));
    }
    check_refused(
        "x-goog-message-number",
        &[b"-1"],
        Malformed("x-goog-message-number"),
    );
    check_refused(
        "x-goog-channel-id",
        &[&[b'a'; 65]],
        Malformed("x-goog-channel-id"),
    );
    check_refused(
        "x-goog-channel-token",
        &[b"a", b"b"],
        Malformed("x-goog-channel-token"),
    );
}

#[test]
fn the_token_does_not_show_in_debug_output() {
    let push = read(&push("x-other", &[])).unwrap();
    assert!(!format!("{push:?}").contains("hmac1"));
}
