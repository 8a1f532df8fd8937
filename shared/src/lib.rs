//! Tandem's core: decides what a two-way sync between a CRM's `events` and Google Calendar has to do.
//!
//! - [`google`], [`db`]: what goes over the wire, one file per API method or SQL function, each with a
//!   function that builds the request and one that reads the answer.
//! - [`map`], [`merge`], [`decide`]: pure; what an answer means and what is to be done.
//! - `series` (with the feature `console`): what an edit of a series means for its rows.
//! - [`flow`]: short async functions in a straight line over one [`http_client::HttpClient`].
//! - [`handler`]: what each function answers over HTTP.
//! - `spin` (a feature): the host adapter, the only part that knows Spin.
//!
//! Time and randomness are arguments; chrono is built without its clock.

pub mod config;
pub mod crm;
pub mod db;
pub mod flow;
pub use google;
pub mod handler;
pub mod jwt;
pub mod secret;
#[cfg(feature = "console")]
pub mod series;
#[cfg(feature = "spin")]
pub mod spin;
