//! What a refusal is answered with, by its class.

use super::super::push::{Seen, Step, decide};
use super::super::refusal::{After, after, backoff};
use super::{claimed, edited, removed};
use crate::db::push_record::Outcome;
use crate::google::{ApiError, GoogleError, Reason};

fn refused(status: u16, reason: Reason) -> GoogleError {
    GoogleError::Api(ApiError {
        status,
        reason,
        message: String::new(),
        retry_after: None,
    })
}

fn check_refusal(error: GoogleError, delete: bool, expected: &str) {
    let claimed = claimed(if delete { removed } else { edited });
    let Step::Write(write) = decide(&claimed, &Seen::Base).unwrap() else {
        panic!("a write")
    };
    let found = match after(&claimed, Some(&write), &error, false, 0.5) {
        After::Read => "read".to_owned(),
        After::Refresh => "refresh".to_owned(),
        After::Reconnect(_) => "reconnect".to_owned(),
        After::Record(
            Outcome::Retry {
                pause,
                free,
                not_written,
                ..
            },
            _,
        ) => format!(
            "retry pause={} free={free} not_written={not_written}",
            pause.is_some()
        ),
        After::Record(Outcome::Deleted { .. }, _) => "deleted".to_owned(),
        After::Record(Outcome::Failed { .. }, _) => "failed".to_owned(),
        After::Record(other, _) => format!("{other:?}"),
    };
    assert_eq!(found, expected, "{error}");
}

#[test]
fn a_refused_write_is_read_retried_or_given_up_by_its_class() {
    check_refusal(refused(412, Reason::ConditionNotMet), false, "read");
    check_refusal(refused(404, Reason::NotFound), false, "read");
    check_refusal(refused(404, Reason::NotFound), true, "deleted");
    check_refusal(refused(410, Reason::Deleted), true, "deleted");
    check_refusal(refused(401, Reason::AuthError), false, "refresh");
    check_refusal(
        refused(403, Reason::RateLimitExceeded),
        false,
        "retry pause=true free=true not_written=true",
    );
    check_refusal(
        refused(403, Reason::QuotaExceeded),
        false,
        "retry pause=true free=true not_written=true",
    );
    check_refusal(
        refused(403, Reason::InsufficientPermissions),
        false,
        "reconnect",
    );
    check_refusal(
        refused(500, Reason::BackendError),
        false,
        "retry pause=false free=false not_written=false",
    );
    check_refusal(refused(400, Reason::Invalid), false, "failed");
    check_refusal(
        GoogleError::Transport(http_client::TransportError::NoAnswer(String::new())),
        false,
        "retry pause=false free=false not_written=false",
    );
    check_refusal(
        GoogleError::Transport(http_client::TransportError::NotSent(String::new())),
        false,
        "retry pause=false free=false not_written=true",
    );
}

#[test]
fn delays_grow_up_to_an_hour_and_are_spread() {
    assert_eq!(
        [1, 2, 3, 20].map(|attempt| backoff(attempt, 1.0)),
        [5.0, 10.0, 20.0, 3600.0]
    );
    assert_eq!(backoff(1, 0.0), 2.5);
}
