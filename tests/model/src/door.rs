//! The way of one instance to Google, at which it can end, and the token that opens it.

use bytes::Bytes;
use engine::{Accounts, NoAccess, Opened};
use google::GoogleCalendar;
use google_simulator::Simulator;
use http::{Method, Request, Response};
use serde_json::Value;
use shared::door::{Door, Transport};
use shared::google::AccessToken;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use store::{Account, NewToken};
use url::Url;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The instance ends before the call leaves.
    KilledBefore,
    /// The instance ends when the answer is there.
    KilledAfter,
    /// No answer comes in time; the call takes effect later.
    Late,
}

/// The instance has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// A change that Google was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
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
    pub(crate) calls: Cell<u64>,
    pub(crate) written: RefCell<Vec<Written>>,
    pub(crate) late: RefCell<Vec<Request<Bytes>>>,
    /// Of the next instance: at which of its calls what happens.
    pub(crate) plan: Cell<Option<(u32, Fate)>>,
    pub(crate) made: Cell<u32>,
    pub(crate) is_cut: Cell<bool>,
}

/// The way to Google.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) simulator: Rc<Simulator>,
    pub(crate) lines: Rc<Lines>,
}

impl Line {
    pub(crate) fn answer(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Transport> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.body().clone();
        let response = self.simulator.handle(request);
        let is_write = method != Method::GET && path.contains("/events") && !path.ends_with("/watch");
        if is_write {
            self.lines.written.borrow_mut().push(Written {
                method,
                path,
                body: serde_json::from_slice(&body).unwrap_or_default(),
                status: response.status().as_u16(),
            });
        }
        match response.extensions().get::<google_simulator::Cut>() {
            Some(_) => Err(Transport::NoAnswer("cut".to_owned())),
            None => Ok(response),
        }
    }
}

impl Door for Line {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Transport> {
        let lines = &self.lines;
        lines.calls.set(lines.calls.get() + 1);
        let number = lines.made.get();
        lines.made.set(number + 1);
        let fate = lines.plan.get().filter(|(at, _)| *at == number).map(|(_, fate)| fate);
        match fate {
            None => self.answer(request),
            Some(Fate::KilledBefore) => {
                lines.is_cut.set(true);
                futures::future::pending().await
            }
            Some(Fate::KilledAfter) => {
                let _answer = self.answer(request);
                lines.is_cut.set(true);
                futures::future::pending().await
            }
            Some(Fate::Late) => {
                lines.late.borrow_mut().push(request);
                Err(Transport::NoAnswer("time-out".to_owned()))
            }
        }
    }
}

const CLIENT: &str = "client.example.com";

/// Opens accounts with tokens of the simulator's. Their sealed refresh token is the account's address.
pub(crate) struct Tokens {
    pub(crate) line: Line,
    pub(crate) store: store::memory::MemoryStore,
}

impl Tokens {
    fn token(&self, account: &Account) -> Result<String, NoAccess> {
        let email = account.token.as_ref().map(|token| token.refresh_token.clone());
        let scope = "https://www.googleapis.com/auth/calendar";
        let made = self.line.simulator.token(&email.unwrap_or_default(), CLIENT, &[scope]);
        let token = made.as_ref().and_then(|made| made["access_token"].as_str());
        token.map(str::to_owned).ok_or(NoAccess {
            scope: provider::Scope::Account,
            reason: "access was withdrawn".to_owned(),
        })
    }
}

impl Accounts for Tokens {
    type Provider = GoogleCalendar<Line>;

    async fn open(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let known = account.token.as_ref().filter(|token| !token.refresh);
        let Some(token) = known.and_then(|token| token.access_token.clone()) else {
            return self.renew(account).await;
        };
        Ok(self.opened(token, None))
    }

    async fn renew(&self, account: &Account) -> Result<Opened<Self::Provider>, NoAccess> {
        let token = self.token(account)?;
        let new = NewToken {
            account: account.id.clone(),
            generation: account.token.as_ref().map_or(0, |token| token.generation),
            access_token: token.clone(),
            expires_in: 3_599,
            refresh_token: None,
        };
        Ok(self.opened(token, Some(new)))
    }

    async fn refused(&self, account: &Account, reason: &str) {
        self.store.act(&store::sides::Act::AccountState {
            account: account.id.clone(),
            state: store::AccountState::ReconnectNeeded,
            reason: Some(reason.to_owned()),
        });
    }
}

impl Tokens {
    fn opened(&self, token: String, new: Option<NewToken>) -> Opened<GoogleCalendar<Line>> {
        let api = Url::parse("http://google.test");
        Opened {
            provider: GoogleCalendar {
                door: self.line.clone(),
                api: api.unwrap_or_else(|_| unreachable!("a fixed address")),
                token: AccessToken::from(token),
            },
            token: new,
        }
    }
}
