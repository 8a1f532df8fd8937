//! Flows: short async functions in a straight line. They hold no rule of their own.

pub mod connect;
pub mod disconnect;
pub mod login;
pub mod manage;
pub mod sync;
pub mod tick;
pub mod token;
pub mod watch;

use crate::config::Config;
use crate::secret::Random;
use chrono::{DateTime, Utc};

/// What a flow works with, for one request.
pub struct Env<'a, D> {
    /// The way out.
    pub client: &'a D,
    /// The deployment's configuration.
    pub config: &'a Config,
    /// Fresh for this request.
    pub random: &'a Random,
    /// The time, to measure how long a lease still lasts. Stored times are the database's own.
    pub clock: &'a dyn Fn() -> DateTime<Utc>,
}
