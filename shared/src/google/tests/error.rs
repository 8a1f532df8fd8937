//! Every refusal of Google that is known, and what is made of it.

use crate::door::Transport;
use crate::error::Class;
use crate::google::error::{ApiError, GoogleError, Reason};
use crate::google::events::get;
use bytes::Bytes;
use http::Response;

/// The Calendar backend's envelope.
fn backend(status: u16, reason: &str, message: &str) -> String {
    format!(
        r#"{{
 "error": {{
  "errors": [
   {{
    "domain": "global",
    "reason": "{reason}",
    "message": "{message}"
   }}
  ],
  "code": {status},
  "message": "{message}"
 }}
}}
"#
    )
}

fn refused(status: u16, body: &str) -> GoogleError {
    with_headers(status, body, &[])
}

fn with_headers(status: u16, body: &str, headers: &[(&str, &str)]) -> GoogleError {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(Bytes::from(body.to_owned())).unwrap();
    get::answer(Ok(response)).unwrap_err()
}

/// The names of the predicates that hold.
fn predicates(error: &GoogleError) -> Vec<&'static str> {
    [
        ("gone", error.is_gone()),
        ("not found", error.is_not_found()),
        ("deleted", error.is_deleted()),
        ("duplicate", error.is_duplicate()),
        ("precondition", error.is_precondition_failed()),
        ("full sync", error.is_full_sync_required()),
        ("unauthorized", error.is_unauthorized()),
        ("no push", error.is_push_unsupported()),
        ("channel id", error.is_channel_id_taken()),
        ("forbidden", error.is_forbidden()),
        ("scope", error.is_scope_missing()),
        ("quota", error.is_quota()),
        ("unknown", error.outcome_unknown()),
    ]
    .into_iter()
    .filter_map(|(name, holds)| holds.then_some(name))
    .collect()
}

fn check(status: u16, reason: &str, message: &str, class: Class, holds: &[&str]) {
    let error = refused(status, &backend(status, reason, message));
    assert_eq!(error.class(), class, "{status} {reason}");
    assert_eq!(predicates(&error), holds, "{status} {reason}");
    check_sentence(&error);
}

fn check_sentence(error: &GoogleError) {
    let sentence = error.explain();
    assert!(sentence.ends_with('.'), "{sentence}");
    assert!(sentence.contains(';'), "says what to do: {sentence}");
    assert!(!sentence.contains(['{', '<', '\n']), "{sentence}");
}

#[test]
fn requests_that_google_does_not_accept() {
    for reason in [
        "timeRangeEmpty",
        "required",
        "invalid",
        "badRequest",
        "invalidParameter",
        "parseError",
        "participantIsNeitherOrganizerNorAttendee",
        "eventDurationExceedsLimit",
        "malformedWorkingLocationEvent",
        "cannotChangeOrganizer",
        "cannotChangeOrganizerOfInstance",
        "cannotDeletePrimaryCalendar",
        "brandNewReason",
    ] {
        check(400, reason, "Missing end time.", Class::Permanent, &[]);
    }
    let sync = "Invalid sync token value.";
    check(400, "invalid", sync, Class::Resync, &["full sync"]);
    let sequence = "Invalid sequence value. The specified sequence number is below the current sequence number of the resource. Re-fetch the resource and use its sequence number on the following request.";
    check(400, "invalid", sequence, Class::Conflict, &[]);
}

#[test]
fn credentials_that_google_does_not_accept() {
    let unauthorized = &["unauthorized"];
    check(
        401,
        "authError",
        "Invalid Credentials",
        Class::Retry,
        unauthorized,
    );
    check(
        401,
        "required",
        "Login Required.",
        Class::Retry,
        unauthorized,
    );
    check(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        Class::Reconnect,
        &["scope"],
    );
}

#[test]
fn limits_are_waited_out_and_the_long_ones_told_apart() {
    for status in [403, 429] {
        for reason in [
            "rateLimitExceeded",
            "userRateLimitExceeded",
            "servingLimitExceeded",
            "concurrentLimitExceeded",
            "limitExceeded",
        ] {
            check(
                status,
                reason,
                "Rate Limit Exceeded",
                Class::RateLimited,
                &[],
            );
        }
        for reason in [
            "quotaExceeded",
            "dailyLimitExceeded",
            "variableTermLimitExceeded",
            "variableTermExpiredDailyExceeded",
        ] {
            let message = "Calendar usage limits exceeded.";
            check(status, reason, message, Class::RateLimited, &["quota"]);
        }
    }
    check(429, "brandNewReason", "", Class::RateLimited, &[]);
}

#[test]
fn what_an_account_may_not_do() {
    for reason in [
        "forbidden",
        "forbiddenForNonOrganizer",
        "requiredAccessLevel",
        "eventTypeRestriction",
        "forbiddenForServiceAccounts",
        "cannotUnsubscribeFromOwnedCalendar",
        "cannotChangeOwnAcl",
        "brandNewReason",
    ] {
        check(403, reason, "Forbidden", Class::Permanent, &["forbidden"]);
    }
    for reason in ["notACalendarUser", "accessNotConfigured"] {
        check(403, reason, "", Class::Permanent, &[]);
    }
}

#[test]
fn what_is_not_there_or_has_changed() {
    let missing = &["gone", "not found"];
    check(404, "notFound", "Not Found", Class::Conflict, missing);
    check(404, "brandNewReason", "", Class::Conflict, missing);
    let deleted = &["gone", "deleted"];
    let message = "Resource has been deleted";
    check(410, "deleted", message, Class::Conflict, deleted);
    check(410, "brandNewReason", "", Class::Conflict, deleted);
    check(410, "fullSyncRequired", "", Class::Resync, &["full sync"]);
    check(
        410,
        "updatedMinTooLongAgo",
        "",
        Class::Resync,
        &["full sync"],
    );
    let message = "The requested identifier already exists.";
    check(409, "duplicate", message, Class::Conflict, &["duplicate"]);
    check(409, "conflict", "Conflict", Class::Conflict, &[]);
    check(409, "brandNewReason", "", Class::Conflict, &[]);
    let message = "Precondition Failed";
    check(
        412,
        "conditionNotMet",
        message,
        Class::Conflict,
        &["precondition"],
    );
}

#[test]
fn channels_that_cannot_be() {
    let no_push = &["no push"];
    for (status, reason, message) in [
        (
            400,
            "push.webhookUrlNotHttps",
            "WebHook callback must be HTTPS",
        ),
        (401, "push.webhookUrlUnauthorized", "Unauthorized"),
        (
            401,
            "authError",
            "Unauthorized WebHook callback channel: https://crm.example.com",
        ),
        (400, "pushNotSupportedForRequestedResource", ""),
        (
            403,
            "forbidden",
            "Push notifications are not supported by this resource.",
        ),
        (400, "push.channelTypeNotSupported", ""),
    ] {
        let error = refused(status, &backend(status, reason, message));
        assert_eq!(error.class(), Class::Permanent, "{reason}");
        assert!(
            error.is_push_unsupported() && !error.is_unauthorized(),
            "{reason}"
        );
        check_sentence(&error);
    }
    check(400, "push.brandNew", "", Class::Permanent, no_push);
    check(
        400,
        "channelIdNotUnique",
        "",
        Class::Conflict,
        &["channel id"],
    );
}

#[test]
fn trouble_at_google_leaves_the_outcome_of_a_write_unknown() {
    for status in [408, 500, 502, 503, 504] {
        check(
            status,
            "backendError",
            "Backend Error",
            Class::Retry,
            &["unknown"],
        );
        let garbage = refused(status, "<html>");
        assert_eq!(garbage.class(), Class::Retry);
        assert!(garbage.outcome_unknown());
    }
    let no_answer = GoogleError::from(Transport::NoAnswer("reset".to_owned()));
    assert_eq!(no_answer.class(), Class::Retry);
    assert_eq!(predicates(&no_answer), ["unknown"]);
    check_sentence(&no_answer);
    let not_sent = GoogleError::from(Transport::NotSent("denied".to_owned()));
    assert_eq!(not_sent.class(), Class::Retry);
    assert_eq!(predicates(&not_sent), [""; 0]);
    let unreadable = refused_as_success("{");
    assert_eq!(unreadable.class(), Class::Retry);
    assert_eq!(predicates(&unreadable), ["unknown"]);
    check_sentence(&unreadable);
}

fn refused_as_success(body: &str) -> GoogleError {
    refused(200, body)
}

fn check_reason(status: u16, body: &str, expected: Reason) {
    match refused(status, body) {
        GoogleError::Api(error) => assert_eq!(error.reason, expected, "{body}"),
        GoogleError::Transport(_) | GoogleError::Unreadable { .. } => panic!("{body}"),
    }
}

#[test]
fn the_reason_is_read_from_errors_then_details_then_status() {
    check_reason(
        401,
        r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","errors":[{"message":"Invalid Credentials","domain":"global","reason":"authError","location":"Authorization","locationType":"header"}],"status":"UNAUTHENTICATED"}}"#,
        Reason::AuthError,
    );
    check_reason(
        403,
        r#"{"error":{"code":403,"errors":[{"reason":"insufficientPermissions"}],"status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
        Reason::InsufficientPermissions,
    );
    check_reason(
        403,
        r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"@type":"x"},{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
        Reason::InsufficientPermissions,
    );
    check_reason(
        403,
        r#"{"error":{"code":403,"errors":[{"reason":""}],"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#,
        Reason::AccessNotConfigured,
    );
    for (status, word, expected) in [
        (401, "UNAUTHENTICATED", Reason::AuthError),
        (403, "PERMISSION_DENIED", Reason::Forbidden),
        (429, "RESOURCE_EXHAUSTED", Reason::RateLimitExceeded),
        (404, "NOT_FOUND", Reason::NotFound),
        (409, "ALREADY_EXISTS", Reason::Duplicate),
        (409, "ABORTED", Reason::Conflict),
        (400, "INVALID_ARGUMENT", Reason::BadRequest),
        (503, "UNAVAILABLE", Reason::BackendError),
        (403, "BRAND_NEW", Reason::Other("BRAND_NEW".to_owned())),
    ] {
        let body = format!(r#"{{"error":{{"code":{status},"status":"{word}"}}}}"#);
        check_reason(status, &body, expected);
    }
}

#[test]
fn an_envelope_without_a_reason_leaves_the_status() {
    for (status, expected) in [
        (400, Reason::BadRequest),
        (401, Reason::AuthError),
        (403, Reason::Forbidden),
        (404, Reason::NotFound),
        (409, Reason::Duplicate),
        (410, Reason::Deleted),
        (412, Reason::ConditionNotMet),
        (429, Reason::RateLimitExceeded),
        (503, Reason::BackendError),
        (418, Reason::Unexplained),
    ] {
        let body = format!(r#"{{"error":{{"code":{status},"message":"x"}}}}"#);
        check_reason(status, &body, expected);
    }
}

#[test]
fn an_answer_from_something_in_between_proves_no_deletion() {
    for body in [
        "",
        "<html>Not Found</html>",
        "{}",
        "[]",
        "\"x\"",
        r#"{"error":"not_found"}"#,
    ] {
        for (status, class) in [
            (302, Class::Retry),
            (400, Class::Permanent),
            (403, Class::Retry),
            (404, Class::Retry),
            (409, Class::Conflict),
            (410, Class::Retry),
            (413, Class::Permanent),
        ] {
            let error = refused(status, body);
            assert_eq!(error.class(), class, "{status} {body}");
            assert_eq!(predicates(&error), [""; 0], "{status} {body}");
            check_sentence(&error);
        }
        assert!(refused(401, body).is_unauthorized());
        assert!(refused(412, body).is_precondition_failed());
        assert_eq!(refused(429, body).class(), Class::RateLimited);
    }
}

#[test]
fn the_time_to_wait_is_seconds_or_a_date() {
    let date = ("date", "Sun, 01 Mar 2026 10:00:00 GMT");
    let check = |headers: &[(&str, &str)], expected: Option<u32>| {
        let error = with_headers(429, "", headers);
        assert_eq!(error.retry_after(), expected, "{headers:?}");
    };
    check(&[], None);
    check(&[("retry-after", "30")], Some(30));
    check(&[("retry-after", "soon")], None);
    let later = ("retry-after", "Sun, 01 Mar 2026 10:02:00 GMT");
    check(&[date, later], Some(120));
    check(&[later], None);
    let earlier = ("retry-after", "Sun, 01 Mar 2026 09:00:00 GMT");
    check(&[date, earlier], Some(0));
}

#[test]
fn a_message_is_cut_and_printable() {
    let body = backend(400, "invalid", &format!("a\\u0000b{}", "x".repeat(900)));
    let GoogleError::Api(ApiError { message, .. }) = refused(400, &body) else {
        panic!("not a refusal");
    };
    assert!(message.starts_with("abx") && message.len() <= 300);
    assert_eq!(
        refused(404, &backend(404, "notFound", "Not Found")).to_string(),
        "Google answered 404 notFound: Not Found"
    );
}
