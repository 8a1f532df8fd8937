//! What can be seen of a store, and quick ways to parts of it.

use super::MemoryStore;
use super::state::State;
use crate::sides::{Noted, OpenWork, Picture, ShownRow};
use crate::{
    Account, AccountId, Attempt, Connection, ConnectionId, EventId, Link, ParkedState, RemoteId,
    WorkState,
};
use std::collections::BTreeMap;

impl State {
    pub(super) fn look(&self) -> Picture {
        let mut attempts: BTreeMap<EventId, Vec<Attempt>> = BTreeMap::new();
        for ((event, _), attempt) in self.tables.attempts.iter() {
            attempts
                .entry(event.clone())
                .or_default()
                .push(attempt.clone());
        }
        let works = self.tables.works.iter();
        let works = works.filter_map(|(root, row)| Some((root.clone(), row.open.clone()?)));
        let open = self.tables.open.iter().map(|(event, _)| event.clone());
        let queued = self
            .tables
            .queue
            .iter()
            .map(|((event, _), _)| event.clone());
        let connections = self.tables.connections.iter();
        Picture {
            rows: self
                .tables
                .rows
                .iter()
                .map(|(e, row)| (e.clone(), row.clone()))
                .collect(),
            links: self
                .tables
                .links
                .iter()
                .map(|(_, row)| row.link.clone())
                .collect(),
            works: works.collect(),
            unacknowledged: open.chain(queued).collect(),
            attempts,
            parked: self
                .tables
                .parked
                .iter()
                .map(|(_, parked)| parked.clone())
                .collect(),
            history: self
                .tables
                .history
                .iter()
                .map(|(_, line)| line.clone())
                .collect(),
            connections: connections
                .filter_map(|(id, _)| self.connection(id))
                .collect(),
        }
    }
}

impl MemoryStore {
    /// A row of the CRM.
    #[must_use]
    pub fn row(&self, event: &EventId) -> Option<ShownRow> {
        self.state().tables.rows.get(event).cloned()
    }

    /// All keys of rows.
    #[must_use]
    pub fn events(&self) -> Vec<EventId> {
        self.state()
            .tables
            .rows
            .iter()
            .map(|(event, _)| event.clone())
            .collect()
    }

    /// The root of an event's family.
    #[must_use]
    pub fn root_of(&self, event: &EventId) -> EventId {
        self.state().root_of(event)
    }

    /// An event's links.
    #[must_use]
    pub fn links(&self, event: &EventId) -> Vec<Link> {
        self.state().links_of(event).cloned().collect()
    }

    /// A remote event's link.
    #[must_use]
    pub fn link(&self, connection: &ConnectionId, remote: &RemoteId) -> Option<Link> {
        let key = (connection.clone(), remote.clone());
        self.state()
            .tables
            .links
            .get(&key)
            .map(|row| row.link.clone())
    }

    /// A family's open work that a load has seen.
    #[must_use]
    pub fn work(&self, root: &EventId) -> Option<OpenWork> {
        self.state()
            .tables
            .works
            .get(root)
            .and_then(|row| row.open.clone())
    }

    /// A connection with its counts.
    #[must_use]
    pub fn connection(&self, id: &ConnectionId) -> Option<Connection> {
        self.state().connection(id)
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: &AccountId) -> Option<Account> {
        self.state().account(id)
    }

    /// A version is parked that is not in quarantine.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        let state = self.state();
        let mut parked = state.tables.parked.iter();
        parked.any(|(_, parked)| parked.state != ParkedState::Quarantined)
    }

    /// The history of all events.
    #[must_use]
    pub fn history(&self) -> Vec<Noted> {
        self.state()
            .tables
            .history
            .iter()
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// Nothing is open, leased or listed, be it due or not, but what waits for a person or is dead.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let state = self.state();
        let queued = state.tables.queue.iter().next().is_some();
        let mut works = state.tables.works.iter();
        let open = works.any(|(_, row)| {
            let open = row
                .open
                .as_ref()
                .is_some_and(|o| o.state == WorkState::Open);
            open || row.lease_until.is_some_and(|until| until > state.now)
        });
        let mut connections = state.tables.connections.iter();
        !queued && !open && !connections.any(|(_, row)| state.is_listed(row))
    }
}
