//! What is stored.

use super::table::Table;
use crate::sides::{Noted, OpenWork, ShownRow};
use crate::{
    AccountId, AccountState, Attempt, Connection, ConnectionId, EventId, Link, Parked, RemoteId,
    Row, Side, UserId, WorkState,
};
use chrono::{DateTime, Utc};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) instance: String,
    pub(super) now: DateTime<Utc>,
    pub(super) sequence: i64,
    pub(super) txid: i64,
    pub(super) seed: u64,
    pub(super) tables: Tables,
}

macro_rules! tables {
    ($($name:ident: $key:ty => $value:ty),* $(,)?) => {
        #[derive(Debug, Clone, Default)]
        pub(super) struct Tables {
            $(pub(super) $name: Table<$key, $value>,)*
        }

        impl Tables {
            pub(super) fn begin(&mut self) {
                $(self.$name.begin();)*
            }

            pub(super) fn keep(&mut self) {
                $(self.$name.keep();)*
            }

            pub(super) fn roll_back(&mut self) {
                $(self.$name.roll_back();)*
            }
        }
    };
}

tables! {
    rows: EventId => ShownRow,
    occurrences: (EventId, String, UserId) => EventId,
    // A series that a row, a deleted row or a link names, and the event: never removed, only a hint.
    named: (EventId, EventId) => (),
    revs: EventId => i64,
    queue: (EventId, i64) => Change,
    open: EventId => OpenChange,
    works: EventId => WorkRow,
    attempts: (EventId, i64) => Attempt,
    links: (ConnectionId, RemoteId) => LinkRow,
    links_of: (EventId, ConnectionId) => RemoteId,
    parked: (ConnectionId, RemoteId) => Parked,
    parked_of: (EventId, ConnectionId, RemoteId) => (),
    history: i64 => Noted,
    accounts: AccountId => AccountRow,
    connections: ConnectionId => ConnectionRow,
    channels: String => Channel,
    refusals: EventId => Refusal,
}

/// A change that no load has seen yet.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Whose the row was then.
    pub(super) owner: UserId,
    pub(super) inserted: bool,
    pub(super) fields: Vec<String>,
    pub(super) old: Option<Row>,
    pub(super) at: DateTime<Utc>,
    pub(super) txid: i64,
}

/// All changes of an event that are not acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenChange {
    /// The newest change's.
    pub(super) owner: Option<UserId>,
    pub(super) rev: i64,
    pub(super) changed: BTreeMap<String, DateTime<Utc>>,
    pub(super) deleted: Option<Row>,
    pub(super) txids: BTreeSet<i64>,
    /// The transaction that inserted the row last.
    pub(super) inserted: Option<i64>,
}

/// A family's lease and open work.
#[derive(Debug, Clone, Default)]
pub(super) struct WorkRow {
    pub(super) open: Option<OpenWork>,
    pub(super) fence: i64,
    pub(super) lease_until: Option<DateTime<Utc>>,
    /// Something else asked for it since it was loaded.
    pub(super) asked: bool,
}

#[derive(Debug, Clone)]
pub(super) struct LinkRow {
    pub(super) link: Link,
    /// The sequence of the last listing that showed it.
    pub(super) seen: i64,
    /// The event's newest rev that is acknowledged.
    pub(super) last_rev: i64,
    /// Its deletion, where that counts.
    pub(super) gone: Option<Deletion>,
}

/// A linked event that went.
#[derive(Debug, Clone)]
pub(super) struct Deletion {
    pub(super) by: Side,
    pub(super) at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(super) struct AccountRow {
    pub(super) user: UserId,
    pub(super) subject: String,
    pub(super) state: AccountState,
    pub(super) reason: Option<String>,
    pub(super) paused_until: Option<DateTime<Utc>>,
    pub(super) troubles: u32,
    /// The family that met a quota last, and when.
    pub(super) limited: Option<(EventId, DateTime<Utc>)>,
    pub(super) generation: i64,
    pub(super) access_token: Option<(String, DateTime<Utc>)>,
    pub(super) refresh_token: String,
    pub(super) refreshing_until: Option<DateTime<Utc>>,
    pub(super) quota: Option<Quota>,
}

#[derive(Debug, Clone)]
pub(super) struct Quota {
    pub(super) per_minute: i64,
    /// Calls of the last minute, by slots of two seconds.
    pub(super) spent: BTreeMap<i64, i64>,
}

/// A connection (its counts are not kept) and its listing.
#[derive(Debug, Clone)]
pub(super) struct ConnectionRow {
    pub(super) shown: Connection,
    pub(super) import_from: Option<DateTime<Utc>>,
    pub(super) poll_seconds: u32,
    pub(super) due_at: DateTime<Utc>,
    pub(super) digest: String,
    pub(super) sync_token: Option<String>,
    pub(super) page_token: Option<String>,
    pub(super) fence: i64,
    pub(super) lease_until: Option<DateTime<Utc>>,
    pub(super) notices: i64,
    /// The sequence before this listing.
    pub(super) begun: i64,
    /// The sequence before this listing of everything.
    pub(super) full: Option<i64>,
    /// The sequence before the last complete listing of everything.
    pub(super) swept: i64,
    /// Up to which id events were given out to be read, since the last page.
    pub(super) read_up_to: Option<RemoteId>,
}

#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) connection: ConnectionId,
    pub(super) resource: Option<String>,
    pub(super) expires_at: DateTime<Utc>,
    /// The last message that a listing has answered.
    pub(super) done: u64,
}

/// What the database says to each commit of a family.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) transient: bool,
}

impl State {
    pub(super) fn next(&mut self) -> i64 {
        self.sequence += 1;
        self.sequence
    }

    /// The next of a seed's numbers (`SplitMix64`).
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn random_id(&mut self) -> RemoteId {
        RemoteId(format!("{:016x}{:016x}", self.random(), self.random()))
    }
}

/// Work that is due at once.
pub(super) fn new_work(now: DateTime<Utc>, bulk: bool) -> OpenWork {
    OpenWork {
        state: WorkState::Open,
        at: now,
        attempts: 0,
        waits_for: None,
        reason: None,
        notes: Map::new(),
        bulk,
    }
}

impl State {
    pub(super) fn is_leased(&self, root: &EventId) -> bool {
        let work = self.tables.works.get(root);
        work.and_then(|work| work.lease_until)
            .is_some_and(|until| until > self.now)
    }

    pub(super) fn user_of(&self, connection: &ConnectionId) -> Option<&UserId> {
        self.tables
            .connections
            .get(connection)
            .map(|row| &row.shown.user)
    }
}
