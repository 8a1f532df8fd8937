//! Which events belong to a family, and what is known of each.

use super::state::{Change, LinkRow, State};
use crate::{
    Connection, ConnectionId, ConnectionState, EventId, Link, LinkState, Member, Parked,
    ParkedState, RemoteId, SameTransaction, Side, UserId,
};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use uuid::Uuid;

const FIRST_EVENT: EventId = EventId(Uuid::nil());
const FIRST_CONNECTION: ConnectionId = ConnectionId(Uuid::nil());

impl State {
    /// The series that an event names, and whose it is: as its row says, else as it was deleted, else as
    /// its newest link says.
    fn named_by(&self, event: &EventId) -> Option<(Option<EventId>, UserId)> {
        self.row_names(event).or_else(|| self.link_names(event))
    }

    fn row_names(&self, event: &EventId) -> Option<(Option<EventId>, UserId)> {
        if let Some(stored) = self.tables.rows.get(event) {
            return Some((stored.row.series.clone(), stored.row.owner.clone()));
        }
        let queued = self
            .queued(event)
            .filter_map(|(_, change)| change.old.as_ref())
            .next_back();
        let open = self
            .tables
            .open
            .get(event)
            .and_then(|open| open.deleted.as_ref());
        let row = queued.or(open)?;
        Some((row.series.clone(), row.owner.clone()))
    }

    fn link_names(&self, event: &EventId) -> Option<(Option<EventId>, UserId)> {
        let link = self.links_of(event).max_by_key(|link| link.recorded)?;
        let series = Some(&link.root).filter(|root| *root != event).cloned();
        Some((series, self.user_of(&link.connection)?.clone()))
    }

    pub(super) fn owner_of(&self, event: &EventId) -> Option<UserId> {
        self.named_by(event).map(|(_, owner)| owner)
    }

    /// The root of an event's family: the series that it names, where that names none itself and is of the same
    /// owner, whom an event that only its links know has not; else the event.
    pub(super) fn root_of(&self, event: &EventId) -> EventId {
        let named = self.row_names(event);
        let owner = named.as_ref().map(|(_, owner)| owner.clone());
        let Some((Some(series), _)) = named.or_else(|| self.link_names(event)) else {
            return event.clone();
        };
        let is_same = |other: &UserId| owner.as_ref().is_none_or(|owner| owner == other);
        match self.named_by(&series) {
            Some((None, other)) if is_same(&other) && series != *event => series,
            Some(_) | None => event.clone(),
        }
    }

    /// All events of a family, the root first.
    pub(super) fn events_of(&self, root: &EventId) -> Vec<EventId> {
        let from = (root.clone(), FIRST_EVENT);
        let named = self
            .tables
            .named
            .range(from..)
            .take_while(|((series, _), ())| series == root);
        let others = named
            .map(|((_, event), ())| event)
            .filter(|event| *event != root);
        let others = others.filter(|event| self.root_of(event) == *root).cloned();
        std::iter::once(root.clone()).chain(others).collect()
    }

    pub(super) fn queued(
        &self,
        event: &EventId,
    ) -> impl DoubleEndedIterator<Item = (i64, &Change)> {
        let range = (event.clone(), i64::MIN)..=(event.clone(), i64::MAX);
        self.tables
            .queue
            .range(range)
            .map(|((_, rev), change)| (*rev, change))
    }

    /// It has changes that are not acknowledged.
    pub(super) fn is_open(&self, event: &EventId) -> bool {
        self.tables.open.has(event) || self.queued(event).next().is_some()
    }

    pub(super) fn links_of(&self, event: &EventId) -> impl Iterator<Item = &Link> {
        let from = (event.clone(), FIRST_CONNECTION);
        let keys = self
            .tables
            .links_of
            .range(from..)
            .take_while(move |((of, _), _)| of == event);
        keys.filter_map(|((_, connection), remote)| {
            let key = (connection.clone(), remote.clone());
            self.tables.links.get(&key).map(|row| &row.link)
        })
    }

    /// Versions that wait for one of the event's links, and those that name it.
    fn parked_of(&self, event: &EventId) -> Vec<&Parked> {
        let linked = self
            .links_of(event)
            .map(|link| (link.connection.clone(), link.remote.clone()));
        let first = RemoteId(String::new());
        let from = (event.clone(), FIRST_CONNECTION, first);
        let naming = self.tables.parked_of.range(from..);
        let naming = naming.take_while(|((of, _, _), ())| of == event);
        let naming =
            naming.map(|((_, connection, remote), ())| (connection.clone(), remote.clone()));
        let keys: BTreeSet<(ConnectionId, RemoteId)> = linked.chain(naming).collect();
        let parked = keys.iter().filter_map(|key| self.tables.parked.get(key));
        let parked =
            parked.filter(|parked| parked.event.as_ref() == Some(event) || is_for_its_link(parked));
        parked.collect()
    }

    /// Whose family's work takes a version that waits: that of its link, else of the event that it names.
    pub(super) fn awaits<'a>(&'a self, parked: &'a Parked) -> Option<&'a EventId> {
        let key = (parked.connection.clone(), parked.remote.clone());
        let linked = self.tables.links.get(&key).map(|row| &row.link.event);
        let linked = linked.filter(|_| is_for_its_link(parked));
        let is_waiting = parked.state == ParkedState::Waiting;
        linked.or(parked.event.as_ref().filter(|_| is_waiting))
    }

    /// Versions wait for one of these events.
    pub(super) fn is_awaited(&self, events: &[EventId]) -> bool {
        events.iter().any(|event| {
            let parked = self.parked_of(event);
            parked
                .iter()
                .any(|parked| self.awaits(parked) == Some(event))
        })
    }

    pub(super) fn members(&self, root: &EventId) -> Vec<Member> {
        self.events_of(root)
            .into_iter()
            .filter_map(|event| self.member(event))
            .collect()
    }

    /// The newest rev that is open, or that a link remembers.
    fn known_rev(&self, event: &EventId) -> i64 {
        let open = self.tables.open.get(event).map(|open| open.rev);
        let links = self.links_of(event).filter_map(|link| {
            let key = (link.connection.clone(), link.remote.clone());
            self.tables.links.get(&key).map(|row| row.last_rev)
        });
        links.chain(open).max().unwrap_or_default()
    }

    fn member(&self, event: EventId) -> Option<Member> {
        let row = self
            .tables
            .rows
            .get(&event)
            .map(|stored| stored.row.clone());
        let open = self.tables.open.get(&event);
        let links: Vec<Link> = self.links_of(&event).cloned().collect();
        let range = (event.clone(), i64::MIN)..=(event.clone(), i64::MAX);
        let attempts = self
            .tables
            .attempts
            .range(range)
            .map(|(_, attempt)| attempt.clone());
        let attempts: Vec<_> = attempts.collect();
        if row.is_none() && open.is_none() && links.is_empty() && attempts.is_empty() {
            return None;
        }
        Some(Member {
            row,
            deleted: open.and_then(|open| open.deleted.clone()),
            rev: self.known_rev(&event),
            changed: open.map(|open| open.changed.clone()).unwrap_or_default(),
            links,
            attempts,
            parked: self.parked_of(&event).into_iter().cloned().collect(),
            event,
        })
    }

    /// Other families of the owner with open changes of a transaction that inserted this one.
    pub(super) fn same_transaction(&self, root: &EventId) -> Vec<SameTransaction> {
        let open = self.tables.open.get(root).and_then(|open| open.inserted);
        let mut queued = self.queued(root).filter(|(_, change)| change.inserted);
        let queued = queued.next_back().map(|(_, change)| change.txid);
        let Some(txid) = queued.or(open) else {
            return Vec::new();
        };
        let owner = self.owner_of(root);
        let open = self.tables.open.iter();
        let open = open
            .filter(|(_, open)| open.txids.contains(&txid) && open.owner == owner)
            .map(|(e, _)| e);
        let queue = self.tables.queue.iter();
        let queue = queue
            .filter(|(_, c)| c.txid == txid && Some(&c.owner) == owner.as_ref())
            .map(|((e, _), _)| e);
        let roots: BTreeSet<EventId> = open.chain(queue).map(|event| self.root_of(event)).collect();
        let others = roots.into_iter().filter(|other| other != root);
        let others = others
            .filter(|other| self.owner_of(other) == owner)
            .take(50);
        others
            .map(|root| SameTransaction {
                fields: self.open_fields(&root),
                root,
            })
            .collect()
    }

    fn open_fields(&self, root: &EventId) -> Vec<String> {
        let mut fields = BTreeSet::new();
        for event in self.events_of(root) {
            let open = self.tables.open.get(&event);
            fields.extend(
                open.into_iter()
                    .flat_map(|open| open.changed.keys().cloned()),
            );
            fields.extend(
                self.queued(&event)
                    .flat_map(|(_, change)| change.fields.clone()),
            );
        }
        fields.into_iter().collect()
    }

    pub(super) fn connections_of(&self, user: &UserId) -> Vec<ConnectionId> {
        let rows = self
            .tables
            .connections
            .iter()
            .filter(|(_, row)| row.shown.user == *user);
        rows.map(|(id, _)| id.clone()).collect()
    }

    /// An event has a link in one of a user's connections that has not ended.
    pub(super) fn is_linked_for(&self, event: &EventId, user: &UserId) -> bool {
        self.links_of(event).any(|link| {
            let row = self.tables.connections.get(&link.connection);
            row.is_some_and(|row| {
                row.shown.user == *user && row.shown.state != ConnectionState::Disconnected
            })
        })
    }

    /// A connection with its counts. Exceptions count with their series.
    pub(super) fn connection(&self, id: &ConnectionId) -> Option<Connection> {
        let mut shown = self.tables.connections.get(id)?.shown.clone();
        let since = self.now - TimeDelta::hours(1);
        let roots = self
            .link_rows_in(id)
            .filter(|row| row.link.root == row.link.event);
        for LinkRow { link, gone, .. } in roots {
            match gone
                .as_ref()
                .filter(|gone| gone.at > since)
                .map(|gone| gone.by)
            {
                Some(Side::Crm) => shown.deleted_by_crm += 1,
                Some(Side::Remote) => shown.deleted_by_remote += 1,
                None => {}
            }
            if is_there(link.state) && self.waits_to_go(link) {
                shown.deleted_by_remote += 1;
            }
            if is_there(link.state) {
                shown.linked += 1;
                let waits = self.was_deleted_by(&link.event, &shown.user);
                shown.deleted_by_crm += i64::from(waits);
            }
        }
        shown.deleted_by_crm = shown.deleted_by_crm.min(1000);
        shown.deleted_by_remote = shown.deleted_by_remote.min(1000);
        Some(shown)
    }

    /// A user's row that went, which is not acknowledged.
    fn was_deleted_by(&self, event: &EventId, user: &UserId) -> bool {
        let open = self.tables.open.get(event);
        let open = open.and_then(|open| open.deleted.as_ref());
        let mut queued = self
            .queued(event)
            .filter_map(|(_, change)| change.old.as_ref());
        !self.tables.rows.has(event)
            && (open.is_some_and(|row| row.owner == *user) || queued.any(|row| row.owner == *user))
    }

    fn waits_to_go(&self, link: &Link) -> bool {
        let key = (link.connection.clone(), link.remote.clone());
        let parked = self.tables.parked.get(&key);
        parked.is_some_and(|parked| parked.is_gone && parked.state == ParkedState::Waiting)
    }

    pub(super) fn link_rows_in(&self, id: &ConnectionId) -> impl Iterator<Item = &LinkRow> {
        let from = (id.clone(), RemoteId(String::new()));
        let rows = self.tables.links.range(from..);
        rows.take_while(move |((connection, _), _)| connection == id)
            .map(|(_, row)| row)
    }
}

/// The event is with the provider.
pub(super) fn is_there(state: LinkState) -> bool {
    match state {
        LinkState::Live | LinkState::Kept | LinkState::Leaving => true,
        LinkState::Reserved | LinkState::Deleted => false,
    }
}

fn is_for_its_link(parked: &Parked) -> bool {
    matches!(parked.state, ParkedState::Waiting | ParkedState::Orphan)
}
