//! What to do after a refusal of the provider's.

use crate::backoff::{backoff, quota_wait, trouble_wait};
use crate::plan::Plan;
use crate::situation::Seen;
use crate::standing::Proof;
use crate::step::{Method, Settlement, Write};
use crate::task::Task;
use chrono::TimeDelta;
use provider::{Cause, Class, ProviderError, Scope, SideEffect};

/// Waits for the provider that are each longer than the one before; the longest is twenty minutes.
const MOST_OUTAGES: u32 = 5;

/// What people read while only they can help.
pub(crate) fn connect_again(why: &str) -> String {
    format!("Google Calendar must be connected again: {why}")
}

impl Plan<'_> {
    /// What to do after a refusal.
    pub(crate) fn failed(&mut self, mut task: Task, write: Option<&Write>, error: &ProviderError) {
        if error.side_effect == SideEffect::None && write.is_some() {
            self.not_written(task.member);
        }
        if error.cause == Cause::Deleted {
            task.seen = Seen::NotFound;
            if let Some(Method::Delete { by, .. }) = write.map(|write| &write.method) {
                let (by, proof) = (*by, Proof::Confirmed);
                return self.settle(&task, Settlement::Deleted { by, proof });
            }
            return self.first(task);
        }
        let restores = write.is_some_and(|write| matches!(write.method, Method::Restore { .. }));
        match (error.scope, error.class) {
            (Scope::Event, _) if error.cause == Cause::NotFound => {
                task.probes = true;
                self.first(task);
            }
            (Scope::Event, _) if restores && error.cause == Cause::Forbidden => {
                self.settle(&task, Settlement::NewId);
            }
            (Scope::Event, Class::Conflict) => {
                self.members[task.member].must_read = true;
                task.seen = Seen::NotRead;
                self.first(task);
            }
            // A read that is refused proves nothing about the event.
            (Scope::Event, Class::Permanent)
                if write.is_none() && error.cause == Cause::Forbidden =>
            {
                self.retry(error);
            }
            (Scope::Event, Class::Permanent) => match write {
                // Whoever refuses may refuse everything: then its calendar does not answer, either.
                Some(write) if error.cause == Cause::Forbidden => {
                    self.refusal = Some((error.clone(), Box::new(write.clone())));
                    task.probes = true;
                    self.first(task);
                }
                _ => self.refused(task, write, error),
            },
            (Scope::Event, _) => self.retry(error),
            (Scope::Calendar, _) => self.no_calendar(&task, error),
            (Scope::Account, Class::RateLimited) if write.is_some() && is_quota(error) => {
                self.limited(&task, error);
            }
            (Scope::Account, Class::RateLimited) => self.slow_down(&task, error),
            (Scope::Account, Class::Permanent) => self.trouble(&task, error),
            (Scope::Account, Class::Reconnect) => {
                self.stop(TimeDelta::minutes(1), connect_again(&error.explanation));
            }
            (Scope::Account, _) => self.stop(TimeDelta::minutes(1), error.explanation.clone()),
            (Scope::Deployment, _) => self.outage(error),
        }
    }

    pub(crate) fn retry(&mut self, error: &ProviderError) {
        let wait = backoff(self.attempts, self.world.fraction);
        let wait = error
            .retry_after
            .map_or(wait, |after| wait.max(seconds(after)));
        self.wait(wait, error.explanation.clone());
        self.ending.is_free = false;
    }

    /// What is written is not done until it changes.
    pub(crate) fn refused(&mut self, task: Task, write: Option<&Write>, error: &ProviderError) {
        let detail = serde_json::json!({"error": error.detail});
        self.note(task.member, "note", detail);
        self.refuse_write(task, write, error);
    }

    /// A listing says whether the calendar is there.
    fn no_calendar(&mut self, task: &Task, error: &ProviderError) {
        let link = &self.members[task.member].links[task.link];
        let connection = link.connection.clone();
        self.ops.push(store::Op::List { connection });
        self.stop(TimeDelta::minutes(5), error.explanation.clone());
    }

    fn outage(&mut self, error: &ProviderError) {
        let wait = backoff(4 + self.notes.outages, self.world.fraction);
        self.notes.outages = MOST_OUTAGES.min(self.notes.outages + 1);
        let wait = error.retry_after.map_or(wait, seconds);
        self.stop(wait, error.explanation.clone());
    }

    /// The account as a whole: all of it waits, longer each time.
    fn trouble(&mut self, task: &Task, error: &ProviderError) {
        let link = &self.members[task.member].links[task.link];
        let connection = self.world.connection(&link.connection);
        let account = connection.and_then(|connection| self.world.account(connection));
        let troubles = account.map_or(0, |account| account.troubles);
        let wait = trouble_wait(troubles, self.world.fraction);
        self.pause_account(task, store::PauseKind::Trouble, wait, error);
        self.stop(wait, error.explanation.clone());
    }

    /// What others may do, this family waits for by itself: it may be what is in it.
    fn limited(&mut self, task: &Task, error: &ProviderError) {
        let wait = quota_wait(self.notes.limited, self.world.fraction);
        self.notes.limited = self.notes.limited.saturating_add(1);
        let pause = TimeDelta::seconds((3600.0 * (1.0 + self.world.fraction)) as i64);
        self.pause_account(task, store::PauseKind::Quota, pause, error);
        self.stop(wait, error.explanation.clone());
    }

    fn pause_account(
        &mut self,
        task: &Task,
        kind: store::PauseKind,
        wait: TimeDelta,
        error: &ProviderError,
    ) {
        let link = &self.members[task.member].links[task.link];
        let connection = self.world.connection(&link.connection);
        let root = (kind == store::PauseKind::Quota).then(|| self.root.clone());
        self.ending.pause = connection.map(|connection| store::Pause {
            account: connection.account.clone(),
            until: self.world.now + wait,
            reason: error.explanation.clone(),
            kind,
            root,
        });
    }

    /// A quota recovers in hours, a rate in a minute.
    pub(crate) fn slow_down(&mut self, task: &Task, error: &ProviderError) {
        let usual = if error.cause == Cause::Quota {
            7_200
        } else {
            30
        };
        let wait = seconds(error.retry_after.unwrap_or(usual));
        let spread =
            TimeDelta::milliseconds((wait.num_milliseconds() as f64 * self.world.fraction) as i64);
        self.pause_account(task, store::PauseKind::Limit, wait + spread, error);
        self.stop(wait + spread, error.explanation.clone());
    }
}

/// A limit whose end nobody knows: it may be about what the event holds, as its guests.
fn is_quota(error: &ProviderError) -> bool {
    error.cause == Cause::Quota && error.retry_after.is_none()
}

pub(crate) fn seconds(count: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(count))
}
