//! Why Google did not do what was asked, and what that means to a caller: a class, and predicates for
//! the few answers that a flow treats apart. No caller looks at a status code.
//!
//! An answer that is not in one of Google's two error envelopes comes from something in between (a
//! proxy, a wrong origin). It is never taken as proof of anything, a deletion least of all.
//!
//! Source: Google's pages "Handle API errors" and "Manage quotas".

mod envelope;
mod explain;
mod reason;

pub use reason::Reason;

use http_client::TransportError;
use provider::Class;

/// Why a call of the Calendar API failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GoogleError {
    /// There is no complete answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Google refused.
    #[error("Google answered {0}")]
    Api(ApiError),
    /// The call succeeded, its answer cannot be read.
    #[error("unreadable {what}: {why}")]
    Unreadable {
        /// What was to be read.
        what: &'static str,
        /// Where reading stopped.
        why: String,
    },
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}: {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Google's word for it.
    pub reason: Reason,
    /// Google's sentence, cut and without control characters; for logs, not for users.
    pub message: String,
    /// How long to wait, in seconds, if the answer says so.
    pub retry_after: Option<u32>,
}

impl GoogleError {
    /// What to do about it.
    ///
    /// A 404 or 410 about an event is a [`Class::Conflict`]. Whoever asks about a calendar or a
    /// channel looks at [`Self::is_gone`] first. A 401 is [`Class::Retry`], with a fresh token.
    pub fn class(&self) -> Class {
        match self {
            Self::Transport(_) | Self::Unreadable { .. } => Class::Retry,
            Self::Api(error) => error.class(),
        }
    }

    /// How long to wait, in seconds, if the answer says so.
    pub fn retry_after(&self) -> Option<u32> {
        self.api().and_then(|error| error.retry_after)
    }

    /// It is not there, or not any more.
    pub fn is_gone(&self) -> bool {
        self.is_not_found() || self.is_deleted()
    }

    /// 404: never there, out of reach, or not visible yet.
    pub fn is_not_found(&self) -> bool {
        self.has_status(404)
    }

    /// 410 of a resource that was deleted.
    pub fn is_deleted(&self) -> bool {
        self.has_status(410) && !self.is_full_sync_required()
    }

    /// 409: the id is taken, perhaps by a deleted event, perhaps by an earlier try.
    pub fn is_duplicate(&self) -> bool {
        self.has_reason(&Reason::Duplicate)
    }

    /// 412: changed since it was read.
    pub fn is_precondition_failed(&self) -> bool {
        self.api().is_some_and(|error| error.status == 412)
    }

    /// The sync token is of no use any more.
    pub fn is_full_sync_required(&self) -> bool {
        self.has_reason(&Reason::FullSyncRequired)
            || self.has_reason(&Reason::UpdatedMinTooLongAgo)
            || self.has_reason(&Reason::InvalidSyncToken)
    }

    /// The access token is not accepted: refresh it once and repeat the call once.
    pub fn is_unauthorized(&self) -> bool {
        self.api().is_some_and(|error| error.status == 401) && !self.is_push_unsupported()
    }

    /// Pushes cannot be had for this calendar or at this address: poll.
    pub fn is_push_unsupported(&self) -> bool {
        self.api().is_some_and(|error| error.reason.is_about_push())
    }

    /// The id of the new channel was used before: take another one.
    pub fn is_channel_id_taken(&self) -> bool {
        self.has_reason(&Reason::ChannelIdNotUnique)
    }

    /// Google takes the request itself for wrong.
    pub fn is_bad_request(&self) -> bool {
        self.has_status(400)
    }

    /// This account may not do this to this resource; asking again changes nothing.
    pub fn is_forbidden(&self) -> bool {
        let is_whole_account = self.has_reason(&Reason::AccessNotConfigured)
            || self.has_reason(&Reason::ConsumerInvalid)
            || self.has_reason(&Reason::NotACalendarUser);
        self.has_status(403) && self.class() == Class::Permanent && !is_whole_account
    }

    /// More scopes have to be granted.
    pub fn is_scope_missing(&self) -> bool {
        self.has_reason(&Reason::InsufficientPermissions)
    }

    /// A limit that takes hours to recover: pause the writes of this account.
    pub fn is_quota(&self) -> bool {
        self.api().is_some_and(|error| error.reason.is_quota())
    }

    /// A write may have taken effect: look before repeating it.
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Transport(TransportError::NotSent(_)) => false,
            Self::Transport(TransportError::NoAnswer(_)) | Self::Unreadable { .. } => true,
            Self::Api(error) => error.status >= 500 || error.status == 408,
        }
    }

    fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::Transport(_) | Self::Unreadable { .. } => None,
        }
    }

    fn has_reason(&self, reason: &Reason) -> bool {
        self.api().is_some_and(|error| error.reason == *reason)
    }

    /// Whether Google itself, and nothing in between, answered with `status`.
    fn has_status(&self, status: u16) -> bool {
        self.api()
            .is_some_and(|error| error.status == status && error.reason != Reason::Unexplained)
    }
}

impl ApiError {
    /// What to do about it: some statuses say all, the others are split by reason.
    pub fn class(&self) -> Class {
        match self.status {
            408 | 500.. => Class::Retry,
            429 => Class::RateLimited,
            412 => Class::Conflict,
            401 if !self.reason.is_about_push() => Class::Retry,
            status => self
                .reason
                .class()
                .unwrap_or_else(|| self.class_of_status(status)),
        }
    }

    /// The class when the reason is unknown. What is in between may have answered for a while only.
    fn class_of_status(&self, status: u16) -> Class {
        match (status, self.reason == Reason::Unexplained) {
            (300..400 | 403 | 404 | 410, true) => Class::Retry,
            (404 | 409 | 410, _) => Class::Conflict,
            _ => Class::Permanent,
        }
    }
}
