//! The whole sync in one process, in memory and on virtual time: the engine, the simulator without a
//! socket, and the store in memory.

mod door;
mod google_side;
mod world;

pub use door::{Cut, Fate, Written};
pub use world::{Person, World};
