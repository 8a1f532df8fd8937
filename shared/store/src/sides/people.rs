//! What people do with accounts, connections and work.

use crate::{AccountId, AccountState, ConnectionId, ConnectionState, EventId, RemoteId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that a person, or a flow beside the sync, does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Connects an account, the first time or again: its tokens are replaced, and its work goes on.
    Account(NewAccount),
    /// Changes where an account stands; becoming active, its work is due.
    AccountState {
        /// Which.
        account: AccountId,
        /// Where it stands.
        state: AccountState,
        /// Why, for people.
        reason: Option<String>,
    },
    /// Sets an account's quota; none: unlimited.
    Quota {
        /// Which.
        account: AccountId,
        /// Calls in any minute.
        per_minute: Option<i64>,
    },
    /// Connects a calendar; its listing is due. An only target: the user's others are none any more.
    Connect(NewConnection),
    /// Changes where a connection stands. Becoming active, its listing and its user's work are due;
    /// disconnecting or disconnected, its listing's lease is broken.
    ConnectionState {
        /// Which.
        connection: ConnectionId,
        /// Where it stands.
        state: ConnectionState,
    },
    /// Makes a connection its user's target.
    Target {
        /// Which.
        connection: ConnectionId,
    },
    /// Replaces what the user chose.
    Choices {
        /// Which.
        connection: ConnectionId,
        /// With `direction` `in`, new rows of the user do not go there.
        choices: Map<String, Value>,
    },
    /// Opens work, in bulk, for each of the user's families with an enabled root and no link in one of
    /// the user's connections.
    Backfill {
        /// Into which.
        connection: ConnectionId,
    },
    /// A channel of a connection is known.
    Channel(NewChannel),
    /// Asks for a listing: with `again`, of everything.
    List {
        /// Which.
        connection: ConnectionId,
        /// Forgets the sync token.
        again: bool,
    },
    /// Opens an event's work again, whatever became of it: due now, no attempts.
    Retry {
        /// Which; all of its family.
        event: EventId,
        /// Added to the work's notes: a decision.
        notes: Map<String, Value>,
    },
    /// Has a quarantined version read again with the next listing, which is due.
    Reread {
        /// Where.
        connection: ConnectionId,
        /// Which.
        remote: RemoteId,
    },
}

/// An account as it is connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// Key.
    pub id: AccountId,
    /// Whose; it stays the first one's.
    pub user: UserId,
    /// Sealed.
    pub refresh_token: String,
    /// Sealed, with its end; none has to be fetched first.
    pub access_token: Option<(String, DateTime<Utc>)>,
}

/// A connection as it begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewConnection {
    /// Key.
    pub id: ConnectionId,
    /// Whose.
    pub user: UserId,
    /// By which account.
    pub account: AccountId,
    /// The provider's id of the calendar.
    pub calendar: String,
    /// Its IANA zone.
    pub time_zone: String,
    /// What the account may do with it.
    pub access_role: String,
    /// What the user chose.
    pub choices: Map<String, Value>,
    /// New rows of the user go there.
    pub is_target: bool,
    /// What is over before this is not taken.
    pub import_from: Option<DateTime<Utc>>,
    /// Seconds from one listing to the next.
    pub poll_seconds: u32,
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewChannel {
    /// Key.
    pub id: String,
    /// What it watches.
    pub connection: ConnectionId,
    /// The provider's id of what is watched; none until its first message says it.
    pub resource: Option<String>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}
