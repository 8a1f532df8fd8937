//! The engine, as a request runs it: the store over HTTP, Google by an account's tokens.

use super::{Env, token};
use crate::db::store::HttpStore;
use crate::db::token::TokenGrant;
use engine::{Accounts, NoAccess, Opened};
use google::GoogleCalendar;
use google::events::list::parameters_digest;
use http_client::HttpClient;
use provider::{Class, Scope};
use store::Account;
use uuid::{Builder, Uuid};

/// What the engine works with.
pub type Engine<'a, D> = engine::Env<'a, HttpStore<'a, D>, GoogleAccounts<'a, D>>;

/// Opens accounts by their sealed tokens.
pub struct GoogleAccounts<'a, D> {
    env: &'a Env<'a, D>,
}

impl<D: HttpClient> Env<'_, D> {
    /// Runs the engine.
    pub async fn sync<T>(&self, work: impl AsyncFnOnce(&Engine<'_, D>) -> T) -> T {
        let store = HttpStore {
            client: self.client,
            database: &self.config.database,
        };
        let new_id = || -> Uuid {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&self.random.bytes()[..16]);
            Builder::from_random_bytes(bytes).into_uuid()
        };
        let fraction = || self.random.fraction();
        let env = engine::Env {
            store: &store,
            accounts: &GoogleAccounts { env: self },
            instance: self.config.instance(),
            digest: &parameters_digest(),
            event_url: self.config.event_url.as_deref(),
            clock: self.clock,
            fraction: &fraction,
            new_id: &new_id,
        };
        work(&env).await
    }
}

fn grant(account: &Account) -> Option<TokenGrant> {
    let token = account.token.as_ref()?;
    Some(TokenGrant {
        account_id: account.id.0,
        user: token.user.0.clone(),
        subject: token.subject.clone(),
        generation: token.generation,
        refresh: token.refresh,
        access_token: token.access_token.clone(),
        refresh_token: token.refresh_token.clone(),
    })
}

fn no_access(error: &token::NoAccess) -> NoAccess {
    let (scope, class) = match error {
        token::NoAccess::Refused(_) => (Scope::Account, Class::Reconnect),
        token::NoAccess::Later(_) => (Scope::Account, Class::Retry),
        token::NoAccess::Policy(_) => (Scope::Account, Class::Permanent),
        token::NoAccess::Broken(_) => (Scope::Deployment, Class::Retry),
    };
    NoAccess {
        scope,
        class,
        reason: error.reason().to_owned(),
    }
}

impl<'a, D: HttpClient> GoogleAccounts<'a, D> {
    fn opened(&self, access: token::Access) -> Opened<GoogleCalendar<&'a D>> {
        Opened {
            provider: GoogleCalendar::new(
                self.env.client,
                self.env.config.google.api.clone(),
                access.token,
            ),
            token: access.new.map(Into::into),
        }
    }

    fn being_refreshed() -> NoAccess {
        NoAccess {
            scope: Scope::Account,
            class: Class::Retry,
            reason: "the access token is being refreshed".to_owned(),
        }
    }
}

impl<'a, D: HttpClient> Accounts for GoogleAccounts<'a, D> {
    type Provider = GoogleCalendar<&'a D>;

    async fn open(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let grant = grant(account).ok_or_else(Self::being_refreshed)?;
        let access = token::open(self.env, &grant).await;
        access
            .map(|access| self.opened(access))
            .map_err(|error| no_access(&error))
    }

    async fn renew(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let grant = grant(account).ok_or_else(Self::being_refreshed)?;
        let access = token::renew(self.env, &grant).await;
        access
            .map(|access| self.opened(access))
            .map_err(|error| no_access(&error))
    }

    async fn refused(&self, account: &Account, reason: &str) {
        if let Some(grant) = grant(account) {
            token::refused(self.env, &grant, reason).await;
        }
    }
}
