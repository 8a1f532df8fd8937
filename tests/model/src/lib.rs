//! The whole sync in one process, in memory and on virtual time: the engine, the simulator without a
//! socket, and the store in memory.

mod door;
mod google_side;
pub mod history;
mod instance;
mod stored;
mod watch;
mod world;

pub use door::{Fate, Written};
pub use instance::{Instance, Worked};
pub use world::{ANN, Person, World};
