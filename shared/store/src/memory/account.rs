//! Accounts: tokens, quota, and whether their work can go on.

use super::state::{AccountRow, Quota, State};
use crate::{
    Account, AccountId, AccountState, ConnectionId, ConnectionState, NewToken, Pause, PauseKind,
    Token,
};
use chrono::{DateTime, TimeDelta, Utc};

/// With less than this left a token is refreshed.
const FRESH: TimeDelta = TimeDelta::minutes(5);
/// With less than this left a token is of no use.
const USABLE: TimeDelta = TimeDelta::seconds(30);
/// How long a refresh may take before somebody else tries.
const REFRESH: TimeDelta = TimeDelta::seconds(30);
/// How long work waits that nobody can say a time for.
const REFRESH_TIMEOUT: TimeDelta = TimeDelta::minutes(10);

/// Two families that meet a quota within it pause their account.
const QUOTA_WINDOW: TimeDelta = TimeDelta::hours(1);

/// Why a connection's work cannot go on, and when to ask again.
pub(super) struct Blocked {
    pub(super) at: DateTime<Utc>,
    pub(super) reason: String,
}

impl State {
    pub(super) fn blocked(&self, connection: &ConnectionId) -> Option<Blocked> {
        let row = self.tables.connections.get(connection)?;
        let later = |at, reason: &str| {
            Some(Blocked {
                at,
                reason: reason.to_owned(),
            })
        };
        let unknown = self.now + REFRESH_TIMEOUT;
        match row.shown.state {
            ConnectionState::Active | ConnectionState::Disconnecting => {}
            ConnectionState::Paused => return later(unknown, "sync is paused"),
            ConnectionState::Unreachable => {
                return later(unknown, "the calendar cannot be reached");
            }
            ConnectionState::Disconnected => return later(unknown, "the calendar is disconnected"),
        }
        let Some(account) = self.tables.accounts.get(&row.shown.account) else {
            return later(unknown, "the account is not known");
        };
        let reason = account.reason.as_deref();
        match account.state {
            AccountState::Active | AccountState::Disconnecting => {}
            AccountState::ReconnectNeeded | AccountState::Disconnected => {
                return later(unknown, reason.unwrap_or("the account is not connected"));
            }
        }
        let until = account.paused_until.filter(|until| *until > self.now)?;
        later(until, reason.unwrap_or("the account is paused"))
    }

    /// The account's tokens, and the duty to refresh them for the first who finds them old; none while
    /// somebody else does and the old one is at its end.
    pub(super) fn grant(&mut self, id: &AccountId) -> Option<Token> {
        let now = self.now;
        let account = self.tables.accounts.edit(id)?;
        let mut refresh = false;
        if !lasts(account, now + FRESH) {
            if account.refreshing_until.is_none_or(|until| until <= now) {
                account.refreshing_until = Some(now + REFRESH);
                refresh = true;
            } else if !lasts(account, now + USABLE) {
                return None;
            }
        }
        Some(token_of(account, refresh))
    }

    /// An account as it is, with a token that needs no refresh or none.
    pub(super) fn account(&self, id: &AccountId) -> Option<Account> {
        let row = self.tables.accounts.get(id)?;
        Some(Account {
            id: id.clone(),
            state: row.state,
            reason: row.reason.clone(),
            paused_until: row.paused_until,
            troubles: row.troubles,
            token: lasts(row, self.now + USABLE).then(|| token_of(row, false)),
        })
    }

    pub(super) fn store_token(&mut self, new: &NewToken) {
        let now = self.now;
        let account = self.tables.accounts.get(&new.account);
        if account.is_none_or(|account| account.generation != new.generation) {
            return;
        }
        if let Some(account) = self.tables.accounts.edit(&new.account) {
            let ends = now + TimeDelta::seconds(new.expires_in);
            account.access_token = Some((new.access_token.clone(), ends));
            if let Some(token) = &new.refresh_token {
                account.refresh_token.clone_from(token);
            }
            account.generation += 1;
            account.refreshing_until = None;
        }
    }

    pub(super) fn pause(&mut self, pause: &Pause) {
        let now = self.now;
        let Some(account) = self.tables.accounts.edit(&pause.account) else {
            return;
        };
        account.reason = Some(pause.reason.clone()).filter(|reason| !reason.is_empty());
        let longer = account.paused_until.max(Some(pause.until));
        match pause.kind {
            PauseKind::Limit => account.paused_until = longer,
            PauseKind::Quota => {
                let met = account.limited.take();
                let by_another = met.is_some_and(|(root, at)| {
                    Some(&root) != pause.root.as_ref() && at > now - QUOTA_WINDOW
                });
                if by_another {
                    account.paused_until = longer;
                }
                account.limited = pause.root.clone().map(|root| (root, now));
            }
            PauseKind::Trouble => {
                let had_ended = account.paused_until.is_none_or(|until| until <= now);
                account.troubles += u32::from(had_ended);
                account.paused_until = longer;
            }
            PauseKind::Over => {
                (account.paused_until, account.troubles) = (None, 0);
                let owner = account.user.clone();
                self.wake(&owner);
            }
        }
    }

    /// Takes a call of an account's quota; when there is one, where there is none.
    pub(super) fn take_call(&mut self, id: &AccountId) -> Result<(), DateTime<Utc>> {
        let now = self.now;
        let account = self.tables.accounts.edit(id);
        let Some(quota) = account.and_then(|row| row.quota.as_mut()) else {
            return Ok(());
        };
        forget(quota, now);
        if quota.spent.values().sum::<i64>() >= quota.per_minute {
            let oldest = quota.spent.iter().find(|(_, calls)| **calls > 0);
            let oldest = oldest.map_or(slot(now), |(oldest, _)| *oldest);
            let frees = DateTime::from_timestamp((oldest + SLOTS) * SLOT, 0);
            return Err(frees.unwrap_or(now));
        }
        *quota.spent.entry(slot(now)).or_default() += 1;
        Ok(())
    }

    pub(super) fn charge(&mut self, id: &AccountId, units: i64) {
        let now = self.now;
        let account = self.tables.accounts.edit(id);
        if let Some(quota) = account.and_then(|row| row.quota.as_mut()) {
            forget(quota, now);
            *quota.spent.entry(slot(now)).or_default() += units;
        }
    }
}

/// Seconds that calls are counted in.
const SLOT: i64 = 2;
/// A minute's, and the one that is not over.
const SLOTS: i64 = 31;

fn slot(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(SLOT)
}

fn forget(quota: &mut Quota, now: DateTime<Utc>) {
    quota.spent.retain(|at, _| *at > slot(now) - SLOTS);
}

fn lasts(account: &AccountRow, until: DateTime<Utc>) -> bool {
    account
        .access_token
        .as_ref()
        .is_some_and(|(_, ends)| *ends > until)
}

fn token_of(account: &AccountRow, refresh: bool) -> Token {
    Token {
        user: account.user.clone(),
        subject: account.subject.clone(),
        generation: account.generation,
        refresh,
        access_token: account
            .access_token
            .as_ref()
            .map(|(token, _)| token.clone()),
        refresh_token: account.refresh_token.clone(),
    }
}
