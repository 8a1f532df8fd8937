//! The steps of a family's commit.

use super::family::is_there;
use super::load::deleted_by;
use super::state::{Deletion, LinkRow, State};
use crate::sides::{CrmError, Noted};
use crate::{
    ConnectionId, EventId, FamilyCommit, Link, LinkState, Op, Outcome, Parked, RemoteId, Row,
    Shown, SyncState, UserId,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl State {
    pub(super) fn apply(
        &mut self,
        op: &Op,
        part: &FamilyCommit,
        owners: &BTreeSet<UserId>,
    ) -> Result<(), Outcome> {
        let root = &part.root;
        match op {
            Op::WriteRow {
                event,
                expected,
                fields,
            } => self.write_row(event, expected, fields)?,
            Op::InsertRow { event, row } => self.add_row(event, row, root, owners)?,
            Op::DeleteRow { event, expected } => self.delete_row(event, expected)?,
            Op::PutLink { link } => self.put_link(link)?,
            Op::DropLink { connection, remote } => self.drop_link(connection, remote),
            Op::Acknowledge { event, rev } => self.acknowledge(event, *rev),
            Op::NotWritten { event, rev } => self.not_written(event, *rev),
            Op::Park { parked } => self.park(parked, part.work.as_ref().map(|_| root)),
            Op::Unpark {
                connection,
                remote,
                etag,
                as_of,
            } => self.unpark(connection, remote, |parked| {
                parked.as_of < *as_of || etag.is_some() && parked.etag == *etag
            }),
            Op::Note {
                event,
                owner,
                kind,
                detail,
            } => {
                let (event, owner, kind) = (event.clone(), owner.clone(), kind.clone());
                let line = Noted {
                    event,
                    owner,
                    kind,
                    detail: detail.clone(),
                    at: self.now,
                };
                let key = self.next();
                self.tables.history.put(key, line);
            }
            Op::List { connection } => self.ask_listing(connection, false),
            Op::Show { event, shown } => self.show(event, shown),
        }
        Ok(())
    }

    fn write_row(
        &mut self,
        event: &EventId,
        expected: &Map<String, Value>,
        fields: &Map<String, Value>,
    ) -> Result<(), Outcome> {
        let Some(stored) = self.tables.rows.edit(event) else {
            return if fields.is_empty() {
                Ok(())
            } else {
                Err(Outcome::Stale)
            };
        };
        for (name, value) in fields {
            if stored.row.fields.get(name) == expected.get(name) {
                stored.row.fields.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    fn add_row(
        &mut self,
        event: &EventId,
        row: &Row,
        root: &EventId,
        owners: &BTreeSet<UserId>,
    ) -> Result<(), Outcome> {
        if !owners.contains(&row.owner) {
            return Err(refused(
                "42501",
                format!("{} owns no connection of the commit", row.owner),
            ));
        }
        let Err(error) = self.insert_row(event, row) else {
            if let Some(stored) = self.tables.rows.edit(event) {
                stored.shown.state = SyncState::None;
            }
            return Ok(());
        };
        let there = match &error {
            CrmError::KeyTaken(event) => Some(event),
            CrmError::OccurrenceTaken(series, start) => {
                self.tables
                    .occurrences
                    .get(&(series.clone(), start.clone(), row.owner.clone()))
            }
        };
        // What came into the family since it was loaded is found by loading it again.
        if there.is_some_and(|there| self.root_of(there) == *root) {
            return Err(Outcome::Stale);
        }
        Err(refused("23505", error.to_string()))
    }

    fn delete_row(
        &mut self,
        event: &EventId,
        expected: &Map<String, Value>,
    ) -> Result<(), Outcome> {
        let stored = self.tables.rows.get(event);
        let same = stored.is_some_and(|stored| stored.row.fields == *expected);
        if !same || self.queued(event).next().is_some() {
            return Err(Outcome::Stale);
        }
        self.remove_row(event);
        Ok(())
    }

    fn put_link(&mut self, link: &Link) -> Result<(), Outcome> {
        let key = (link.connection.clone(), link.remote.clone());
        let other = self.tables.links.get(&key);
        if let Some(other) = other.filter(|other| other.link.event != link.event) {
            if other.link.state != LinkState::Deleted {
                return Err(Outcome::Stale);
            }
            self.drop_link(&link.connection, &link.remote);
        }
        let before = self.tables.links.get(&key);
        let (seen, last_rev) = before.map_or((0, 0), |before| (before.seen, before.last_rev));
        let last_rev = last_rev.max(link.synced_rev);
        let was_there = before.is_some_and(|before| is_there(before.link.state));
        let gone = match deleted_by(&link.standing) {
            Some(by) if link.state == LinkState::Deleted && was_there => {
                Some(Deletion { by, at: self.now })
            }
            Some(_) if link.state == LinkState::Deleted => before.and_then(|row| row.gone.clone()),
            Some(_) | None => None,
        };
        let of = (link.event.clone(), link.connection.clone());
        if let Some(other) = self
            .tables
            .links_of
            .get(&of)
            .filter(|other| **other != link.remote)
        {
            let other = (link.connection.clone(), other.clone());
            self.tables.links.remove(&other);
        }
        self.tables.links_of.put(of, link.remote.clone());
        if link.root != link.event {
            self.tables
                .named
                .put((link.root.clone(), link.event.clone()), ());
        }
        let recorded = self.next();
        let link = Link {
            recorded,
            ..link.clone()
        };
        let row = LinkRow {
            link,
            seen,
            last_rev,
            gone,
        };
        self.tables.links.put(key, row);
        Ok(())
    }

    fn drop_link(&mut self, connection: &ConnectionId, remote: &RemoteId) {
        let key = (connection.clone(), remote.clone());
        if let Some(row) = self.tables.links.remove(&key) {
            self.tables
                .links_of
                .remove(&(row.link.event, connection.clone()));
        }
    }

    fn acknowledge(&mut self, event: &EventId, rev: i64) {
        if self
            .tables
            .open
            .get(event)
            .is_some_and(|open| open.rev <= rev)
        {
            self.tables.open.remove(event);
        }
        let range = (event.clone(), i64::MIN)..=(event.clone(), rev);
        let done: Vec<_> = self
            .tables
            .attempts
            .range(range)
            .map(|(key, _)| key.clone())
            .collect();
        for key in done {
            self.tables.attempts.remove(&key);
        }
    }

    /// Links know what was acknowledged, those of the same commit, too.
    pub(super) fn remember_revs(&mut self, ops: &[Op]) {
        for op in ops {
            let Op::Acknowledge { event, rev } = op else {
                continue;
            };
            let of = self.links_of(event);
            let keys: Vec<_> = of
                .map(|link| (link.connection.clone(), link.remote.clone()))
                .collect();
            for key in keys {
                if let Some(row) = self.tables.links.edit(&key) {
                    row.last_rev = row.last_rev.max(*rev);
                }
            }
        }
    }

    fn not_written(&mut self, event: &EventId, rev: i64) {
        let key = (event.clone(), rev);
        let Some(attempt) = self.tables.attempts.edit(&key) else {
            return;
        };
        attempt.loads = attempt.loads.saturating_sub(1);
        if attempt.loads == 0 {
            self.tables.attempts.remove(&key);
        }
    }

    /// `own` is a family whose commit says itself what is open then.
    pub(super) fn park(&mut self, parked: &Parked, own: Option<&EventId>) {
        let key = (parked.connection.clone(), parked.remote.clone());
        self.forget_parked(&key);
        self.tables.parked.put(key, parked.clone());
        if let Some(event) = &parked.event {
            let of = (
                event.clone(),
                parked.connection.clone(),
                parked.remote.clone(),
            );
            self.tables.parked_of.put(of, ());
        }
        let Some(event) = self.awaits(parked).cloned() else {
            return;
        };
        let root = self.root_of(&event);
        if own != Some(&root) {
            self.ask_for(&root, false);
        }
    }

    pub(super) fn unpark(
        &mut self,
        connection: &ConnectionId,
        remote: &RemoteId,
        settled: impl Fn(&Parked) -> bool,
    ) {
        let key = (connection.clone(), remote.clone());
        if self.tables.parked.get(&key).is_some_and(settled) {
            self.forget_parked(&key);
        }
    }

    fn forget_parked(&mut self, key: &(ConnectionId, RemoteId)) {
        if let Some(Parked {
            event: Some(event), ..
        }) = self.tables.parked.remove(key)
        {
            self.tables
                .parked_of
                .remove(&(event, key.0.clone(), key.1.clone()));
        }
    }

    fn show(&mut self, event: &EventId, shown: &Shown) {
        let over = match shown.state {
            SyncState::None | SyncState::Synced => !self.is_open(event),
            SyncState::Pending | SyncState::Error => true,
        };
        if let Some(stored) = self.tables.rows.edit(event).filter(|_| over) {
            stored.shown = shown.clone();
        }
    }
}

fn refused(code: &str, message: String) -> Outcome {
    Outcome::Refused {
        code: code.to_owned(),
        message,
        transient: false,
    }
}
