//! A family: a series' master with its exceptions, or a single event.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident($of:ty)),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

id! {
    /// Tandem's id of a CRM row; the row's own key where that is a uuid.
    EventId(Uuid),
    /// A connection: one user's use of one remote calendar.
    ConnectionId(Uuid),
    /// A user's account with the provider.
    AccountId(Uuid),
    /// The CRM's id of a user.
    UserId(String),
    /// The provider's id of an event.
    RemoteId(String),
}

/// A family under a lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The master, or the single event: the series that a row names, where that is of the same owner and
    /// names none itself. What has no row is where its deleted row, else its newest link, says.
    pub root: EventId,
    /// Proof of the lease; a commit names it.
    pub fence: i64,
    /// What was open when it was loaded.
    pub work: Work,
    /// The root first, then by id: everything with a row, a link, an open change or an attempt. Each
    /// is its owner's, who is the root's.
    pub members: Vec<Member>,
    /// Other families of the owner with open changes of a transaction that also inserted this one, at
    /// most 50: such a series may continue one of them.
    pub same_transaction: Vec<SameTransaction>,
}

/// A family that was changed in the same transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SameTransaction {
    /// Its root.
    pub root: EventId,
    /// Fields that are open there.
    pub fields: Vec<String>,
}

/// A family's open work: one row of the store, which goes when nothing is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Where it stands.
    pub state: WorkState,
    /// Loads for writing since the last success or change, this one included.
    pub attempts: u32,
    /// Why the last one did not succeed.
    pub reason: Option<String>,
    /// What the planner left there for itself.
    #[serde(default)]
    pub notes: Map<String, Value>,
}

/// Where open work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkState {
    /// To be done once it is due.
    Open,
    /// It waits for a person.
    Held,
    /// Attempts spent or a permanent refusal: until the row changes or somebody retries.
    Dead,
}

/// One event of a family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Which.
    pub event: EventId,
    /// The row; none where there is none.
    pub row: Option<Row>,
    /// The row as it was deleted last, while that is open, be it back or not.
    pub deleted: Option<Row>,
    /// The newest rev, read in one snapshot with the row; 0 where nothing is known to have changed.
    pub rev: i64,
    /// Open changes: which field, and when it changed last; also `owner`, `enabled`, `series` and
    /// `original_start`. An insert and a delete name all. Empty: nothing is open.
    pub changed: BTreeMap<String, DateTime<Utc>>,
    /// Where it is, or was, with the provider. At most one of each connection.
    pub links: Vec<Link>,
    /// What was about to be written and never acknowledged, by rev; one that this load stored is last.
    pub attempts: Vec<Attempt>,
    /// Remote versions that wait and have the connection and remote id of one of its links, and those that
    /// name this event.
    pub parked: Vec<Parked>,
}

/// A CRM row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Mapped fields.
    pub fields: Map<String, Value>,
    /// Whose it is.
    pub owner: UserId,
    /// It is for the provider.
    pub enabled: bool,
    /// The master that it names.
    pub series: Option<EventId>,
    /// Which occurrence of it, canonical.
    pub original_start: Option<String>,
}

/// Which remote event an event is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Where; with `remote` its key.
    pub connection: ConnectionId,
    /// Which there.
    pub remote: RemoteId,
    /// The event.
    pub event: EventId,
    /// Its family.
    pub root: EventId,
    /// Where it was born.
    pub origin: Side,
    /// Identity of the meeting, for the view of meetings: `iCalUID`.
    pub ical_uid: Option<String>,
    /// Which occurrence, canonical.
    pub original_start: Option<String>,
    /// The name of the standing, for counts and indexes.
    pub state: LinkState,
    /// The standing as the planner wrote it, unread.
    pub standing: Value,
    /// The rev that was acknowledged last.
    pub synced_rev: i64,
    /// The store's sequence when it was stored; set by the store.
    #[serde(default)]
    pub recorded: i64,
}

/// The names of standings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The id is chosen.
    Reserved,
    /// It is there.
    Live,
    /// It is there, though the row has opted out.
    Kept,
    /// It is there and is to be deleted, whatever the row says.
    Leaving,
    /// It was deleted.
    Deleted,
}

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The CRM.
    Crm,
    /// The provider.
    Remote,
}

/// A write that was stored before it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The loaded rev, which the write names.
    pub rev: i64,
    /// The row as loaded; none for a deletion.
    pub row: Option<Map<String, Value>>,
    /// Loads that may have written it.
    pub loads: u32,
}

/// A remote version that a listing showed and that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// Where it was listed.
    pub connection: ConnectionId,
    /// Which event.
    pub remote: RemoteId,
    /// The event that takes it, where one is known.
    pub event: Option<EventId>,
    /// The series that it waits for, where it is an exception of one that is not known yet.
    pub series: Option<RemoteId>,
    /// Why it waits.
    pub state: ParkedState,
    /// The version.
    pub etag: Option<String>,
    /// The resource as it came, for people; text, since jsonb refuses strings that JSON allows.
    pub raw: String,
    /// What the planner read in it, unread here.
    pub item: Value,
    /// Why it is quarantined.
    pub reason: Option<String>,
    /// The store's sequence before it was listed.
    pub as_of: i64,
    /// It says that the event was deleted: while it waits, guards against mass deletion count it.
    #[serde(default)]
    pub is_gone: bool,
}

/// Why a remote version waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkedState {
    /// Its family's work takes it.
    Waiting,
    /// It is to be read at the end of the next listing of its connection.
    Read,
    /// Its series is not known yet; read at the end of the listing, unless it is linked by then: it waits.
    Orphan,
    /// It was not understood, or the database refused it.
    Quarantined,
}
