//! Tandem's core: decides what a two-way sync between a CRM's `events` and Google Calendar has to do.
//!
//! - `google`, `db`: what goes over the wire, one file per API method or SQL function, each with a
//!   function that builds the request and one that reads the answer.
//! - `flow`: short async functions in a straight line over one [`door::Door`].
//! - everything else is pure. Time and randomness are arguments.

pub mod door;
pub mod error;
pub mod google;
#[cfg(feature = "spin")]
pub mod spin;
