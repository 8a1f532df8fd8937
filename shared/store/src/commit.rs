//! `commit`: what came of families, and where a listing stands.

use crate::{
    AccountId, ConnectionId, EventId, Link, ListingCommit, Parked, RemoteId, Row, UserId, WorkState,
};
use chrono::{DateTime, Utc};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is to be stored. Its JSON has the operations of all families by kind, each with its `root`: that
/// is how a database stores them.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The deployment.
    pub instance: String,
    /// Families, each all or nothing.
    pub families: Vec<FamilyCommit>,
    /// A page of a listing. Where its fence is broken, nothing of the commit is stored.
    pub listing: Option<ListingCommit>,
    /// Calls that were made, to charge and to count.
    pub usage: Vec<Usage>,
    /// Refreshed tokens.
    pub tokens: Vec<NewToken>,
    /// Accounts that have to slow down.
    pub pauses: Vec<Pause>,
    /// What operators count.
    pub counts: Counts,
}

impl Serialize for Commit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut ops = BTreeMap::<&str, Vec<OpOf<'_>>>::new();
        for family in &self.families {
            for op in &family.ops {
                let of = OpOf {
                    root: &family.root,
                    op,
                };
                ops.entry(op.kind()).or_default().push(of);
            }
        }
        let mut fields = serializer.serialize_struct("Commit", 8)?;
        fields.serialize_field("instance", &self.instance)?;
        fields.serialize_field("families", &self.families)?;
        fields.serialize_field("ops", &ops)?;
        fields.serialize_field("listing", &self.listing)?;
        fields.serialize_field("usage", &self.usage)?;
        fields.serialize_field("tokens", &self.tokens)?;
        fields.serialize_field("pauses", &self.pauses)?;
        fields.serialize_field("counts", &self.counts)?;
        fields.end()
    }
}

#[derive(Serialize)]
struct OpOf<'a> {
    root: &'a EventId,
    #[serde(flatten)]
    op: &'a Op,
}

/// By name and label, how many to add.
pub type Counts = BTreeMap<String, BTreeMap<String, f64>>;

/// A family's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FamilyCommit {
    /// Its root.
    pub root: EventId,
    /// The load's fence; none for a family that this commit makes.
    pub fence: Option<i64>,
    /// In order.
    #[serde(skip)]
    pub ops: Vec<Op>,
    /// What is open afterwards; none: nothing. Open changes that are not acknowledged stay due whatever
    /// it says, but not before its time: with none, as they were, and so do versions that wait.
    pub work: Option<NewWork>,
    /// Versions to park where the family is not stored: one that the database refuses is quarantined
    /// with what it said, else as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<Parked>,
}

/// A step of a commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Op {
    /// Sets fields of a row, each only where the row still holds what was loaded: one that changed
    /// since stays as it is now. [`Outcome::Stale`] where the row is gone.
    WriteRow {
        /// Which.
        event: EventId,
        /// The same fields as loaded.
        expected: Map<String, Value>,
        /// Their new values.
        fields: Map<String, Value>,
    },
    /// Adds a row; `row.owner` is the user of the listing's connection, or of one that the family is or
    /// gets linked in. [`Outcome::Stale`] where the family has such a row or occurrence since it was loaded;
    /// refused where another one has.
    InsertRow {
        /// Its id, chosen by the caller.
        event: EventId,
        /// What it says.
        row: Row,
    },
    /// Deletes a row that has changed in nothing since it was loaded; else the family is [`Outcome::Stale`].
    DeleteRow {
        /// Which.
        event: EventId,
        /// All mapped fields as loaded.
        expected: Map<String, Value>,
    },
    /// Adds or replaces a link; another one of the event in the connection goes, and so does another event's
    /// deleted one of the remote event. [`Outcome::Stale`] where the remote event is linked to another event.
    PutLink {
        /// The link; `recorded` is ignored.
        link: Link,
    },
    /// Forgets a link.
    DropLink {
        /// Where.
        connection: ConnectionId,
        /// Which.
        remote: RemoteId,
    },
    /// Changes are done if none is newer than a rev, and so are attempts up to it.
    Acknowledge {
        /// Of which event.
        event: EventId,
        /// The loaded rev.
        rev: i64,
    },
    /// This load's attempt certainly wrote nothing: one that no other load made is forgotten.
    NotWritten {
        /// Of which event.
        event: EventId,
        /// The loaded rev.
        rev: i64,
    },
    /// Adds or replaces a parked version. One that is [`Waiting`](crate::ParkedState::Waiting) belongs to the
    /// family of the link with its connection and remote id, whatever its `event` says, and makes it due.
    Park {
        /// The version.
        parked: Parked,
    },
    /// Drops a parked version that has this etag or was listed before `as_of`.
    Unpark {
        /// Where.
        connection: ConnectionId,
        /// Which.
        remote: RemoteId,
        /// The version that was taken.
        etag: Option<String>,
        /// Listed before this.
        as_of: i64,
    },
    /// Adds a line to an event's history; its owner's for ever.
    Note {
        /// Which.
        event: EventId,
        /// Whose.
        owner: UserId,
        /// What happened, in one word.
        kind: String,
        /// Values of both sides where they matter.
        detail: Value,
    },
    /// Asks for a listing of a connection, as a notification does.
    List {
        /// Which.
        connection: ConnectionId,
    },
    /// Shows a row's sync state. `synced` and `none` are not shown over a change that is not acknowledged.
    Show {
        /// Which.
        event: EventId,
        /// What.
        shown: Shown,
    },
}

impl Op {
    /// Its name in a commit's JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WriteRow { .. } => "write_row",
            Self::InsertRow { .. } => "insert_row",
            Self::DeleteRow { .. } => "delete_row",
            Self::PutLink { .. } => "put_link",
            Self::DropLink { .. } => "drop_link",
            Self::Acknowledge { .. } => "acknowledge",
            Self::NotWritten { .. } => "not_written",
            Self::Park { .. } => "park",
            Self::Unpark { .. } => "unpark",
            Self::Note { .. } => "note",
            Self::List { .. } => "list",
            Self::Show { .. } => "show",
        }
    }
}

/// What a row shows of its sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Its state.
    pub state: SyncState,
    /// Why, for people.
    pub error: Option<String>,
    /// The provider's id.
    pub remote: Option<RemoteId>,
    /// The calendar's id.
    pub calendar: Option<String>,
    /// What of it can be changed.
    pub access: Option<String>,
}

/// A row's sync state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// It is not for the provider.
    None,
    /// Work is open.
    Pending,
    /// Both sides agree.
    Synced,
    /// A permanent refusal, or attempts spent.
    Error,
}

/// Work that stays open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewWork {
    /// Where it stands.
    pub state: WorkState,
    /// Not before.
    pub at: DateTime<Utc>,
    /// Since the last success or change.
    pub attempts: u32,
    /// Another family whose work comes first: when that has nothing open any more (held and dead work is
    /// open), this is due at once.
    pub waits_for: Option<EventId>,
    /// Why, for people.
    pub reason: Option<String>,
    /// For the planner.
    pub notes: Map<String, Value>,
}

/// Calls to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Whose quota they used.
    pub account: AccountId,
    /// Quota units beyond what the load took; negative gives back.
    pub units: i64,
}

/// A refreshed token, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// The account.
    pub account: AccountId,
    /// The generation that it was made from; another one is not replaced.
    pub generation: i64,
    /// Sealed.
    pub access_token: String,
    /// Lifetime in seconds.
    pub expires_in: i64,
    /// Sealed; where the provider gave a new one.
    pub refresh_token: Option<String>,
}

/// A pause of an account's writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// The account.
    pub account: AccountId,
    /// Until when.
    pub until: DateTime<Utc>,
    /// For people.
    pub reason: String,
    /// What it is for.
    pub kind: PauseKind,
    /// The family that met it, where it is about one first.
    pub root: Option<EventId>,
}

/// What a pause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// The provider asks for fewer calls.
    Limit,
    /// A family met a quota; nothing is paused before another one does within an hour.
    Quota,
    /// The provider refuses the account as a whole.
    Trouble,
    /// It takes the account again: what waited for it is due.
    Over,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Committed {
    /// The listing's fence was broken: nothing was stored, and each family is [`Outcome::Fenced`].
    #[serde(default)]
    pub fenced: bool,
    /// By family, in the commit's order.
    pub families: Vec<FamilyOutcome>,
    /// Families that waited for one of these and are due now.
    pub freed: Vec<EventId>,
    /// The store's sequence, for the next page.
    pub as_of: i64,
    /// A listing that is not over, or was asked for again meanwhile.
    pub more: bool,
    /// At a listing's end: events to read one by one, at most 250, in the order of their ids.
    pub reads: Vec<RemoteId>,
}

/// What became of a family's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyOutcome {
    /// Its root.
    pub root: EventId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a family's part. The lease ends with each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is stored.
    Stored {
        /// There is open work that is due already: newer changes, a parked version that waits.
        again: bool,
    },
    /// The lease had ended, be it by its time alone: nothing of it was stored.
    Fenced,
    /// A row changed, is locked, or a link stands there already: nothing of it was stored, and it is due.
    Stale,
    /// The database refused it: nothing of it was stored, and the work stays as it was.
    Refused {
        /// SQLSTATE.
        code: String,
        /// For people.
        message: String,
        /// It is worth trying again.
        transient: bool,
    },
}
