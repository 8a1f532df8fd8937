//! `load`: families under leases, with what a decision about them needs.

use crate::{AccountId, ConnectionId, EventId, Family, Parked, RemoteId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request for families.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// The deployment that the database belongs to.
    pub instance: String,
    /// Which families.
    pub which: Which,
    /// What for.
    pub purpose: Purpose,
    /// How long the leases last, in seconds.
    pub lease_seconds: u32,
}

/// Which families to load; at most 2,500 ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// Those of these events.
    Events(Vec<EventId>),
    /// Those linked in a connection to these remote ids, or in another connection of the same user to
    /// the same id.
    Remote {
        /// Where they were listed; the listing's lease must be held, else the load is refused.
        connection: ConnectionId,
        /// The listing's fence.
        fence: i64,
        /// Listed events and the series that they name.
        ids: Vec<RemoteId>,
    },
}

/// What families are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To write to the provider. Only what is due; an attempt is stored and counted for each member with
    /// a row or a change; the account's quota is taken, one call a family; an enabled root without a link
    /// in one of its owner's connections gets a reserved one with a random id in the owner's target, unless
    /// that one's `choices.direction` is `in`. Its standing is `{"kind": "reserved", "generation": 0}`.
    Write,
    /// To store what a listing showed.
    Store,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loaded {
    /// The store's time.
    pub now: DateTime<Utc>,
    /// The store's sequence: what is listed from now on is listed after it.
    pub as_of: i64,
    /// The families, under leases.
    pub families: Vec<Family>,
    /// Those that were not loaded.
    pub skipped: Vec<Skipped>,
    /// All connections of the families' owners, and those of their links.
    pub connections: Vec<Connection>,
    /// Their accounts.
    pub accounts: Vec<Account>,
    /// Of [`Which::Remote`]: what is parked for these ids without an event, and orphans of these series.
    pub parked: Vec<Parked>,
    /// Of [`Which::Remote`], in a listing of everything: the user's rows that say that they are one of these
    /// events and have no link. An earlier integration or a restored dump left them.
    #[serde(default)]
    pub named: Vec<Named>,
}

/// A row that says which remote event it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The row.
    pub event: EventId,
    /// What it says.
    pub remote: RemoteId,
}

/// A family that was not loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its root.
    pub root: EventId,
    /// Of [`Which::Remote`]: the ids that were asked for and are linked there.
    #[serde(default)]
    pub remotes: Vec<RemoteId>,
    /// Why.
    pub why: Why,
}

/// Why a family was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing is due.
    NotDue,
    /// Somebody else has the lease; who ends it says that there is more.
    Leased,
    /// The account has no quota or no token now, or cannot work; it is due again at this time. No
    /// attempt is counted.
    Later {
        /// When.
        at: DateTime<Utc>,
        /// For people.
        reason: String,
    },
}

/// One user's use of one remote calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
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
    /// What the account may do with it, in the provider's words.
    pub access_role: String,
    /// What the user chose, unread.
    pub choices: Map<String, Value>,
    /// Where it stands.
    pub state: ConnectionState,
    /// New rows of the user go there.
    pub is_target: bool,
    /// When its first listing ended.
    pub imported_at: Option<DateTime<Utc>>,
    /// The store's sequence before the last complete listing.
    pub listed: i64,
    /// When that ended: since then the calendar is known to answer.
    pub listed_at: Option<DateTime<Utc>>,
    /// Listings in a row that failed.
    pub failures: u32,
    /// Links in the states live, kept and leaving. Exceptions count with their series, here and below.
    pub linked: i64,
    /// Events deleted within an hour on the CRM's side, those that wait included; at most 1,000. Of a
    /// standing `deleted_by` says by which side, and `confirmed_by_person` that it doesn't count.
    pub deleted_by_crm: i64,
    /// Events deleted within an hour on the provider's side; what waits is not known.
    pub deleted_by_remote: i64,
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// It works.
    Active,
    /// The user has paused it.
    Paused,
    /// The calendar cannot be reached.
    Unreachable,
    /// It is being ended.
    Disconnecting,
    /// It has ended.
    Disconnected,
}

/// A user's account with the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Key.
    pub id: AccountId,
    /// Where it stands.
    pub state: AccountState,
    /// Why, for people.
    pub reason: Option<String>,
    /// Until when nothing is written.
    pub paused_until: Option<DateTime<Utc>>,
    /// How often in a row the provider refused it as a whole.
    pub troubles: u32,
    /// Its tokens, sealed; none where somebody else refreshes them, and to store none that are old.
    pub token: Option<Token>,
}

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// It works.
    Active,
    /// Its user has to connect it again.
    ReconnectNeeded,
    /// It is being ended.
    Disconnecting,
    /// It has ended.
    Disconnected,
}

/// Sealed tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose account it is, for whom alone they open.
    pub user: UserId,
    /// The provider's key of the account, for which alone they open.
    pub subject: String,
    /// Which tokens these are.
    pub generation: i64,
    /// The caller is the one to refresh them, before anything else.
    pub refresh: bool,
    /// Sealed.
    pub access_token: Option<String>,
    /// Sealed.
    pub refresh_token: String,
}
