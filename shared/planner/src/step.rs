//! What a decision comes to.

use crate::standing::{DeletedBy, Proof};
use event::{EventFields, Merged, RemoteFields};
use provider::RemoteEvent;

/// What to do next about a link.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Read the event, then decide again.
    Get,
    /// Write it.
    Write(Box<Write>),
    /// Store this; nothing is sent.
    Settle(Settlement),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The method and its guard.
    pub method: Method,
    /// What both sides are to show, what is written of it, and what was decided on the way.
    pub merged: Merged,
}

/// The method of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Adds it.
    Insert,
    /// Changes it.
    Patch { etag: String },
    /// Brings it back.
    Restore { etag: String },
    /// Cancels an occurrence whose row was deleted.
    Cancel { etag: String },
    /// Deletes it.
    Delete {
        etag: String,
        /// Who wants it.
        by: DeletedBy,
    },
}

/// What is stored of a link.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// Both sides agree as of the loaded rev.
    Synced {
        /// What the provider shows.
        event: Box<RemoteEvent>,
        /// What the row takes over, and what was decided.
        merged: Box<Merged>,
    },
    /// The provider does not have it, and is not to.
    Deleted {
        /// Who wanted that.
        by: DeletedBy,
        /// How it is known.
        proof: Proof,
    },
    /// It was deleted with the provider: the row goes too.
    DeletedByRemote,
    /// It is not shown any more, and may be in another calendar of the account.
    Missed,
    /// The row was deleted, and the provider's event is to live: the row comes back.
    RowRecreated {
        /// What the provider shows.
        event: Box<RemoteEvent>,
        fields: Box<EventFields>,
        /// The row as the base, where edits of it are still to be sent.
        base: Box<EventFields>,
    },
    /// The occurrence of a deleted row does not take place: a cancelled row takes its place.
    OccurrenceCancelled {
        /// What the provider shows.
        event: Box<RemoteEvent>,
        fields: Box<EventFields>,
    },
    /// The id can never be used again: the next claim uses another one.
    NewId,
    /// It has opted out and stays as it is; with what both sides agree on, where that is known anew.
    Kept(Option<Box<(EventFields, RemoteFields)>>),
    /// There is nothing to do.
    Nothing,
    /// The provider does not show its own write yet.
    NotVisibleYet,
    /// It cannot be done until the row changes.
    Refused(String),
}
