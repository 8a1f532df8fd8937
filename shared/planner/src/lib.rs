//! What to do about a family of events: pure.

mod act;
mod added;
mod apart;
mod backoff;
mod choices;
mod close;
mod decide;
mod deleted;
mod direction;
mod failed;
mod family;
mod gone;
mod leave;
mod listed;
mod listing;
mod moves;
mod notes;
mod occurrence;
mod order;
mod plan;
mod reach;
mod rows;
mod settle;
mod situation;
mod standing;
mod state;
mod step;
mod synced;
mod task;
mod write;

#[cfg(test)]
mod tests;

pub use backoff::{MOST_ATTEMPTS, backoff, backoff_up_to, trouble_wait};
pub use choices::{Choices, Direction, OptOut, SendUpdates};
pub use listing::{PageInput, PagePlan, ids, plan_page};
pub use notes::{Notes, Refused};
pub use plan::{Answer, Call, CallKind, Next, Plan, World};
pub use situation::Decision;
pub use standing::{Bases, DeletedBy, Deletion, Missed, Proof, Standing};
