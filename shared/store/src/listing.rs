//! The listing of a connection: claim, then a commit for each page.

use crate::{Account, Connection, ConnectionId, RemoteId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A request for a connection's lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The deployment.
    pub instance: String,
    /// Identifies the listing's parameters, which a sync token is good for.
    pub digest: String,
    /// What asks.
    pub trigger: Trigger,
}

/// What asks for a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A notification.
    Notification(Notification),
    /// The clock, or a person.
    Connection(ConnectionId),
}

/// A message of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// The provider's id of what is watched.
    pub resource: String,
    /// Number within the channel.
    pub message: u64,
    /// It only says that the channel is open.
    pub is_sync: bool,
    /// When the channel ends.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Claimed {
    /// The lease is held, for 60 s from each commit.
    Claimed(Box<Listing>),
    /// Nothing is to be listed.
    Nothing {
        /// For people.
        reason: String,
    },
    /// The account cannot work now; the listing is due later.
    Waiting {
        /// For people.
        reason: String,
    },
    /// Somebody else lists it, who will list once more, whoever asked.
    Busy,
}

/// A listing under a lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The connection.
    pub connection: Connection,
    /// Its account.
    pub account: Account,
    /// Proof of the lease.
    pub fence: i64,
    /// The store's time.
    pub now: DateTime<Utc>,
    /// The store's sequence before the first request.
    pub as_of: i64,
    /// Requests for a listing that this one answers.
    pub notices: i64,
    /// Where the last complete listing ended; none lists everything.
    pub sync_token: Option<String>,
    /// Where this one goes on.
    pub page_token: Option<String>,
    /// What is over before this is not taken.
    pub import_from: Option<DateTime<Utc>>,
}

/// Where a listing stands after a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListingCommit {
    /// The connection.
    pub connection: ConnectionId,
    /// The claim's fence.
    pub fence: i64,
    /// The claim's number of requests.
    pub notices: i64,
    /// The sequence before this page was asked for.
    pub as_of: i64,
    /// The listing's parameters.
    pub digest: String,
    /// Linked events that the page shows.
    pub seen: Vec<RemoteId>,
    /// Versions that no leased family takes: orphans, quarantined ones, ones to be read, and waiting ones of
    /// families that somebody else has.
    pub park: Vec<crate::Parked>,
    /// Parked versions that are settled.
    pub unpark: Vec<RemoteId>,
    /// How it goes on.
    pub cursor: Cursor,
    /// What the page says of the calendar.
    pub about: About,
    /// The message that asked for it, where one did.
    pub message: Option<Notification>,
}

/// How a listing goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// More of this page is to come.
    SamePage,
    /// Another page.
    NextPage {
        /// Where it begins.
        page_token: String,
    },
    /// This was the last page.
    End {
        /// Where the next listing begins.
        sync_token: String,
    },
    /// Events that were read one by one after the end. The lease lasts until there are none to be read;
    /// those that were given out and are not settled come again with the next listing.
    Reads,
}

/// What a page says of its calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What the account may do, in the provider's words.
    pub access_role: Option<String>,
    /// The calendar's IANA zone.
    pub time_zone: Option<String>,
    /// The calendar's title.
    pub summary: Option<String>,
}

/// A listing that stopped before its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stopped {
    /// The deployment.
    pub instance: String,
    /// The connection.
    pub connection: ConnectionId,
    /// The claim's fence.
    pub fence: i64,
    /// Why.
    pub why: StoppedWhy,
    /// For people.
    pub reason: String,
    /// When again.
    pub at: DateTime<Utc>,
    /// A refreshed token.
    pub token: Option<crate::NewToken>,
    /// Quota units used.
    pub units: i64,
    /// A pause of the account.
    pub pause: Option<crate::Pause>,
}

/// Why a listing stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedWhy {
    /// It goes on later where it stands; nothing failed.
    Continues,
    /// The provider did not answer, or not with a page; a failure.
    Failed,
    /// The calendar itself is not there for the account; a failure that makes it unreachable.
    Unreachable,
    /// The sync token is of no use: list everything.
    Resync,
    /// The page token is of no use: begin this listing again.
    Restart,
}
