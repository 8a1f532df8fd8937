//! Flows: claim, decide, send, decide, record, in a straight line. They hold no rule of their own.

pub mod connect;
pub mod disconnect;
pub mod manage;
pub mod pull;
pub mod push;
pub mod tick;
pub mod token;
pub mod watch;

use crate::config::Config;
use crate::secret::Random;
use chrono::{DateTime, TimeDelta, Utc};
use http_client::HttpClient;

/// What a flow works with, for one request.
pub struct Env<'a, D> {
    /// The way out.
    pub door: &'a D,
    /// The deployment's configuration.
    pub config: &'a Config,
    /// Fresh for this request.
    pub random: &'a Random,
    /// The time, to measure how long a lease still lasts. Stored times are the database's own.
    pub clock: &'a dyn Fn() -> DateTime<Utc>,
}

impl<D: HttpClient> Env<'_, D> {
    /// Whether a call of up to 20 s, its longest, still fits into a lease of 60 s with a margin.
    fn lease_allows_a_call(&self, leased_at: DateTime<Utc>) -> bool {
        (self.clock)() - leased_at < TimeDelta::seconds(60 - 20 - 5)
    }
}
