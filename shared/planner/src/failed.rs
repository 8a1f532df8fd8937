//! What to do after a refusal of the provider's.

use crate::backoff::backoff;
use crate::plan::{Plan, Task};
use crate::situation::Seen;
use crate::standing::Proof;
use crate::step::{Method, Settlement, Write};
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
            (Scope::Event, Class::Permanent) => {
                self.note(
                    task.member,
                    "note",
                    serde_json::json!({"error": error.detail}),
                );
                self.refuse_write(task, write, error);
            }
            (Scope::Event, _) => self.retry(error),
            (Scope::Calendar, _) => {
                let connection = self.members[task.member].links[task.link]
                    .connection
                    .clone();
                self.ops.push(store::Op::List { connection });
                self.stop(TimeDelta::minutes(5), error.explanation.clone());
            }
            (Scope::Account, Class::RateLimited) => self.slow_down(&task, error),
            (Scope::Account, Class::Reconnect) => {
                self.stop(TimeDelta::minutes(1), connect_again(&error.explanation));
            }
            (Scope::Account, _) => self.stop(TimeDelta::minutes(1), error.explanation.clone()),
            (Scope::Deployment, _) => {
                let wait = backoff(4 + self.notes.outages, self.world.fraction);
                self.notes.outages = MOST_OUTAGES.min(self.notes.outages + 1);
                self.stop(
                    error.retry_after.map_or(wait, seconds),
                    error.explanation.clone(),
                );
            }
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
        let link = &self.members[task.member].links[task.link];
        let account = self
            .world
            .connection(&link.connection)
            .map(|connection| connection.account.clone());
        self.ending.pause = account.map(|account| store::Pause {
            account,
            until: self.world.now + wait + spread,
            reason: error.explanation.clone(),
        });
        self.stop(wait + spread, error.explanation.clone());
    }
}

pub(crate) fn seconds(count: u32) -> TimeDelta {
    TimeDelta::seconds(i64::from(count))
}
