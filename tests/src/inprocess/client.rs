//! The HTTP client of one instance, which can end, stand still or time out at any of its requests.

use super::System;
use bytes::Bytes;
use chrono::TimeDelta;
use google_simulator::Cut;
use http::{Method, Request, Response};
use http_client::{HttpClient, TransportError};
use model::Fate;
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::Notify;

/// How long an instance waits for an answer.
const PATIENCE: TimeDelta = TimeDelta::seconds(20);

/// Which call meets a fate.
pub(super) enum At {
    /// Of the next instance, from 0.
    Number(u32),
    /// The one that this names, after so many others of the name.
    Named(u32, String),
}

/// What a call asks for: the function of the database, or Google's method and path.
fn what(request: &Request<Bytes>) -> String {
    if request.uri().host() == Some("db.localhost") {
        return String::from_utf8_lossy(request.body()).into_owned();
    }
    format!("{} {}", request.method(), request.uri().path())
}

/// A change that Google was asked for.
#[derive(Debug, Clone)]
pub struct Written {
    /// POST, PATCH or DELETE.
    pub method: Method,
    /// The path, with calendar and event.
    pub path: String,
    /// The body, null for a deletion.
    pub body: Value,
    /// The answer's status.
    pub status: u16,
}

pub(super) struct Calls<'a> {
    system: &'a System,
    made: Cell<u32>,
    pub(super) killed: Notify,
}

impl<'a> Calls<'a> {
    pub(super) fn new(system: &'a System) -> Self {
        Self {
            system,
            made: Cell::new(0),
            killed: Notify::new(),
        }
    }

    async fn end(&self) -> Result<Response<Bytes>, TransportError> {
        self.system.killed.set(self.system.killed.get() + 1);
        self.killed.notify_one();
        std::future::pending().await
    }

    async fn stand_still(&self) {
        let release = Rc::new(Notify::new());
        self.system.releases.borrow_mut().push(release.clone());
        self.system.stands.notify_one();
        release.notified().await;
    }

    async fn lose_patience(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        self.system.late.borrow_mut().push(request);
        let moved = self.system.advance(PATIENCE).await;
        Err(TransportError::NoAnswer(format!("time-out {moved:?}")))
    }
}

impl HttpClient for Calls<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let number = self.made.get();
        self.made.set(number + 1);
        let planned = self.system.plan.borrow_mut().take_if(|(at, _)| match at {
            At::Number(at) => *at == number,
            At::Named(skip, name) => {
                what(&request).contains(name.as_str()) && {
                    *skip = skip.wrapping_sub(1);
                    *skip == u32::MAX
                }
            }
        });
        match planned.map(|(_, fate)| fate) {
            None => self.system.answer(request).await,
            Some(Fate::KilledBefore) => self.end().await,
            Some(Fate::KilledAfter) => {
                let _answer = self.system.answer(request).await;
                self.end().await
            }
            Some(Fate::HeldBefore) => {
                self.stand_still().await;
                self.system.answer(request).await
            }
            Some(Fate::HeldAfter) => {
                let answer = self.system.answer(request).await;
                self.stand_still().await;
                answer
            }
            Some(Fate::Late) => self.lose_patience(request).await,
        }
    }
}

impl System {
    pub(super) async fn answer(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        self.calls.set(self.calls.get() + 1);
        if request.uri().host() == Some("db.localhost") {
            return Ok(self.database.answer(&request).await);
        }
        if request.uri().host() == Some("self.alt") {
            self.ticks_called.borrow_mut().push(request);
            return Ok(Response::new(Bytes::new()));
        }
        if request.uri().host() == Some("crm.localhost") {
            return self.published_keys();
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = request.body().clone();
        let response = self.simulator.handle(request);
        let pace = self.pace.get();
        if pace > TimeDelta::zero() {
            let moved = self.pass(pace).await;
            moved.map_err(|error| TransportError::NoAnswer(error.to_string()))?;
        }
        if method != Method::GET && path.contains("/events/") && !path.ends_with("/watch")
            || path.ends_with("/events") && method == Method::POST
        {
            self.written.borrow_mut().push(Written {
                method,
                path,
                body: serde_json::from_slice(&body).unwrap_or_default(),
                status: response.status().as_u16(),
            });
        }
        match response.extensions().get::<Cut>() {
            Some(_) => Err(TransportError::NoAnswer("cut".to_owned())),
            None => Ok(response),
        }
    }

    fn published_keys(&self) -> Result<Response<Bytes>, TransportError> {
        let mut published = self.published.borrow_mut();
        published.asked += 1;
        let unreachable = || TransportError::NoAnswer("the CRM is down".to_owned());
        let (status, body) = published.answer.clone().ok_or_else(unreachable)?;
        let response = Response::builder().status(status).body(Bytes::from(body));
        response.map_err(|error| TransportError::NoAnswer(error.to_string()))
    }

    /// The calls that lost their instance's patience take effect now; nobody hears the answers.
    pub async fn land(&self) -> usize {
        let late: Vec<_> = self.late.borrow_mut().drain(..).collect();
        let count = late.len();
        for request in late {
            let _answer = self.answer(request).await;
        }
        count
    }
}
