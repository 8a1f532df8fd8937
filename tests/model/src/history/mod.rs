//! Random histories: both sides edit, messages are lost, doubled and late, Google fails before and after
//! it did the work, instances end or stand still at any call. At rest both sides are equal, each event
//! exists once for each user, no edit is lost, nobody's row was touched by another user's connection, and
//! nothing moves any more.
//!
//! A [`Story`] is made from a seed, lived through in a system of its own, and compared with a reference
//! model of what each side did. One that breaks a promise is made as small as it can be.

mod begin;
mod calendars;
mod check;
mod crm;
mod drawn;
mod field;
mod forge;
mod form;
mod found;
mod generate;
mod kept;
mod life;
mod person;
mod plot;
mod random;
mod rest;
mod run;
mod series;
mod shrink;
mod soak;
mod step;
mod trouble;
mod when;

pub use drawn::positions;
pub use field::{Field, Values};
pub use generate::story;
pub use run::{NewWorld, Tally, Violation, live, live_on, tell};
pub use shrink::shrink;
pub use soak::{Failure, News, Soak, Soaked, soak};
pub use step::{Act, Change, Fault, FaultKind, Forge, Forgery, Role, Scope, Step, Story, Which};
