//! What to do about a family of events: pure.

mod choices;
mod decide;
mod deleted;
mod direction;
mod occurrence;
mod situation;
mod standing;
mod state;
mod step;
mod write;

pub use choices::{Choices, OptOut, SendUpdates};
pub use standing::{Bases, DeletedBy, Deletion, Missed, Proof, Standing};
