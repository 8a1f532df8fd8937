//! What to do when Google refuses a read or a write of a claimed event. The table is the reference
//! for errors of Google's guide, by class; nobody here looks at a status code.

use super::push::{Method, Write, deleted, is_young, next_id};
use crate::db::push_claim::{Claimed, Proof};
use crate::db::push_record::{Note, Outcome, Pause};
use crate::google::GoogleError;
use provider::Class;
use serde_json::json;

/// What to do after a refusal.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    /// GET the event, then decide again.
    Read,
    /// Get a new access token, then repeat the call.
    Refresh,
    /// The account's access is of no use any more: only its user can help.
    Reconnect(String),
    /// Record this.
    Record(Outcome, Vec<Note>),
}

/// Decides. `write` is what was refused, none for a read; `refreshed` says that the token is new;
/// `fraction` from 0 to 1 spreads retries.
pub fn after(
    claimed: &Claimed,
    write: Option<&Write>,
    error: &GoogleError,
    refreshed: bool,
    fraction: f64,
) -> After {
    if error.is_unauthorized() && !refreshed {
        return After::Refresh;
    }
    if let Some(write) = write {
        match &write.method {
            Method::Delete(_, by)
                if error.is_deleted() || error.is_not_found() && !is_young(claimed) =>
            {
                return After::Record(deleted(*by, Proof::Confirmed), Vec::new());
            }
            Method::Restore(_) if error.is_forbidden() => {
                return After::Record(next_id(claimed), Vec::new());
            }
            Method::Insert | Method::Patch(_) | Method::Restore(_) | Method::Delete(..) => {}
        }
    }
    let reason = error.explain();
    match error.class() {
        Class::Conflict if write.is_some() => After::Read,
        Class::Reconnect => After::Reconnect(reason),
        Class::RateLimited => {
            After::Record(slow_down(claimed, error, reason, fraction), Vec::new())
        }
        Class::Retry | Class::Conflict | Class::Resync => {
            let not_written = write.is_none() || !error.outcome_unknown();
            After::Record(
                again(claimed.attempt, reason, not_written, fraction),
                Vec::new(),
            )
        }
        Class::Permanent => {
            let detail = json!({"error": error.to_string()});
            let notes = vec![Note {
                kind: "note",
                detail,
            }];
            let not_written = true;
            After::Record(
                Outcome::Failed {
                    reason,
                    not_written,
                },
                notes,
            )
        }
    }
}

/// A retry with a growing, jittered delay.
pub fn again(attempt: u32, reason: String, not_written: bool, fraction: f64) -> Outcome {
    Outcome::Retry {
        reason,
        delay_seconds: backoff(attempt, fraction),
        pause: None,
        free: false,
        not_written,
    }
}

/// A retry that is nobody's fault and counts as no attempt.
pub fn soon(reason: String, not_written: bool, fraction: f64) -> Outcome {
    Outcome::Retry {
        reason,
        delay_seconds: 2.0 + 4.0 * fraction,
        pause: None,
        free: true,
        not_written,
    }
}

/// Seconds before the attempt after the `attempt`-th: 5, 10, 20, … up to an hour, of which a random
/// half is taken off so that failures of the same moment do not come back together.
pub fn backoff(attempt: u32, fraction: f64) -> f64 {
    let full = 5.0 * 2.0_f64.powi(attempt.saturating_sub(1).min(20) as i32);
    full.min(3600.0) * (0.5 + fraction / 2.0)
}

/// Rate limits concern the account, not the event. A quota recovers in hours, a rate in a minute.
fn slow_down(claimed: &Claimed, error: &GoogleError, reason: String, fraction: f64) -> Outcome {
    let usual = if error.is_quota() { 2.0 * 3600.0 } else { 30.0 };
    let seconds = error.retry_after().map_or(usual, f64::from) * (1.0 + fraction);
    let account_id = claimed.token.account_id;
    Outcome::Retry {
        reason,
        delay_seconds: seconds,
        pause: Some(Pause {
            account_id,
            seconds,
        }),
        free: true,
        not_written: true,
    }
}
