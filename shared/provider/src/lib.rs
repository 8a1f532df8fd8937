//! What a calendar provider can do, in neutral words: the planner and the engine know no other.

mod error;
mod event;
mod list;

pub use error::{Cause, Class, ProviderError, Scope, SideEffect};
pub use event::{Kind, LinkBack, RemoteEvent, Stamp};
pub use list::{ListRequest, Listed, Page, Unreadable};

use ::event::{Context, EventFields, EventPatch, OriginalStart};
use std::future::Future;
use uuid::Uuid;

/// A write to the provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// What it does, and its guard.
    pub method: Method,
    /// Fields to change; all of them for an insert.
    pub patch: EventPatch,
    /// The row that the fields are of.
    pub row: EventFields,
    /// For the mapping.
    pub context: Context,
    /// Which row this is; the event links back to it, unless it links to another one.
    pub link_back: Uuid,
    /// The event links to something else already, which stays.
    pub keeps_link_back: bool,
    /// Names this write.
    pub stamp: Stamp,
    /// Who gets mail of it.
    pub mail: Mail,
    /// The CRM's page of the event, for an insert.
    pub source: Option<String>,
}

/// The method of a write. Every change of what exists carries the version that it is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Adds it, with an id chosen before.
    Insert,
    /// Changes it.
    Patch {
        /// The version.
        etag: String,
    },
    /// Brings a deleted one back.
    Restore {
        /// The version.
        etag: String,
    },
    /// Cancels one occurrence of a series.
    Cancel {
        /// The version.
        etag: String,
    },
    /// Deletes it.
    Delete {
        /// The version.
        etag: String,
    },
}

/// Who gets mail of a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mail {
    /// Nobody.
    #[default]
    None,
    /// Guests outside the provider.
    External,
    /// All guests.
    All,
}

/// A calendar provider, for one account.
pub trait Provider {
    /// What the calls cost that were made since this was asked last, in units of the provider's quota.
    fn take_units(&self) -> i64;

    /// One page of a listing.
    ///
    /// # Errors
    /// [`ProviderError`], of the calendar at the least.
    fn list(&self, request: &ListRequest) -> impl Future<Output = Result<Page, ProviderError>>;

    /// One event.
    ///
    /// # Errors
    /// [`ProviderError`]; absent is [`Cause::NotFound`].
    fn get(&self, calendar: &str, id: &str) -> impl Future<Output = Result<Listed, ProviderError>>;

    /// The occurrence of a series that its rule plans for `start`; its id is the provider's own.
    ///
    /// # Errors
    /// [`ProviderError`]; [`Cause::NotFound`] where there is no such series, or no such occurrence of it.
    fn occurrence(
        &self,
        calendar: &str,
        series: &str,
        start: OriginalStart,
    ) -> impl Future<Output = Result<Listed, ProviderError>>;

    /// Whether the calendar answers: the proof that one of its events is absent.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn probe(&self, calendar: &str) -> impl Future<Output = Result<(), ProviderError>>;

    /// Writes one event; what it shows afterwards, none for a deletion.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn write(
        &self,
        calendar: &str,
        id: &str,
        write: &Write,
    ) -> impl Future<Output = Result<Option<Listed>, ProviderError>>;
}
