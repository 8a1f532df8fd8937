//! Push channels: watch, stop, and the messages they cause (Calendar API guide, push
//! notifications).

mod channels;
mod delivery;

pub(crate) use channels::{Channel, Resource, stop, watch};
pub use delivery::Notification;
pub(crate) use delivery::{Control, Push};
