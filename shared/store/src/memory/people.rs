//! What people do.

use super::state::{AccountRow, Channel, ConnectionRow, Quota, State, WorkRow, new_work};
use crate::sides::{Act, NewAccount, NewConnection};
use crate::{
    AccountId, AccountState, Connection, ConnectionId, ConnectionState, EventId, ParkedState,
    UserId, WorkState,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

impl State {
    pub(super) fn act(&mut self, act: &Act) {
        match act {
            Act::Account(new) => self.connect_account(new),
            Act::AccountState {
                account,
                state,
                reason,
            } => {
                self.set_account(account, *state, reason.clone());
            }
            Act::Quota {
                account,
                per_minute,
            } => self.set_quota(account, *per_minute),
            Act::Connect(new) => self.connect(new),
            Act::ConnectionState { connection, state } => self.set_connection(connection, *state),
            Act::Target { connection } => self.set_target(connection),
            Act::Choices {
                connection,
                choices,
            } => {
                if let Some(row) = self.tables.connections.edit(connection) {
                    row.shown.choices = choices.clone();
                }
            }
            Act::Backfill { connection } => self.backfill(connection),
            Act::Channel(new) => {
                let channel = Channel {
                    connection: new.connection.clone(),
                    resource: new.resource.clone(),
                    expires_at: new.expires_at,
                    done: 0,
                };
                self.tables.channels.put(new.id.clone(), channel);
            }
            Act::List { connection, again } => self.ask_listing(connection, *again),
            Act::Retry { event, notes } => self.retry(event, notes),
            Act::Reread { connection, remote } => {
                let key = (connection.clone(), remote.clone());
                if let Some(parked) = self.tables.parked.edit(&key) {
                    parked.state = ParkedState::Read;
                }
                self.ask_listing(connection, false);
            }
        }
    }

    fn connect_account(&mut self, new: &NewAccount) {
        let before = self.tables.accounts.get(&new.id);
        let row = AccountRow {
            user: before.map_or_else(|| new.user.clone(), |row| row.user.clone()),
            subject: new.id.0.to_string(),
            state: AccountState::Active,
            reason: None,
            paused_until: None,
            troubles: 0,
            limited: None,
            generation: before.map_or(1, |row| row.generation + 1),
            access_token: new.access_token.clone(),
            refresh_token: new.refresh_token.clone(),
            refreshing_until: None,
            quota: before.and_then(|row| row.quota.clone()),
        };
        self.tables.accounts.put(new.id.clone(), row);
        self.wake_account(&new.id);
    }

    fn set_account(&mut self, id: &AccountId, state: AccountState, reason: Option<String>) {
        if let Some(row) = self.tables.accounts.edit(id) {
            row.state = state;
            row.reason = reason;
        }
        if state == AccountState::Active {
            self.wake_account(id);
        }
    }

    fn set_quota(&mut self, id: &AccountId, per_minute: Option<i64>) {
        if let Some(row) = self.tables.accounts.edit(id) {
            row.quota = per_minute.map(|per_minute| Quota {
                per_minute,
                spent: BTreeMap::new(),
            });
        }
    }

    fn connect(&mut self, new: &NewConnection) {
        let shown = Connection {
            id: new.id.clone(),
            user: new.user.clone(),
            account: new.account.clone(),
            calendar: new.calendar.clone(),
            time_zone: new.time_zone.clone(),
            access_role: new.access_role.clone(),
            choices: new.choices.clone(),
            state: ConnectionState::Active,
            is_target: false,
            imported_at: None,
            listed: 0,
            listed_at: None,
            failures: 0,
            linked: 0,
            deleted_by_crm: 0,
            deleted_by_remote: 0,
        };
        let row = ConnectionRow {
            shown,
            import_from: new.import_from,
            poll_seconds: new.poll_seconds,
            due_at: self.now,
            digest: String::new(),
            sync_token: None,
            page_token: None,
            fence: 0,
            lease_until: None,
            notices: 0,
            begun: 0,
            full: None,
            swept: 0,
            read_up_to: None,
        };
        self.tables.connections.put(new.id.clone(), row);
        if new.is_target {
            self.set_target(&new.id);
        }
    }

    fn set_connection(&mut self, id: &ConnectionId, state: ConnectionState) {
        let (now, fence) = (self.now, self.next());
        let Some(row) = self.tables.connections.edit(id) else {
            return;
        };
        row.shown.state = state;
        match state {
            ConnectionState::Active => {
                row.due_at = now;
                let user = row.shown.user.clone();
                self.wake(&user);
            }
            ConnectionState::Disconnecting | ConnectionState::Disconnected => {
                row.fence = fence;
                row.lease_until = None;
            }
            ConnectionState::Paused | ConnectionState::Unreachable => {}
        }
    }

    fn set_target(&mut self, id: &ConnectionId) {
        let Some(user) = self.user_of(id).cloned() else {
            return;
        };
        for each in self.connections_of(&user) {
            if let Some(row) = self.tables.connections.edit(&each) {
                row.shown.is_target = each == *id;
            }
        }
    }

    pub(super) fn ask_listing(&mut self, id: &ConnectionId, again: bool) {
        let now = self.now;
        let Some(row) = self.tables.connections.edit(id) else {
            return;
        };
        row.notices += 1;
        row.due_at = row.due_at.min(now);
        if again {
            (row.sync_token, row.page_token, row.full) = (None, None, None);
            // Whoever lists it now would store a token.
            row.lease_until = None;
        }
    }

    fn backfill(&mut self, id: &ConnectionId) {
        let Some(user) = self.user_of(id).cloned() else {
            return;
        };
        let rows = self.tables.rows.iter();
        let wanted = rows.filter(|(event, stored)| {
            let row = &stored.row;
            row.enabled && row.owner == user && self.root_of(event) == **event
        });
        let wanted: Vec<EventId> = wanted.map(|(event, _)| event.clone()).collect();
        for root in wanted {
            if !self.is_linked_for(&root, &user) {
                self.ask_for(&root, true);
            }
        }
    }

    fn retry(&mut self, event: &EventId, notes: &Map<String, Value>) {
        let (root, now) = (self.root_of(event), self.now);
        let mut row = self.tables.works.get(&root).cloned().unwrap_or_default();
        row.asked = true;
        let open = row.open.get_or_insert_with(|| new_work(now, false));
        open.state = WorkState::Open;
        open.attempts = 0;
        open.at = now;
        open.waits_for = None;
        // What was refused is tried again.
        open.notes
            .retain(|name, _| name != "refused" && name != "failed");
        open.notes.extend(notes.clone());
        self.tables.works.put(root, row);
    }

    /// A family's work is due; what waits for a person stays.
    pub(super) fn ask_for(&mut self, root: &EventId, bulk: bool) {
        let now = self.now;
        let mut row: WorkRow = self.tables.works.get(root).cloned().unwrap_or_default();
        row.asked = true;
        let open = row.open.get_or_insert_with(|| new_work(now, bulk));
        if open.state == WorkState::Dead {
            open.state = WorkState::Open;
            open.attempts = 0;
        }
        open.at = open.at.min(now);
        self.tables.works.put(root.clone(), row);
    }

    /// A user's work that waits for a time is due.
    pub(super) fn wake(&mut self, user: &UserId) {
        let now = self.now;
        let waiting = self.tables.works.iter().filter(|(root, work)| {
            work.open.as_ref().is_some_and(|open| open.at > now)
                && self.owner_of(root).as_ref() == Some(user)
        });
        let waiting: Vec<EventId> = waiting.map(|(root, _)| root.clone()).collect();
        for root in waiting {
            if let Some(open) = self
                .tables
                .works
                .edit(&root)
                .and_then(|work| work.open.as_mut())
            {
                open.at = now;
            }
        }
    }

    fn wake_account(&mut self, id: &AccountId) {
        let now = self.now;
        let rows = self
            .tables
            .connections
            .iter()
            .filter(|(_, row)| row.shown.account == *id);
        let all: Vec<ConnectionId> = rows.map(|(id, _)| id.clone()).collect();
        for connection in all {
            if let Some(row) = self.tables.connections.edit(&connection) {
                row.due_at = row.due_at.min(now);
                let user = row.shown.user.clone();
                self.wake(&user);
            }
        }
    }
}
