//! The fields of a calendar event, as a CRM's row holds them and as a calendar's provider shows them,
//! and the three-way merge of the two. Pure; it knows no provider.
//!
//! - [`EventFields`]: the mapped fields of a row. [`RemoteFields`]: what the provider shows, by
//!   [`Group`], of which any may be unknown. Both sides become comparable by
//!   [`EventFields::expected`].
//! - [`FIELDS`]: the one registry of fields. Whatever lists fields derives from it.
//! - [`EventPatch`]: what a write changes. [`merge`]: which groups go which way.
//! - [`window`]: until when an event can happen. [`OriginalStart`]: which occurrence of a series.

mod access;
mod attendee;
mod conference;
mod fields;
mod group;
mod mapping;
pub mod merge;
mod original_start;
mod patch;
mod people;
mod registry;
mod reminders;
mod remote;
mod row;
mod time;
mod value;
pub mod window;
mod word;
mod zone;

pub use access::Access;
pub use attendee::{Attendee, Attendees};
pub use conference::{is_pending as is_conference_pending, is_request as is_conference_request};
pub use fields::References;
pub use group::{Direction, FieldSet, FieldSpec};
pub use mapping::{Context, Unmappable};
pub use merge::{MergeInput, Merged, merge};
pub use original_start::{NotAStart, OriginalStart};
pub use patch::Change;
pub use people::Person;
pub use registry::{EventFields, EventPatch, FIELDS, Group, GroupValue};
pub use reminders::{Reminder, Reminders};
pub use remote::RemoteFields;
pub use time::EventTime;
pub use word::{ReminderMethod, ResponseStatus, Status, Transparency, Visibility};
pub use zone::iana_name;
