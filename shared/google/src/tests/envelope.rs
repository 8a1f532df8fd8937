//! Where in an answer the reason for a refusal is, and what an answer without one is worth.

use super::error::{backend, check_sentence, predicates, refused, with_headers};
use crate::error::{ApiError, GoogleError, Reason};
use provider::Class;

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
