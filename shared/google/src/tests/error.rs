//! Every refusal of Google that is known, and what is made of it.

use crate::error::GoogleError;
use crate::events::get;
use bytes::Bytes;
use http::Response;
use http_client::TransportError;
use provider::Class;

/// The Calendar backend's envelope.
pub(super) fn backend(status: u16, reason: &str, message: &str) -> String {
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

pub(super) fn refused(status: u16, body: &str) -> GoogleError {
    with_headers(status, body, &[])
}

pub(super) fn with_headers(status: u16, body: &str, headers: &[(&str, &str)]) -> GoogleError {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(Bytes::from(body.to_owned())).unwrap();
    get::answer(Ok(response)).unwrap_err()
}

/// The names of the predicates that hold.
pub(super) fn predicates(error: &GoogleError) -> Vec<&'static str> {
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

pub(super) fn check_sentence(error: &GoogleError) {
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
    let no_answer = GoogleError::from(TransportError::NoAnswer("reset".to_owned()));
    assert_eq!(no_answer.class(), Class::Retry);
    assert_eq!(predicates(&no_answer), ["unknown"]);
    check_sentence(&no_answer);
    let not_sent = GoogleError::from(TransportError::NotSent("denied".to_owned()));
    assert_eq!(not_sent.class(), Class::Retry);
    assert_eq!(predicates(&not_sent), [""; 0]);
    let unreadable = refused(200, "{");
    assert_eq!(unreadable.class(), Class::Retry);
    assert_eq!(predicates(&unreadable), ["unknown"]);
    check_sentence(&unreadable);
}
