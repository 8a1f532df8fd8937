//! Where a link stands. What cannot be cannot be written.

use crate::state::Attempt;
use chrono::{DateTime, Utc};
use event::{Access, EventFields, RemoteFields};
use provider::{LinkBack, RemoteEvent};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::LinkState;
use uuid::Uuid;

/// Where a link stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// Its id is chosen; whether the provider has it is not known.
    Reserved,
    /// It is with the provider.
    Live(Box<Bases>),
    /// It is with the provider as it was when its row opted out.
    Kept(Box<Bases>),
    /// It is with the provider and is to be deleted, since its row is another user's or its connection
    /// ends.
    Leaving(Box<Bases>),
    /// It was deleted.
    Deleted(Box<Deletion>),
}

/// What both sides last agreed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bases {
    /// The version that `remote` is of; none where it has to be read first.
    pub etag: Option<String>,
    /// When the provider made it.
    pub updated: Option<DateTime<Utc>>,
    /// The row then.
    pub crm: EventFields,
    /// What the provider showed then.
    pub remote: RemoteFields,
    /// The calendar was the organizer's.
    pub is_organizer: bool,
    /// What of it could be changed.
    pub access: Access,
    /// It links back to something else than its row.
    pub has_foreign_link_back: bool,
    /// It was missed, and may have moved to another calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// It was to go, and is to stay now: a deletion of ours may be on its way, and lands on what is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_recalled: bool,
    /// When fields of the row changed that could not be sent: the calendar was disconnected, the provider refused
    /// them, or did not show them in full.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unsent: BTreeMap<String, DateTime<Utc>>,
    /// Addresses that were written, and those of the same guests that Google shows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
    /// Inserts that another one overtook: Google may let a late one replace what is there, where it misses that the
    /// id is given twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overtaken: Vec<Attempt>,
    /// Writes of the last minutes, to notice a loop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<DateTime<Utc>>,
}

/// When an event was missed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Missed {
    /// The store's sequence then: a calendar that was listed later would know it.
    pub sequence: i64,
    /// When that was.
    pub at: DateTime<Utc>,
}

/// How an event was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// Who wanted it.
    pub deleted_by: DeletedBy,
    /// How it is known.
    pub proof: Proof,
    /// A person has said that it is meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed_by_person: bool,
    /// The row as it was.
    pub row: Option<EventFields>,
    /// What both sides had agreed on.
    pub bases: Option<Bases>,
}

/// Who wanted a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletedBy {
    /// The row was deleted.
    Crm,
    /// It was deleted with the provider.
    Remote,
    /// The row is there, but not for the provider.
    OptOut,
}

/// How a deletion is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The provider showed it gone.
    Confirmed,
    /// The provider never knew the id.
    NeverSeen,
}

impl Standing {
    /// The name that the store counts by.
    pub fn state(&self) -> LinkState {
        match self {
            Self::Reserved => LinkState::Reserved,
            Self::Live(_) => LinkState::Live,
            Self::Kept(_) => LinkState::Kept,
            Self::Leaving(_) => LinkState::Leaving,
            Self::Deleted(_) => LinkState::Deleted,
        }
    }

    /// What both sides last agreed on.
    pub fn bases(&self) -> Option<&Bases> {
        match self {
            Self::Reserved => None,
            Self::Live(bases) | Self::Kept(bases) | Self::Leaving(bases) => Some(bases),
            Self::Deleted(deletion) => deletion.bases.as_ref(),
        }
    }

    /// The row as it was when the provider's deletion ended it.
    pub fn deleted_row(&self) -> Option<&EventFields> {
        match self {
            Self::Deleted(deletion) => {
                let row = deletion.row.as_ref();
                row.filter(|_| deletion.deleted_by == DeletedBy::Remote)
            }
            Self::Reserved | Self::Live(_) | Self::Kept(_) | Self::Leaving(_) => None,
        }
    }

    /// The provider has it, as far as is known.
    pub fn is_there(&self) -> bool {
        match self {
            Self::Live(_) | Self::Kept(_) | Self::Leaving(_) => true,
            Self::Reserved | Self::Deleted(_) => false,
        }
    }
}

impl Standing {
    /// The provider has had it.
    pub fn was_there(&self) -> bool {
        match self {
            Self::Live(_) | Self::Kept(_) | Self::Leaving(_) => true,
            Self::Deleted(deletion) => deletion.proof == Proof::Confirmed,
            Self::Reserved => false,
        }
    }

    /// What both sides last agreed on, to change it.
    pub fn bases_mut(&mut self) -> Option<&mut Bases> {
        match self {
            Self::Reserved => None,
            Self::Live(bases) | Self::Kept(bases) | Self::Leaving(bases) => Some(bases),
            Self::Deleted(deletion) => deletion.bases.as_mut(),
        }
    }
}

impl Bases {
    /// Whether the provider showed a series; none where it was not seen.
    pub fn shows_series(&self) -> Option<bool> {
        self.remote.recurrence().map(|lines| !lines.is_empty())
    }

    /// Both sides agree on this.
    pub fn of(event: &RemoteEvent, crm: EventFields, row: Uuid) -> Self {
        Self {
            etag: event.etag.clone(),
            updated: event.updated,
            crm,
            remote: event.fields.clone(),
            is_organizer: event.is_organizer,
            access: event.access,
            has_foreign_link_back: event.link_back != LinkBack::None
                && event.link_back != LinkBack::Row(row),
            missed: None,
            is_recalled: false,
            unsent: BTreeMap::new(),
            aliases: BTreeMap::new(),
            overtaken: Vec::new(),
            writes: Vec::new(),
        }
    }
}
