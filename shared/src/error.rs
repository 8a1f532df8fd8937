//! What a caller does about an error. Callers match on [`Class`], never on a status code.

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Try again later; the outcome of a write is unknown.
    Retry,
    /// Try again later; the account has to slow down.
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
