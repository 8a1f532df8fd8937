//! Values that checks are written with.

use crate::sides::NewConnection;
use crate::{
    About, AccountId, ConnectionId, Cursor, EventId, Family, FamilyCommit, Link, LinkState,
    Listing, ListingCommit, NewWork, Op, Outcome, Parked, ParkedState, RemoteId, Row, Side, UserId,
    WorkState,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// When checks begin: 2031-03-03T09:00:00Z.
pub const START: DateTime<Utc> = DateTime::from_timestamp_nanos(1_930_294_800_000_000_000);

/// The listing's parameters in checks.
pub(super) const DIGEST: &str = "digest";

/// The user of connections 1 (the target) and 3.
#[must_use]
pub fn ann() -> UserId {
    UserId("00000000-0000-4000-8000-00000000000a".to_owned())
}

/// The user of connection 2.
#[must_use]
pub fn bob() -> UserId {
    UserId("00000000-0000-4000-8000-00000000000b".to_owned())
}

/// An event's key.
#[must_use]
pub fn event(n: u32) -> EventId {
    EventId(Uuid::from_u128(0xe << 124 | u128::from(n)))
}

/// A connection's key.
#[must_use]
pub fn connection(n: u32) -> ConnectionId {
    ConnectionId(Uuid::from_u128(0xc << 124 | u128::from(n)))
}

/// The account of a connection of that number.
#[must_use]
pub(super) fn account(n: u32) -> AccountId {
    AccountId(Uuid::from_u128(0xa << 124 | u128::from(n)))
}

/// A remote id.
#[must_use]
pub fn remote(n: u32) -> RemoteId {
    RemoteId(format!("remote{n:03}"))
}

pub(super) fn fields(values: Value) -> Map<String, Value> {
    serde_json::from_value(values).expect("an object")
}

/// A row of a user's with a title.
pub(super) fn row(owner: UserId, title: &str) -> Row {
    Row {
        fields: fields(json!({ "title": title, "location": null })),
        owner,
        enabled: true,
        series: None,
        original_start: None,
    }
}

pub(super) fn occurrence(owner: UserId, title: &str, series: u32, start: &str) -> Row {
    Row {
        series: Some(event(series)),
        original_start: Some(start.to_owned()),
        ..row(owner, title)
    }
}

/// A live link of an event in a connection; its remote id has the event's number.
pub(super) fn link(n: u32, at: u32) -> Link {
    Link {
        connection: connection(at),
        remote: remote(n),
        event: event(n),
        root: event(n),
        origin: Side::Remote,
        ical_uid: Some(format!("uid{n}")),
        original_start: None,
        state: LinkState::Live,
        standing: json!({ "kind": "live" }),
        synced_rev: 0,
        recorded: 0,
    }
}

pub(super) fn put(link: Link) -> Op {
    Op::PutLink { link }
}

pub(super) fn parked(n: u32, at: u32, state: ParkedState) -> Parked {
    Parked {
        connection: connection(at),
        remote: remote(n),
        event: None,
        series: None,
        state,
        etag: Some("etag".to_owned()),
        raw: "{}".to_owned(),
        item: json!({}),
        reason: None,
        as_of: 0,
        is_gone: n.is_multiple_of(2),
    }
}

/// Open work that is due after so many seconds.
pub(super) fn work(state: WorkState, at: DateTime<Utc>) -> NewWork {
    NewWork {
        state,
        at,
        attempts: 0,
        waits_for: None,
        reason: None,
        notes: Map::new(),
    }
}

pub(super) fn new_connection(n: u32, user: UserId, by: u32) -> NewConnection {
    NewConnection {
        id: connection(n),
        user,
        account: account(by),
        calendar: format!("calendar{n}"),
        time_zone: "Europe/Berlin".to_owned(),
        access_role: "owner".to_owned(),
        choices: Map::new(),
        is_target: n < 3,
        import_from: None,
        poll_seconds: 60,
    }
}

pub(super) fn part(family: &Family, ops: Vec<Op>, work: Option<NewWork>) -> FamilyCommit {
    let (root, fence) = (family.root.clone(), Some(family.fence));
    FamilyCommit {
        root,
        fence,
        ops,
        work,
        instead: Vec::new(),
    }
}

/// The part of a family that this commit makes.
pub(super) fn new_part(n: u32, ops: Vec<Op>) -> FamilyCommit {
    FamilyCommit {
        root: event(n),
        fence: None,
        ops,
        work: None,
        instead: Vec::new(),
    }
}

pub(super) fn stored() -> Outcome {
    Outcome::Stored { again: false }
}

pub(super) fn due() -> Outcome {
    Outcome::Stored { again: true }
}

pub(super) fn done(family: &Family) -> Vec<Op> {
    let members = family.members.iter();
    members
        .map(|m| Op::Acknowledge {
            event: m.event.clone(),
            rev: m.rev,
        })
        .collect()
}

pub(super) fn end() -> Cursor {
    Cursor::End {
        sync_token: "sync".to_owned(),
    }
}

pub(super) fn page(listing: &Listing, cursor: Cursor) -> ListingCommit {
    ListingCommit {
        connection: listing.connection.id.clone(),
        fence: listing.fence,
        notices: listing.notices,
        as_of: listing.as_of,
        digest: DIGEST.to_owned(),
        seen: Vec::new(),
        park: Vec::new(),
        unpark: Vec::new(),
        cursor,
        about: About::default(),
        message: None,
    }
}
