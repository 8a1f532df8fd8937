//! Google Calendar's events as fields, and changes of fields as Google's bodies. Pure; nothing here decides.
//!
//! - [`remote_event`], [`remote_fields`]: what an event of Google's says, in neutral words.
//! - [`write_body`], [`body`], [`insert_body`]: what a write sends.
//! - [`link_back`], [`stamp`]: what an event carries of us, which anybody can forge.

mod access;
mod body;
mod fields;
mod occurrence;
mod properties;
mod remote;

#[cfg(test)]
mod tests;

pub use access::access;
pub use body::{body, insert_body, write_body};
pub use fields::remote_fields;
pub use occurrence::{is_split_off, occurrence_of, original_start};
pub use properties::{add_properties, link_back, stamp};
pub use remote::remote_event;
