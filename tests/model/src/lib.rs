//! The whole sync in one process and on virtual time: the engine, the simulator without a socket, and the store in
//! memory or on a database.

mod calls;
mod client;
mod database;
mod google_side;
pub mod history;
mod instance;
mod patience;
mod stored;
mod watch;
mod world;

pub use client::{Fate, Written};
pub use database::Database;
pub use instance::{Instance, Worked};
pub use world::{ANN, INSTANCE, Person, World};
