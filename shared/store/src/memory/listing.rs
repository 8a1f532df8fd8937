//! `claim`, `fail` and a listing's part of a commit.

use super::state::{ConnectionRow, State};
use crate::{
    AccountState, Claim, Claimed, ConnectionId, ConnectionState, Cursor, LinkState, Listing,
    ListingCommit, Notification, ParkedState, RemoteId, Stopped, StoppedWhy, StoreError, Trigger,
};
use chrono::TimeDelta;
use std::collections::BTreeSet;

const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How long a listing waits for somebody else's refresh.
const REFRESHED: TimeDelta = TimeDelta::seconds(3);
/// How many events are read one by one for one page.
const READS: usize = 250;

impl State {
    /// Whether this fence's lease of a listing is held.
    pub(super) fn lists(&self, connection: &ConnectionId, fence: i64) -> bool {
        let row = self.tables.connections.get(connection);
        row.is_some_and(|row| row.fence == fence && self.is_listed(row))
    }

    pub(super) fn is_listed(&self, row: &ConnectionRow) -> bool {
        row.lease_until.is_some_and(|until| until > self.now)
    }

    pub(super) fn claim(&mut self, claim: &Claim) -> Result<Claimed, StoreError> {
        self.check_instance(&claim.instance)?;
        let id = match &claim.trigger {
            Trigger::Connection(id) => Some(id.clone()),
            Trigger::Notification(message) => self.notified(message),
        };
        let Some(id) = id else {
            return Ok(nothing("the message asks for nothing"));
        };
        let by_message = matches!(claim.trigger, Trigger::Notification(_));
        if let Some(refused) = self.refused_listing(&id, by_message) {
            return Ok(refused);
        }
        Ok(self.begin_listing(&id, &claim.digest))
    }

    /// Counts a notification; the connection that it asks to list.
    fn notified(&mut self, message: &Notification) -> Option<ConnectionId> {
        let now = self.now;
        let channel = self.tables.channels.get(&message.channel)?;
        let other = channel
            .resource
            .as_ref()
            .is_some_and(|known| *known != message.resource);
        if channel.expires_at <= now || other {
            return None;
        }
        let channel = self.tables.channels.edit(&message.channel)?;
        channel.resource = Some(message.resource.clone());
        channel.expires_at = message.expires_at.unwrap_or(channel.expires_at);
        if message.is_sync || message.message <= channel.done {
            return None;
        }
        let id = channel.connection.clone();
        let row = self.tables.connections.edit(&id)?;
        row.notices += 1;
        row.due_at = row.due_at.min(now);
        Some(id)
    }

    /// Why a connection is not listed now.
    fn refused_listing(&mut self, id: &ConnectionId, by_message: bool) -> Option<Claimed> {
        let Some(row) = self.tables.connections.get(id) else {
            return Some(nothing("there is no such connection"));
        };
        let account = self.tables.accounts.get(&row.shown.account);
        match row.shown.state {
            ConnectionState::Active | ConnectionState::Unreachable => {}
            ConnectionState::Paused => return Some(waiting("sync is paused")),
            ConnectionState::Disconnecting | ConnectionState::Disconnected => {
                return Some(nothing("the calendar is disconnected"));
            }
        }
        if self.is_listed(row) {
            if let Some(row) = self.tables.connections.edit(id).filter(|_| !by_message) {
                row.notices += 1;
            }
            return Some(Claimed::Busy);
        }
        if account.is_none_or(|account| account.state != AccountState::Active) {
            let reason = account.and_then(|account| account.reason.as_deref());
            return Some(waiting(reason.unwrap_or("the account is not connected")));
        }
        None
    }

    fn begin_listing(&mut self, id: &ConnectionId, digest: &str) -> Claimed {
        let Some(mut row) = self.tables.connections.get(id).cloned() else {
            return nothing("there is no such connection");
        };
        let Some(token) = self.grant(&row.shown.account) else {
            row.due_at = self.now + REFRESHED;
            self.tables.connections.put(id.clone(), row);
            return waiting("the access token is being refreshed");
        };
        if let Err(at) = self.take_call(&row.shown.account) {
            row.due_at = at;
            self.tables.connections.put(id.clone(), row);
            return waiting("waiting for the account's quota");
        }
        if row.digest != digest {
            digest.clone_into(&mut row.digest);
            (row.sync_token, row.page_token, row.full) = (None, None, None);
        }
        let as_of = self.next();
        if row.page_token.is_none() {
            row.begun = as_of;
            row.full = row.sync_token.is_none().then_some(as_of);
        }
        row.fence = self.next();
        row.lease_until = Some(self.now + LEASE);
        row.due_at = self.now + LEASE;
        self.tables.connections.put(id.clone(), row.clone());
        let (Some(connection), Some(mut account)) =
            (self.connection(id), self.account(&row.shown.account))
        else {
            return nothing("there is no such connection");
        };
        account.token = Some(token);
        Claimed::Claimed(Box::new(Listing {
            connection,
            account,
            fence: row.fence,
            now: self.now,
            as_of,
            notices: row.notices,
            sync_token: row.sync_token,
            page_token: row.page_token,
            import_from: row.import_from,
        }))
    }

    pub(super) fn fail(&mut self, stopped: &Stopped) -> Result<(), StoreError> {
        self.check_instance(&stopped.instance)?;
        if let Some(token) = &stopped.token {
            self.store_token(token);
        }
        if let Some(pause) = &stopped.pause {
            self.pause(pause);
        }
        let held = self.lists(&stopped.connection, stopped.fence);
        let account = self.tables.connections.get(&stopped.connection);
        if let Some(account) = account.map(|row| row.shown.account.clone()) {
            self.charge(&account, stopped.units);
        }
        let row = self
            .tables
            .connections
            .edit(&stopped.connection)
            .filter(|_| held);
        let Some(row) = row else { return Ok(()) };
        row.lease_until = None;
        row.due_at = stopped.at;
        match stopped.why {
            StoppedWhy::Continues => {}
            StoppedWhy::Failed => row.shown.failures += 1,
            StoppedWhy::Unreachable => {
                row.shown.failures += 1;
                if row.shown.state == ConnectionState::Active {
                    row.shown.state = ConnectionState::Unreachable;
                }
            }
            StoppedWhy::Resync => (row.sync_token, row.page_token, row.full) = (None, None, None),
            StoppedWhy::Restart => (row.page_token, row.full) = (None, None),
        }
        Ok(())
    }

    /// A page of a listing whose lease is held: whether there is more, and what to read one by one.
    pub(super) fn commit_page(&mut self, page: &ListingCommit) -> (bool, Vec<RemoteId>) {
        for remote in &page.seen {
            let key = (page.connection.clone(), remote.clone());
            if let Some(row) = self.tables.links.edit(&key) {
                row.seen = page.as_of;
            }
        }
        for parked in &page.park {
            self.park(parked, None);
        }
        for remote in &page.unpark {
            self.unpark(&page.connection, remote, |parked| {
                parked.as_of <= page.as_of
            });
        }
        self.go_on(page);
        match &page.cursor {
            Cursor::SamePage | Cursor::NextPage { .. } => return (true, Vec::new()),
            Cursor::End { .. } => self.end_listing(page),
            Cursor::Reads => {}
        }
        let reads = self.reads(&page.connection);
        let now = self.now;
        let Some(row) = self.tables.connections.edit(&page.connection) else {
            return (false, reads);
        };
        let again = row.notices > page.notices;
        if let Some(last) = reads.last() {
            row.read_up_to = Some(last.clone());
            return (true, reads);
        }
        row.lease_until = None;
        row.shown.failures = 0;
        let back = row.shown.state == ConnectionState::Unreachable;
        if back {
            row.shown.state = ConnectionState::Active;
        }
        let wait = if again {
            0
        } else {
            i64::from(row.poll_seconds)
        };
        row.due_at = now + TimeDelta::seconds(wait);
        let user = row.shown.user.clone();
        if back {
            self.wake(&user);
        }
        (again, reads)
    }

    fn go_on(&mut self, page: &ListingCommit) {
        let now = self.now;
        let Some(row) = self.tables.connections.edit(&page.connection) else {
            return;
        };
        (row.lease_until, row.due_at) = (Some(now + LEASE), now + LEASE);
        row.digest.clone_from(&page.digest);
        let about = &page.about;
        row.shown.access_role = about
            .access_role
            .clone()
            .unwrap_or(row.shown.access_role.clone());
        row.shown.time_zone = about
            .time_zone
            .clone()
            .unwrap_or(row.shown.time_zone.clone());
        if let Cursor::NextPage { page_token } = &page.cursor {
            row.page_token = Some(page_token.clone());
        }
    }

    fn end_listing(&mut self, page: &ListingCommit) {
        let now = self.now;
        if let Some(message) = &page.message
            && let Some(channel) = self.tables.channels.edit(&message.channel)
        {
            channel.done = channel.done.max(message.message);
        }
        let Some(row) = self.tables.connections.edit(&page.connection) else {
            return;
        };
        if let Cursor::End { sync_token } = &page.cursor {
            row.sync_token = Some(sync_token.clone());
        }
        (row.page_token, row.read_up_to) = (None, None);
        row.swept = row.full.take().unwrap_or(row.swept);
        let first = row.shown.imported_at.is_none();
        row.shown.imported_at = row.shown.imported_at.or(Some(now));
        row.shown.listed = row.begun;
        row.shown.listed_at = Some(now);
        let user = row.shown.user.clone();
        if first {
            self.wake(&user);
        }
    }

    /// The next events to read one by one: linked ones that the last complete listing of everything did
    /// not show, what is parked to be read, and series that exceptions wait for.
    fn reads(&self, id: &ConnectionId) -> Vec<RemoteId> {
        let Some(row) = self.tables.connections.get(id) else {
            return Vec::new();
        };
        let mut wanted = BTreeSet::new();
        for linked in self.link_rows_in(id) {
            let there = matches!(linked.link.state, LinkState::Live | LinkState::Kept);
            if there && linked.link.recorded < row.swept && linked.seen < row.swept {
                wanted.insert(linked.link.remote.clone());
            }
        }
        let from = (id.clone(), RemoteId(String::new()));
        let parked = self
            .tables
            .parked
            .range(from..)
            .take_while(|((of, _), _)| of == id);
        for (_, parked) in parked {
            match parked.state {
                ParkedState::Read => wanted.extend([parked.remote.clone()]),
                ParkedState::Orphan => wanted.extend(parked.series.clone()),
                ParkedState::Waiting | ParkedState::Quarantined => {}
            }
        }
        let after = row.read_up_to.as_ref();
        let rest = wanted
            .into_iter()
            .filter(|remote| after.is_none_or(|after| remote > after));
        rest.take(READS).collect()
    }
}

fn nothing(reason: &str) -> Claimed {
    Claimed::Nothing {
        reason: reason.to_owned(),
    }
}

fn waiting(reason: &str) -> Claimed {
    Claimed::Waiting {
        reason: reason.to_owned(),
    }
}
