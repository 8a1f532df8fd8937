//! What Google's errors mean: of whom they speak, and what to do.

use crate::GoogleError;
use crate::error::Reason;
use provider::{Cause, Class, ProviderError, Scope, SideEffect};

/// The longest wait that is taken from an answer, in seconds.
const LONGEST_WAIT: u32 = 4 * 3600;

/// An error of a call about one event.
pub fn provider_error(error: &GoogleError) -> ProviderError {
    ProviderError {
        scope: scope(error),
        class: error.class(),
        cause: cause(error),
        side_effect: if error.outcome_unknown() {
            SideEffect::Unknown
        } else {
            SideEffect::None
        },
        retry_after: error.retry_after().map(|seconds| seconds.min(LONGEST_WAIT)),
        explanation: error.explain(),
        detail: error.to_string(),
    }
}

/// A series that answers does not plan what was asked for.
pub fn no_occurrence() -> ProviderError {
    ProviderError {
        scope: Scope::Event,
        class: Class::Permanent,
        cause: Cause::NotFound,
        side_effect: SideEffect::None,
        retry_after: None,
        explanation: "the series has no such occurrence".to_owned(),
        detail: "events.instances: none".to_owned(),
    }
}

/// An error of a call about a calendar as a whole.
pub fn page_error(error: &GoogleError) -> ProviderError {
    let about_event = provider_error(error);
    let is_calendar = about_event.scope == Scope::Event;
    ProviderError {
        scope: if is_calendar {
            Scope::Calendar
        } else {
            about_event.scope
        },
        ..about_event
    }
}

fn cause(error: &GoogleError) -> Cause {
    if error.is_not_found() {
        Cause::NotFound
    } else if error.is_deleted() {
        Cause::Deleted
    } else if error.is_precondition_failed() {
        Cause::PreconditionFailed
    } else if error.is_duplicate() {
        Cause::Exists
    } else if error.is_unauthorized() {
        Cause::Unauthorized
    } else if error.is_quota() {
        Cause::Quota
    } else if error.is_forbidden() {
        Cause::Forbidden
    } else if error.is_bad_request() {
        Cause::Invalid
    } else {
        Cause::Other
    }
}

/// Rights of a calendar, the account's access and quota, and what the deployment lacks are nobody's event's
/// fault. Nor is what never was answered.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "some sixty reasons; all others are of the event"
)]
fn scope(error: &GoogleError) -> Scope {
    let GoogleError::Api(api) = error else {
        return Scope::Deployment;
    };
    match &api.reason {
        Reason::RequiredAccessLevel => Scope::Calendar,
        Reason::NotACalendarUser
        | Reason::InsufficientPermissions
        | Reason::AuthError
        | Reason::UserRateLimitExceeded
        | Reason::RateLimitExceeded
        | Reason::QuotaExceeded
        | Reason::LimitExceeded
        | Reason::ConcurrentLimitExceeded => Scope::Account,
        Reason::AccessNotConfigured
        | Reason::ConsumerInvalid
        | Reason::DailyLimitExceeded
        | Reason::VariableTermLimitExceeded
        | Reason::VariableTermExpiredDailyExceeded
        | Reason::ServingLimitExceeded
        | Reason::BackendError
        | Reason::Unexplained => Scope::Deployment,
        _ => scope_of_status(api.status),
    }
}

/// Where the reason says nothing of it, the status does.
fn scope_of_status(status: u16) -> Scope {
    match status {
        401 | 429 => Scope::Account,
        408 | 500.. => Scope::Deployment,
        _ => Scope::Event,
    }
}
