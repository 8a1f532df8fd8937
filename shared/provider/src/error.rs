/// What an error speaks of. Only the faults of an event count its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The event that was asked for.
    Event,
    /// Its calendar: the account has no access, or it is not there.
    Calendar,
    /// The account: its access, its quota.
    Account,
    /// This deployment, or the provider as a whole: its configuration, its network, an outage.
    Deployment,
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try again later.
    Retry,
    /// Slow down.
    RateLimited,
    /// Only a person who connects the account again can help.
    Reconnect,
    /// The other side has changed: read, merge, decide again.
    Conflict,
    /// The sync token is of no use any more: list everything.
    Resync,
    /// Trying again cannot help.
    Permanent,
}

/// What exactly happened, where somebody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// 404: nobody says whether of the event or of its calendar.
    NotFound,
    /// 410: it was deleted.
    Deleted,
    /// 412: it is not the version that the write was based on.
    PreconditionFailed,
    /// 409: the id is taken.
    Exists,
    /// 403: the account may not do this to the event.
    Forbidden,
    /// 400.
    Invalid,
    /// 401: the access token.
    Unauthorized,
    /// A quota that recovers in hours.
    Quota,
    /// Anything else.
    Other,
}

/// Whether a write that failed may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SideEffect {
    /// It did not.
    None,
    /// Nobody knows.
    Unknown,
}

/// Why the provider did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{explanation}")]
pub struct ProviderError {
    /// What it speaks of.
    pub scope: Scope,
    /// What to do.
    pub class: Class,
    /// What happened.
    pub cause: Cause,
    /// Whether a write may have taken effect.
    pub side_effect: SideEffect,
    /// Seconds to wait, where the provider says so; bounded.
    pub retry_after: Option<u32>,
    /// What it means and what to do, for people.
    pub explanation: String,
    /// As it came, for the log; no secret in it.
    pub detail: String,
}
