//! The way of one instance to Google and to the database, at which it can end, stand still or lose its
//! patience, and the token that opens it.

use crate::calls::{Asked, Given};
use crate::database::Database;
use crate::patience::Patience;
use crate::watch::{Watch, place};
use bytes::Bytes;
use chrono::TimeDelta;
use engine::{Accounts, NoAccess, Opened};
use google::{AccessToken, GoogleCalendar};
use google_simulator::Simulator;
use http::{Method, Request, Response};
use http_client::{HttpClient, TransportError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use store::{Account, AccountId, NewToken};
use url::Url;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The instance ends before the call leaves.
    KilledBefore,
    /// The instance ends when the answer is there.
    KilledAfter,
    /// The instance stands still before the call leaves.
    HeldBefore,
    /// The instance stands still with the answer in its hands.
    HeldAfter,
    /// No answer comes in time; a call to Google takes effect later.
    Late,
}

/// A change that Google was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// By which account.
    pub account: AccountId,
    /// The method.
    pub method: Method,
    /// The path, with calendar and event.
    pub path: String,
    /// The body, null for a deletion.
    pub body: Value,
    /// The answer's status.
    pub status: u16,
}

/// What all instances share.
#[derive(Default)]
pub(crate) struct Lines {
    /// Calls to Google, and calls to the database.
    pub(crate) calls: Cell<u64>,
    pub(crate) stored: Cell<u64>,
    pub(crate) killed: Cell<u64>,
    pub(crate) written: RefCell<Vec<Written>>,
    pub(crate) late: RefCell<Vec<(AccountId, Request<Bytes>)>>,
    /// Of the next instance: at which of its calls what happens.
    pub(crate) plan: Cell<Option<(u32, Fate)>>,
    /// Whose access tokens are, and the addresses of accounts.
    pub(crate) tokens: RefCell<BTreeMap<String, String>>,
    pub(crate) addresses: RefCell<BTreeMap<AccountId, String>>,
    /// Google accounts that the CRM has no access to.
    pub(crate) revoked: RefCell<BTreeSet<String>>,
    pub(crate) watch: Watch,
    pub(crate) patience: Patience,
    /// What instances came to; with `is_told`, what they wrote, too.
    pub(crate) log: RefCell<Vec<String>>,
    pub(crate) is_told: Cell<bool>,
}

impl Lines {
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if self.is_told.get() {
            self.log.borrow_mut().push(line());
        }
    }
}

/// One instance.
#[derive(Default)]
pub(crate) struct Pulse {
    made: Cell<u32>,
    is_dead: Cell<bool>,
    stands: Cell<bool>,
    /// What justifies its calls.
    pub(crate) given: RefCell<Given>,
    wakers: RefCell<Vec<Waker>>,
}

impl Pulse {
    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.get()
    }

    pub(crate) fn go_on(&self) {
        self.stands.set(false);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }

    /// Nothing else happens in an instance that has ended or stands still.
    async fn alive(&self) {
        if self.is_dead.get() {
            pending::<()>().await;
        }
        poll_fn(|context| {
            if self.stands.get() {
                self.wakers.borrow_mut().push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// How an instance reaches others.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) simulator: Rc<Simulator>,
    pub(crate) store: Rc<dyn Database>,
    pub(crate) lines: Rc<Lines>,
    pub(crate) pulse: Rc<Pulse>,
}

/// How long an instance waits for an answer.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);

impl Line {
    /// What becomes of the next call.
    async fn fate(&self) -> Option<Fate> {
        self.pulse.alive().await;
        let number = self.pulse.made.get();
        self.pulse.made.set(number + 1);
        let planned = self.lines.plan.get().filter(|(at, _)| *at == number);
        planned.map(|(_, fate)| {
            self.lines.plan.set(None);
            self.lines.tell(|| format!("    {fate:?}"));
            fate
        })
    }

    async fn end(&self) {
        self.pulse.is_dead.set(true);
        self.lines.killed.set(self.lines.killed.get() + 1);
        self.pulse.alive().await;
    }

    async fn stand_still(&self) {
        self.pulse.stands.set(true);
        self.pulse.alive().await;
    }

    /// Nobody's token is used for the sake of another's row.
    fn judge(&self, account: &AccountId, request: &Request<Bytes>) {
        let Some(asked) = Asked::of(account, request) else {
            return;
        };
        let bearer = request.headers().get("authorization");
        let token = bearer.and_then(|bearer| bearer.to_str().ok()?.strip_prefix("Bearer "));
        let whose = token.and_then(|token| self.lines.tokens.borrow().get(token).cloned());
        let watch = &self.lines.watch;
        if whose != self.lines.addresses.borrow().get(account).cloned() {
            watch.tell(format!("{asked:?} has a token of {whose:?}"));
        }
        watch.called(&self.pulse.given.borrow(), &asked);
    }

    fn lose_patience(&self) {
        self.simulator.advance(PATIENCE);
        self.store.set_now(self.simulator.now());
    }

    pub(crate) fn answer(
        &self,
        account: &AccountId,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.body().clone();
        let response = self.simulator.handle(request);
        let is_cut = response
            .extensions()
            .get::<google_simulator::Cut>()
            .is_some();
        if let Some(place) = place(&path) {
            let is_well = response.status().as_u16() < 400 && !is_cut;
            let now = self.simulator.now();
            self.lines.patience.answered(account, place, now, is_well);
        }
        let is_write =
            method != Method::GET && path.contains("/events") && !path.ends_with("/watch");
        if is_write {
            let written = Written {
                account: account.clone(),
                method,
                path,
                body: serde_json::from_slice(&body).unwrap_or_default(),
                status: response.status().as_u16(),
            };
            self.lines.tell(|| {
                format!(
                    "    {} {} {} {}",
                    written.method, written.path, written.body, written.status
                )
            });
            self.lines.written.borrow_mut().push(written);
        }
        match is_cut {
            true => Err(TransportError::NoAnswer("cut".to_owned())),
            false => Ok(response),
        }
    }

    /// A call to the database; none where no answer comes.
    pub(crate) async fn stored<T>(&self, call: impl AsyncFnOnce() -> T) -> Option<T> {
        let fate = self.fate().await;
        self.lines.stored.set(self.lines.stored.get() + 1);
        match fate {
            None => Some(call().await),
            Some(Fate::KilledBefore) => {
                self.end().await;
                None
            }
            Some(Fate::KilledAfter) => {
                let _answer = call().await;
                self.end().await;
                None
            }
            Some(Fate::HeldBefore) => {
                self.stand_still().await;
                Some(call().await)
            }
            Some(Fate::HeldAfter) => {
                let answer = call().await;
                self.stand_still().await;
                Some(answer)
            }
            Some(Fate::Late) => {
                let _answer = call().await;
                self.lose_patience();
                None
            }
        }
    }
}

/// The way to Google with one account's token.
#[derive(Clone)]
pub(crate) struct AccountLine {
    pub(crate) line: Line,
    pub(crate) account: AccountId,
}

impl HttpClient for AccountLine {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let line = &self.line;
        line.judge(&self.account, &request);
        let fate = line.fate().await;
        line.lines.calls.set(line.lines.calls.get() + 1);
        match fate {
            None => line.answer(&self.account, request),
            Some(Fate::KilledBefore) => {
                line.end().await;
                pending().await
            }
            Some(Fate::KilledAfter) => {
                let _answer = line.answer(&self.account, request);
                line.end().await;
                pending().await
            }
            Some(Fate::HeldBefore) => {
                line.stand_still().await;
                line.answer(&self.account, request)
            }
            Some(Fate::HeldAfter) => {
                let answer = line.answer(&self.account, request);
                line.stand_still().await;
                answer
            }
            Some(Fate::Late) => {
                line.lines
                    .late
                    .borrow_mut()
                    .push((self.account.clone(), request));
                line.lose_patience();
                Err(TransportError::NoAnswer("time-out".to_owned()))
            }
        }
    }
}

const CLIENT: &str = "client.example.com";

/// Opens accounts with tokens of the simulator's. Their sealed refresh token is the account's address.
pub(crate) struct Tokens {
    pub(crate) line: Line,
}

impl Tokens {
    fn token(&self, account: &Account) -> Result<String, NoAccess> {
        let email = account
            .token
            .as_ref()
            .map(|token| token.refresh_token.clone());
        let email = email.unwrap_or_default();
        let revoked = self.line.lines.revoked.borrow().contains(&email);
        let scope = "https://www.googleapis.com/auth/calendar";
        let made = self
            .line
            .simulator
            .token(&email, CLIENT, &[scope])
            .filter(|_| !revoked);
        let token = made.as_ref().and_then(|made| made["access_token"].as_str());
        if let Some(token) = token {
            let mut tokens = self.line.lines.tokens.borrow_mut();
            tokens.insert(token.to_owned(), email);
        }
        token.map(str::to_owned).ok_or(NoAccess {
            scope: provider::Scope::Account,
            class: provider::Class::Reconnect,
            reason: "access was withdrawn".to_owned(),
        })
    }

    fn opened(
        &self,
        account: &AccountId,
        token: String,
        new: Option<NewToken>,
    ) -> Opened<GoogleCalendar<AccountLine>> {
        let api = Url::parse("http://google.test");
        Opened {
            provider: GoogleCalendar::new(
                AccountLine {
                    line: self.line.clone(),
                    account: account.clone(),
                },
                api.unwrap_or_else(|_| unreachable!("a fixed address")),
                AccessToken::from(token),
            ),
            token: new,
        }
    }
}

impl Accounts for Tokens {
    type Provider = GoogleCalendar<AccountLine>;

    async fn open(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let known = account.token.as_ref().filter(|token| !token.refresh);
        let Some(token) = known.and_then(|token| token.access_token.clone()) else {
            return self.renew(account).await;
        };
        Ok(self.opened(&account.id, token, None))
    }

    async fn renew(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let token = match self.token(account) {
            Ok(token) => token,
            Err(no_access) => {
                self.refused(account, &no_access.reason).await;
                return Err(no_access);
            }
        };
        let new = NewToken {
            account: account.id.clone(),
            generation: account.token.as_ref().map_or(0, |token| token.generation),
            access_token: token.clone(),
            expires_in: 3_599,
            refresh_token: None,
        };
        Ok(self.opened(&account.id, token, Some(new)))
    }

    async fn refused(&self, account: &Account, reason: &str) {
        self.line.store.act(&store::sides::Act::AccountState {
            account: account.id.clone(),
            state: store::AccountState::ReconnectNeeded,
            reason: Some(reason.to_owned()),
        });
    }
}
