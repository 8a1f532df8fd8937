//! Whether a family's accounts can work on it now, and where a new row goes.

use super::account::Blocked;
use super::load::Grants;
use super::state::{LinkRow, State};
use crate::{
    AccountId, ConnectionId, ConnectionState, EventId, Link, LinkState, Member, Side, SyncState,
    Why,
};
use chrono::TimeDelta;
use serde_json::json;

/// How long a family waits for somebody else's refresh.
const REFRESHED: TimeDelta = TimeDelta::seconds(3);

impl State {
    /// Whether its account can work on the family now: takes a token and a call of its quota.
    pub(super) fn admit(
        &mut self,
        root: &EventId,
        members: &[Member],
        grants: &mut Grants,
    ) -> Result<(), Why> {
        let acting = self.acting(root, members.iter().flat_map(|member| &member.links));
        let (at, reason) = match self.workable(&acting) {
            Ok(accounts) => {
                for account in &accounts {
                    if !grants.contains_key(account) {
                        let token = self.grant(account);
                        grants.insert(account.clone(), token);
                    }
                }
                let Some(first) = accounts.first() else {
                    return Ok(());
                };
                if grants.get(first).is_none_or(Option::is_none) {
                    (
                        self.now + REFRESHED,
                        "the access token is being refreshed".to_owned(),
                    )
                } else if let Err(at) = self.take_call(first) {
                    (at, "waiting for the account's quota".to_owned())
                } else {
                    return Ok(());
                }
            }
            Err(Blocked { at, reason }) => {
                self.say_why(members, &reason);
                (at, reason)
            }
        };
        if let Some(open) = self
            .tables
            .works
            .edit(root)
            .and_then(|row| row.open.as_mut())
        {
            open.at = at;
        }
        Err(Why::Later { at, reason })
    }

    /// Rows that wait for something that a person may end say why.
    fn say_why(&mut self, members: &[Member], reason: &str) {
        for member in members {
            let is_open = self.tables.open.get(&member.event).is_some();
            let row = self.tables.rows.edit(&member.event).filter(|_| is_open);
            if let Some(row) = row.filter(|row| row.shown.state == SyncState::Pending) {
                row.shown.error = Some(reason.to_owned());
            }
        }
    }

    /// Connections that the family's work is with: where it is linked and not deleted, and the target of
    /// an enabled root that is linked nowhere at its owner's. The root's come first.
    pub(super) fn acting<'a>(
        &self,
        root: &EventId,
        links: impl Iterator<Item = &'a Link>,
    ) -> Vec<ConnectionId> {
        let mut acting: Vec<ConnectionId> = Vec::new();
        let target = self.target_of(root);
        let linked = links.filter(|link| link.state != LinkState::Deleted);
        for connection in linked.map(|link| &link.connection).chain(&target) {
            let ended = self.tables.connections.get(connection);
            let ended = ended.is_none_or(|row| row.shown.state == ConnectionState::Disconnected);
            if !ended && !acting.contains(connection) {
                acting.push(connection.clone());
            }
        }
        acting
    }

    /// Accounts of the connections whose work can go on; where none can, why. Without connections
    /// nothing is in the way.
    pub(super) fn workable(&self, acting: &[ConnectionId]) -> Result<Vec<AccountId>, Blocked> {
        let mut accounts: Vec<AccountId> = Vec::new();
        let mut first: Option<Blocked> = None;
        for connection in acting {
            if let Some(blocked) = self.blocked(connection) {
                first = Some(match first {
                    Some(before) if before.at <= blocked.at => before,
                    Some(_) | None => blocked,
                });
            } else if let Some(row) = self.tables.connections.get(connection)
                && !accounts.contains(&row.shown.account)
            {
                accounts.push(row.shown.account.clone());
            }
        }
        match first {
            Some(blocked) if accounts.is_empty() => Err(blocked),
            Some(_) | None => Ok(accounts),
        }
    }

    /// Where an enabled root without a link goes.
    fn target_of(&self, root: &EventId) -> Option<ConnectionId> {
        let row = &self
            .tables
            .rows
            .get(root)
            .filter(|stored| stored.row.enabled)?
            .row;
        if self.is_linked_for(root, &row.owner) {
            return None;
        }
        let mut all = self
            .tables
            .connections
            .iter()
            .filter(|(_, c)| c.shown.user == row.owner);
        all.find(|(_, c)| {
            c.shown.is_target && c.shown.choices.get("direction") != Some(&json!("in"))
        })
        .map(|(id, _)| id.clone())
    }

    /// Stores a reserved link for an enabled root that has none; whether it did.
    pub(super) fn reserve(&mut self, root: &EventId, members: &[Member]) -> bool {
        let is_root = members.first().is_some_and(|member| member.event == *root);
        let target = self.target_of(root).filter(|target| {
            let row = self.tables.connections.get(target);
            let waits = |state| {
                use ConnectionState::{Active, Paused, Unreachable};
                matches!(state, Active | Paused | Unreachable)
            };
            is_root && row.is_some_and(|row| waits(row.shown.state))
        });
        let Some(connection) = target else {
            return false;
        };
        let link = Link {
            remote: self.random_id(),
            event: root.clone(),
            root: root.clone(),
            origin: Side::Crm,
            ical_uid: None,
            original_start: None,
            state: LinkState::Reserved,
            standing: json!({ "kind": "reserved", "generation": 0 }),
            synced_rev: 0,
            recorded: self.next(),
            connection,
        };
        let of = (root.clone(), link.connection.clone());
        self.tables.links_of.put(of, link.remote.clone());
        let key = (link.connection.clone(), link.remote.clone());
        self.tables.links.put(
            key,
            LinkRow {
                link,
                seen: 0,
                last_rev: 0,
                gone: None,
            },
        );
        true
    }
}
