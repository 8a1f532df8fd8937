//! Clients, codes, tokens and grants, with the rules by which they stop working.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::scopes;

/// Live refresh tokens of one account and client; the oldest goes first (Google identity guide,
/// refresh token expiration).
const REFRESH_TOKENS: usize = 100;
const TESTING_LIFE: TimeDelta = TimeDelta::days(7);
const IDLE_LIFE: TimeDelta = TimeDelta::days(180);
const CODE_LIFE: TimeDelta = TimeDelta::minutes(10);

/// An OAuth client of a project.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) secret: String,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    /// Clients of one project share consent, quotas and channel ids.
    #[serde(default)]
    pub(crate) project: String,
    /// Publishing status Testing: refresh tokens live seven days.
    #[serde(default)]
    pub(crate) testing: bool,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// A code waiting to be exchanged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) client: String,
    pub(super) email: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<(String, Method)>,
    pub(super) nonce: Option<String>,
    pub(super) with_refresh: bool,
    pub(super) issued: DateTime<Utc>,
}

/// How a code challenge was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    Plain,
    S256,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Access {
    pub(super) email: String,
    pub(super) client: String,
    pub(super) project: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) expires: DateTime<Utc>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) email: String,
    pub(super) client: String,
    pub(super) project: String,
    pub(super) scopes: BTreeSet<String>,
    issued: DateTime<Utc>,
    used: DateTime<Utc>,
    order: u64,
}

/// What a person gave a project.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) scopes: BTreeSet<String>,
    /// Clients that have had a refresh token; they get the next one only with `prompt=consent`.
    pub(super) offline: BTreeSet<String>,
}

/// Everything OAuth remembers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Grants {
    pub(crate) clients: BTreeMap<String, Client>,
    pub(super) codes: BTreeMap<String, Code>,
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    /// By email and project.
    #[serde(with = "crate::saved::pairs")]
    pub(super) given: BTreeMap<(String, String), Grant>,
    /// Tokens that once worked: they answer differently from ones that never existed.
    spent: BTreeSet<String>,
    order: u64,
}

/// What a refresh token is worth.
#[derive(Debug)]
pub(super) enum RefreshState {
    Live(Refresh),
    /// Revoked, expired or pushed out.
    Dead,
    Unknown,
}

impl Grants {
    pub(super) fn access(&self, token: &str, now: DateTime<Utc>) -> Option<&Access> {
        self.access.get(token).filter(|access| access.expires > now)
    }

    pub(super) fn add_access(&mut self, token: String, access: Access, now: DateTime<Utc>) {
        if self.access.len() % 1024 == 1023 {
            self.access.retain(|_, access| access.expires > now);
        }
        self.access.insert(token, access);
    }

    /// Takes a code; a second time it is not there.
    pub(super) fn take_code(&mut self, code: &str, now: DateTime<Utc>) -> Option<Code> {
        self.codes
            .remove(code)
            .filter(|code| code.issued + CODE_LIFE > now)
    }

    /// Stores a refresh token and drops the oldest beyond the limit.
    pub(super) fn add_refresh(&mut self, token: String, access: &Access, now: DateTime<Utc>) {
        self.order += 1;
        let refresh = Refresh {
            email: access.email.clone(),
            client: access.client.clone(),
            project: access.project.clone(),
            scopes: access.scopes.clone(),
            issued: now,
            used: now,
            order: self.order,
        };
        self.refresh.insert(token, refresh);
        let same =
            |refresh: &Refresh| refresh.email == access.email && refresh.client == access.client;
        let live = self.refresh.iter().filter(|(_, refresh)| same(refresh));
        let mut live: Vec<(u64, String)> = live
            .map(|(token, refresh)| (refresh.order, token.clone()))
            .collect();
        if live.len() > REFRESH_TOKENS {
            live.sort();
            self.spend(&live[0].1.clone());
        }
    }

    fn spend(&mut self, token: &str) {
        self.refresh.remove(token);
        self.spent.insert(token.to_owned());
    }

    /// Uses a refresh token.
    pub(super) fn refresh(&mut self, token: &str, now: DateTime<Utc>) -> RefreshState {
        let Some(refresh) = self.refresh.get_mut(token) else {
            let dead = self.spent.contains(token);
            return if dead {
                RefreshState::Dead
            } else {
                RefreshState::Unknown
            };
        };
        let testing = self
            .clients
            .get(&refresh.client)
            .is_some_and(|client| client.testing);
        let week_is_over = refresh.issued + TESTING_LIFE <= now
            && !refresh
                .scopes
                .iter()
                .all(|scope| scopes::is_identity(scope));
        if (testing && week_is_over) || refresh.used + IDLE_LIFE <= now {
            self.spend(token);
            return RefreshState::Dead;
        }
        refresh.used = now;
        RefreshState::Live(refresh.clone())
    }

    /// The account and project behind a live token of either kind.
    pub(super) fn owner(&self, token: &str, now: DateTime<Utc>) -> Option<(String, String)> {
        let of_access = self
            .access(token, now)
            .map(|a| (a.email.clone(), a.project.clone()));
        of_access.or_else(|| {
            self.refresh
                .get(token)
                .map(|r| (r.email.clone(), r.project.clone()))
        })
    }

    /// Ends a person's grant to a project: every token of every client of the project dies.
    pub(crate) fn revoke(&mut self, email: &str, project: &str) {
        self.given.remove(&(email.to_owned(), project.to_owned()));
        self.access
            .retain(|_, access| access.email != email || access.project != project);
        let of_grant = |refresh: &Refresh| refresh.email == email && refresh.project == project;
        let tokens: Vec<String> = self
            .refresh
            .iter()
            .filter(|(_, refresh)| of_grant(refresh))
            .map(|(token, _)| token.clone())
            .collect();
        for token in tokens {
            self.spend(&token);
        }
        self.codes.retain(|_, code| code.email != email);
    }

    /// Projects a person has given something.
    pub(crate) fn projects(&self, email: &str) -> Vec<String> {
        self.given
            .keys()
            .filter(|(owner, _)| owner == email)
            .map(|(_, p)| p.clone())
            .collect()
    }
}
