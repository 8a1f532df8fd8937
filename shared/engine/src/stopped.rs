//! A listing that stops before its end.

use crate::access::{Accounts, is_trouble};
use crate::counts::add_seconds;
use crate::pull::Lister;
use chrono::{DateTime, TimeDelta, Utc};
use planner::{backoff, backoff_up_to, trouble_wait};
use provider::{Cause, Class, ProviderError, Scope};
use store::{Counts, Cursor, Pause, PauseKind, Stopped, StoppedWhy, Store, StoreError, Trigger};

/// Between listings of a calendar that cannot be reached.
const LONGEST: TimeDelta = TimeDelta::hours(6);

impl<S: Store, A: Accounts> Lister<'_, S, A> {
    /// How long it took from the provider's message to the rows.
    pub(crate) fn counts(&self, cursor: &Cursor) -> Counts {
        let mut counts = Counts::new();
        if let (Trigger::Notification(_), Cursor::End { .. }) = (self.trigger, cursor) {
            let took = (self.env.clock)() - self.claimed_at;
            add_seconds(&mut counts, "google_to_crm_seconds", took);
        }
        counts
    }

    /// The store's time, as far as that is known here.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.listing.now + ((self.env.clock)() - self.claimed_at)
    }

    pub(crate) fn later(&self, seconds: i64) -> DateTime<Utc> {
        let spread = 1.0 + (self.env.fraction)();
        self.now() + TimeDelta::milliseconds((seconds as f64 * spread * 1000.0) as i64)
    }

    /// Whether it begins anew at once, which it does once.
    pub(crate) async fn fail(
        &mut self,
        error: &ProviderError,
        page_token: Option<&str>,
    ) -> Result<bool, StoreError> {
        let in_the_middle = page_token.is_some();
        let continues = self.listing.sync_token.is_some() || in_the_middle;
        let why = match (error.scope, error.class) {
            (_, Class::Resync) if continues => StoppedWhy::Resync,
            (_, Class::Permanent) if in_the_middle && error.cause == Cause::Invalid => {
                StoppedWhy::Restart
            }
            (_, Class::Permanent) if continues && error.cause == Cause::Invalid => {
                StoppedWhy::Resync
            }
            (Scope::Calendar, _) => StoppedWhy::Unreachable,
            _ if error.cause == Cause::NotFound => StoppedWhy::Unreachable,
            (Scope::Event | Scope::Account | Scope::Deployment, _) => StoppedWhy::Failed,
        };
        if is_trouble(error) {
            let troubles = self.listing.account.troubles;
            let until = self.now() + trouble_wait(troubles, (self.env.fraction)());
            let pause = self.pause(PauseKind::Trouble, until, error);
            let reason = error.explanation.clone();
            self.stop(StoppedWhy::Continues, reason, until, Some(pause))
                .await?;
            return Ok(false);
        }
        let failures = self.listing.connection.failures;
        let wait = match why {
            StoppedWhy::Resync | StoppedWhy::Restart | StoppedWhy::Continues => TimeDelta::zero(),
            StoppedWhy::Failed => backoff(failures + 2, (self.env.fraction)()),
            // It may never come back, and nothing says so when it does.
            StoppedWhy::Unreachable => backoff_up_to(LONGEST, failures + 2, (self.env.fraction)()),
        };
        let wait = error
            .retry_after
            .map_or(wait, |after| wait.max(TimeDelta::seconds(i64::from(after))));
        let is_limit = error.scope == Scope::Account && error.class == Class::RateLimited;
        let pause = is_limit.then(|| self.pause(PauseKind::Limit, self.now() + wait, error));
        self.stop(why, error.explanation.clone(), self.now() + wait, pause)
            .await?;
        let restarts = matches!(why, StoppedWhy::Resync | StoppedWhy::Restart);
        if !restarts || self.pulled.has_restarted {
            return Ok(false);
        }
        self.pulled.has_restarted = true;
        self.pulled.stopped = None;
        Ok(true)
    }

    fn pause(&self, kind: PauseKind, until: DateTime<Utc>, error: &ProviderError) -> Pause {
        Pause {
            account: self.listing.account.id.clone(),
            until,
            reason: error.explanation.clone(),
            kind,
            root: None,
        }
    }

    /// Whether somebody else has found a moment ago that the provider refuses the account.
    pub(crate) async fn waits(&mut self) -> Result<bool, StoreError> {
        let account = &self.listing.account;
        let paused = account.paused_until.filter(|until| *until > self.now());
        let Some(until) = paused.filter(|_| account.troubles > 0) else {
            return Ok(false);
        };
        let reason = account.reason.clone().unwrap_or_default();
        self.stop(StoppedWhy::Continues, reason, until, None)
            .await?;
        Ok(true)
    }

    pub(crate) async fn stop(
        &mut self,
        why: StoppedWhy,
        reason: String,
        at: DateTime<Utc>,
        pause: Option<Pause>,
    ) -> Result<(), StoreError> {
        self.pulled.stopped = Some(reason.clone());
        self.pulled.problem = match why {
            StoppedWhy::Failed | StoppedWhy::Unreachable => Some(reason.clone()),
            StoppedWhy::Resync | StoppedWhy::Restart | StoppedWhy::Continues => None,
        };
        let stopped = Stopped {
            instance: self.env.instance.to_owned(),
            connection: self.listing.connection.id.clone(),
            fence: self.listing.fence,
            why,
            reason,
            at,
            token: self.ways.take_tokens().into_iter().next(),
            units: self.ways.take_usage().iter().map(|usage| usage.units).sum(),
            pause,
        };
        self.env.store.fail(&stopped).await
    }
}
