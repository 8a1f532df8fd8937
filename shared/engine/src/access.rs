//! Ways to the provider, one for each account of a load.

use chrono::{DateTime, Utc};
use provider::{Cause, Class, Provider, ProviderError, Scope, SideEffect};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use store::{Account, AccountId, Connection, NewToken, Pause, PauseKind, Usage, UserId};

/// Opens accounts: unseals and refreshes their tokens.
pub trait Accounts {
    /// The provider as one account sees it.
    type Provider: Provider;

    /// The way to the provider. Refreshes the token first where the store says so.
    fn open(
        &self,
        account: &Account,
    ) -> impl Future<Output = Result<Opened<Self::Provider>, NoAccess>>;

    /// The same with a new token, since the provider did not take the last one.
    fn renew(
        &self,
        account: &Account,
    ) -> impl Future<Output = Result<Opened<Self::Provider>, NoAccess>>;

    /// The provider refuses the account for good: its user has to connect it again.
    fn refused(&self, account: &Account, reason: &str) -> impl Future<Output = ()>;
}

/// An open account.
pub struct Opened<P> {
    /// The way to the provider.
    pub provider: P,
    /// A token that was refreshed on the way, to be stored.
    pub token: Option<NewToken>,
}

/// No call is made with a user's token for the sake of another's connection.
pub const ANOTHER_USER: &str =
    "the account cannot be opened: it belongs to another user than its calendar";

/// Why an account cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoAccess {
    /// What is at fault: the account or the deployment.
    pub scope: Scope,
    /// [`Class::Reconnect`] where only its user can help.
    pub class: Class,
    /// For people.
    pub reason: String,
}

impl From<NoAccess> for ProviderError {
    fn from(no_access: NoAccess) -> Self {
        Self {
            scope: no_access.scope,
            class: no_access.class,
            cause: Cause::Other,
            side_effect: SideEffect::None,
            retry_after: None,
            detail: no_access.reason.clone(),
            explanation: no_access.reason,
        }
    }
}

/// Whether the provider refuses the account as a whole, for as long as nobody helps.
pub(crate) fn is_trouble(error: &ProviderError) -> bool {
    (error.scope, error.class) == (Scope::Account, Class::Permanent)
}

type Shared<P> = Result<Rc<P>, NoAccess>;

/// The accounts of one load. Calls of families that run at once share them.
pub(crate) struct Ways<'a, A: Accounts> {
    accounts: &'a A,
    known: &'a [Account],
    connections: &'a [Connection],
    open: RefCell<BTreeMap<AccountId, Shared<A::Provider>>>,
    renewed: RefCell<BTreeSet<AccountId>>,
    tokens: RefCell<Vec<NewToken>>,
    units: RefCell<BTreeMap<AccountId, i64>>,
    /// Accounts that the provider took.
    taken: RefCell<BTreeSet<AccountId>>,
}

impl<'a, A: Accounts> Ways<'a, A> {
    pub(crate) fn new(
        accounts: &'a A,
        known: &'a [Account],
        connections: &'a [Connection],
    ) -> Self {
        Self {
            accounts,
            known,
            connections,
            open: RefCell::default(),
            renewed: RefCell::default(),
            tokens: RefCell::default(),
            units: RefCell::default(),
            taken: RefCell::default(),
        }
    }

    /// Opens accounts, before anything is asked: one refresh for all that need one.
    pub(crate) async fn open_all(&self, ids: impl IntoIterator<Item = AccountId>) {
        for id in ids {
            if self.open.borrow().contains_key(&id) {
                continue;
            }
            let known = self.known.iter().find(|account| account.id == id);
            let opened = match known.and_then(|account| Some((account, account.token.as_ref()?))) {
                Some((_, token)) if self.serves_another(&id, &token.user) => Err(NoAccess {
                    scope: Scope::Deployment,
                    class: Class::Retry,
                    reason: ANOTHER_USER.to_owned(),
                }),
                Some((account, _)) => self.accounts.open(account).await,
                None => Err(NoAccess {
                    scope: Scope::Account,
                    class: Class::Retry,
                    reason: "the access token is being refreshed".to_owned(),
                }),
            };
            self.keep(id, opened);
        }
    }

    /// Whether a connection of somebody else's goes by this account.
    fn serves_another(&self, id: &AccountId, user: &UserId) -> bool {
        let mut through = self.connections.iter().filter(|one| one.account == *id);
        through.any(|connection| connection.user != *user)
    }

    fn keep(&self, id: AccountId, opened: Result<Opened<A::Provider>, NoAccess>) {
        let opened = opened.map(|opened| {
            self.tokens.borrow_mut().extend(opened.token);
            Rc::new(opened.provider)
        });
        let before = self.open.borrow_mut().insert(id.clone(), opened);
        if let Some(Ok(before)) = before {
            self.charge(id, before.take_units());
        }
    }

    /// Counts units that are no call's of this load; less than none for those that were taken before.
    pub(crate) fn charge(&self, id: AccountId, units: i64) {
        *self.units.borrow_mut().entry(id).or_default() += units;
    }

    /// What the accounts are to be charged since this was asked last.
    pub(crate) fn take_usage(&self) -> Vec<Usage> {
        for (id, way) in self.open.borrow().iter() {
            let units = way.as_ref().map_or(0, |way| way.take_units());
            self.charge(id.clone(), units);
        }
        let units = self.units.take().into_iter();
        units
            .filter(|(_, units)| *units != 0)
            .map(|(account, units)| Usage { account, units })
            .collect()
    }

    pub(crate) fn take_tokens(&self) -> Vec<NewToken> {
        self.tokens.take()
    }

    /// Accounts that were in trouble, and that the provider takes again.
    pub(crate) fn take_over(&self, now: DateTime<Utc>) -> Vec<Pause> {
        let taken = self.taken.take();
        let open = self.open.borrow();
        let over = self.known.iter().filter(|account| {
            let works = matches!(open.get(&account.id), Some(Ok(_)));
            account.troubles > 0 && works && taken.contains(&account.id)
        });
        over.map(|account| Pause {
            account: account.id.clone(),
            until: now,
            reason: String::new(),
            kind: PauseKind::Over,
            root: None,
        })
        .collect()
    }

    /// Makes a call, once more with a new token where the last one is not taken. What the provider says of
    /// the account as a whole is not asked again.
    pub(crate) async fn call<T, F: Future<Output = Result<T, ProviderError>>>(
        &self,
        id: &AccountId,
        call: impl Fn(Rc<A::Provider>) -> F,
        may_repeat: impl Fn() -> bool,
    ) -> Result<T, ProviderError> {
        let result = self.try_call(id, call, may_repeat).await;
        match &result {
            Ok(_) => drop(self.taken.borrow_mut().insert(id.clone())),
            Err(error) if is_trouble(error) => {
                let no_access = NoAccess {
                    scope: error.scope,
                    class: error.class,
                    reason: error.explanation.clone(),
                };
                self.keep(id.clone(), Err(no_access));
            }
            Err(_) => {}
        }
        result
    }

    async fn try_call<T, F: Future<Output = Result<T, ProviderError>>>(
        &self,
        id: &AccountId,
        call: impl Fn(Rc<A::Provider>) -> F,
        may_repeat: impl Fn() -> bool,
    ) -> Result<T, ProviderError> {
        let result = call(self.way(id)?).await;
        let error = match result {
            Err(error) if error.cause == Cause::Unauthorized || error.class == Class::Reconnect => {
                error
            }
            Ok(_) | Err(_) => return result,
        };
        let Some(account) = self.known.iter().find(|account| account.id == *id) else {
            return Err(error);
        };
        let is_first = self.renewed.borrow_mut().insert(id.clone());
        if error.cause == Cause::Unauthorized {
            if is_first {
                let opened = self.accounts.renew(account).await;
                self.keep(id.clone(), opened);
            }
            let way = self.way(id)?;
            if !may_repeat() {
                return Err(error);
            }
            let again = call(way).await;
            return again.map_err(|mut error| {
                if error.cause == Cause::Unauthorized {
                    (error.scope, error.class) = (Scope::Account, Class::Permanent);
                }
                error
            });
        }
        self.accounts.refused(account, &error.explanation).await;
        Err(error)
    }

    fn way(&self, id: &AccountId) -> Result<Rc<A::Provider>, ProviderError> {
        match self.open.borrow().get(id) {
            Some(Ok(provider)) => Ok(Rc::clone(provider)),
            Some(Err(no_access)) => Err(no_access.clone().into()),
            None => Err(NoAccess {
                scope: Scope::Account,
                class: Class::Retry,
                reason: "the account is not open".to_owned(),
            }
            .into()),
        }
    }
}
