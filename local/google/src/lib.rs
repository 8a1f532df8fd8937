//! A simulated Google: OAuth 2.0 and Calendar v3 with state, clock and faults.
//!
//! [`Simulator::handle`] answers one request without a socket; [`server::serve`] puts the same
//! simulator behind a listener and delivers its push notifications. Behaviour that Google
//! documents is the default and cited at its place; behaviour that is only reported somewhere has
//! a switch with both positions. The README follows.
//!
#![doc = include_str!("../README.md")]

mod calendars;
mod clock;
mod conformance;
mod control;
mod error;
mod events;
mod evidence;
mod faults;
mod helpers;
mod http_api;
mod log;
mod oauth;
mod page;
mod push;
mod quota;
mod random;
mod saved;
pub mod server;
#[cfg(test)]
mod stories;
mod switches;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use tokio::sync::Notify;

pub use clock::Clock;
pub use conformance::{Outcome, Row, conformance};
pub use evidence::{Graded, evidence, undocumented};
pub use faults::{Cut, Delay};
pub use push::Notification;

use world::World;

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of every random value; the same seed and requests give the same answers.
    pub seed: u64,
    /// Where time comes from.
    pub clock: Clock,
    /// Scheme and host for the URLs it mints, without a trailing slash.
    pub origin: String,
    /// Accept push addresses on plain `http` when the host is a loopback one.
    pub allow_http_loopback: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            clock: Clock::System,
            origin: "http://localhost".into(),
            allow_http_loopback: false,
        }
    }
}

type Tap = Box<dyn Fn(&Method, &Uri, &Response<Bytes>) + Send + Sync>;

static TAP: OnceLock<Tap> = OnceLock::new();

/// Tells `told` of every answer of every simulator of this process from now on, on the thread that
/// asked, with the method that was meant; says whether it is the first to be told, since there can be only one.
pub fn tap(told: impl Fn(&Method, &Uri, &Response<Bytes>) + Send + Sync + 'static) -> bool {
    TAP.set(Box::new(told)).is_ok()
}

/// Long GETs come as POSTs (Google's client libraries).
fn meant(request: &Request<Bytes>) -> Method {
    let meant = request.headers().get("x-http-method-override");
    let meant = meant.and_then(|name| Method::from_bytes(name.as_bytes()).ok());
    meant.unwrap_or_else(|| request.method().clone())
}

/// One Google. Clones share their state.
#[derive(Clone)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    wake: Arc<Notify>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

impl Simulator {
    /// An empty Google: no people, no clients.
    pub fn new(options: Options) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(options))),
            wake: Arc::new(Notify::new()),
        }
    }

    /// Answers one request, whichever endpoint it is for. Never panics on malformed input.
    ///
    /// The response may carry [`Cut`] or [`Delay`] as an extension when a fault asks for it.
    pub fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let asked = TAP
            .get()
            .map(|tap| (tap, meant(&request), request.uri().clone()));
        let response = http_api::answer(&mut self.lock(), request);
        if let Some((tap, method, uri)) = asked {
            tap(&method, &uri, &response);
        }
        self.wake.notify_one();
        response
    }

    /// Takes the push notifications that are due by the simulator's clock.
    ///
    /// Report each with [`Simulator::delivered`]; until then it is in flight.
    pub fn due_notifications(&self) -> Vec<Notification> {
        self.lock().due_notifications()
    }

    /// The result of posting a notification: the receiver's status, `None` without a connection.
    ///
    /// 500, 502, 503, 504 and `None` are tried again after a growing delay, everything else is
    /// final (Calendar API guide, push notifications).
    pub fn delivered(&self, id: u64, status: Option<u16>) {
        self.lock().delivered(id, status);
    }

    /// Resolves when something happened after which notifications may be due, or after `at_most`.
    async fn woken(&self, at_most: Duration) {
        // Either outcome means: look again.
        let _ = tokio::time::timeout(at_most, self.wake.notified()).await;
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic while holding the lock leaves at worst one half-made request behind.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
