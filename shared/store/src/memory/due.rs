//! `due`.

use super::state::State;
use crate::{
    AccountState, AskDue, ConnectionId, ConnectionState, Due, EventId, StoreError, UserId,
    WorkState,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

impl State {
    pub(super) fn due(&self, ask: &AskDue) -> Result<Due, StoreError> {
        self.check_instance(&ask.instance)?;
        let most = usize::try_from(ask.most).unwrap_or(usize::MAX);
        let (mut events, mut connections) = (self.due_families(), self.due_connections());
        events.truncate(most);
        connections.truncate(most);
        Ok(Due {
            events,
            connections,
        })
    }

    /// Roots of families whose work is due and can go on, the live before the bulk.
    fn due_families(&self) -> Vec<EventId> {
        let works = self.tables.works.iter().filter_map(|(root, row)| {
            let open = row.open.as_ref()?;
            let is_due = open.state == WorkState::Open && open.at <= self.now;
            is_due.then(|| (root.clone(), open.bulk, open.at, self.owner_of(root)))
        });
        let queue = self.tables.queue.iter().map(|((event, _), change)| {
            let owner = Some(change.owner.clone());
            (self.root_of(event), false, change.at, owner)
        });
        let mut first: BTreeMap<EventId, (bool, DateTime<Utc>, Option<UserId>)> = BTreeMap::new();
        for (root, bulk, at, owner) in works.chain(queue) {
            // What nobody has any more is not worked on.
            let is_able = owner.as_ref().is_some_and(|owner| self.is_able(owner));
            if !is_able || self.is_leased(&root) || !self.can_work(&root) {
                continue;
            }
            let found = (bulk, at, owner);
            let entry = first.entry(root).or_insert_with(|| found.clone());
            if (found.0, found.1) < (entry.0, entry.1) {
                *entry = found;
            }
        }
        let due = first
            .into_iter()
            .map(|(root, (bulk, at, owner))| (bulk, owner, at, root));
        in_turn(due.collect())
    }

    /// Whether a connection of a user can work; who has none has nothing to wait for.
    fn is_able(&self, user: &UserId) -> bool {
        let connections = self.tables.connections.iter();
        let mut theirs = connections
            .filter(|(_, row)| {
                row.shown.user == *user && row.shown.state != ConnectionState::Disconnected
            })
            .peekable();
        theirs.peek().is_none() || theirs.any(|(id, _)| self.blocked(id).is_none())
    }

    fn can_work(&self, root: &EventId) -> bool {
        let events = self.events_of(root);
        let links = events.iter().flat_map(|event| self.links_of(event));
        self.workable(&self.acting(root, links)).is_ok()
    }

    fn due_connections(&self) -> Vec<ConnectionId> {
        let due = self.tables.connections.iter().filter(|(_, row)| {
            let account = self.tables.accounts.get(&row.shown.account);
            let listed = match row.shown.state {
                ConnectionState::Active | ConnectionState::Unreachable => true,
                ConnectionState::Paused
                | ConnectionState::Disconnecting
                | ConnectionState::Disconnected => false,
            };
            listed
                && row.due_at <= self.now
                && !self.is_listed(row)
                && account.is_some_and(|account| account.state == AccountState::Active)
        });
        let due =
            due.map(|(id, row)| (false, Some(row.shown.user.clone()), row.due_at, id.clone()));
        in_turn(due.collect())
    }
}

/// The live before the bulk; of each, the first of each owner, then the second, and so on.
fn in_turn<T: Ord>(mut all: Vec<(bool, Option<UserId>, DateTime<Utc>, T)>) -> Vec<T> {
    all.sort();
    let mut turn = 0;
    let mut before: Option<(bool, Option<UserId>)> = None;
    let mut turns = Vec::new();
    for (bulk, owner, at, what) in all {
        let group = (bulk, owner);
        turn = if before.as_ref() == Some(&group) {
            turn + 1
        } else {
            0
        };
        turns.push((bulk, turn, at, what));
        before = Some(group);
    }
    turns.sort();
    turns.into_iter().map(|(_, _, _, what)| what).collect()
}
