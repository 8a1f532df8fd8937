//! The CRM's transactions, and the queue of what they changed.

use super::state::{Change, State};
use crate::sides::{CrmError, Edit, ShownRow, Statement};
use crate::{Connection, ConnectionState, EventId, LinkState, Row, SyncState, UserId};
use serde_json::json;

impl State {
    /// One transaction: all of it or nothing. Its id.
    pub(super) fn transact(&mut self, statements: &[Statement]) -> Result<i64, CrmError> {
        self.txid += 1;
        self.tables.begin();
        for statement in statements {
            if let Err(error) = self.statement(statement) {
                self.tables.roll_back();
                return Err(error);
            }
        }
        self.tables.keep();
        Ok(self.txid)
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), CrmError> {
        match statement {
            Statement::Insert { event, row } => {
                self.insert_row(event, row)?;
                self.mark_pending(event);
                self.append(event, &row.owner, named_in(row), true, None);
            }
            Statement::Update { event, edit } => self.update(event, edit)?,
            Statement::Delete { event } => {
                if let Some(old) = self.remove_row(event) {
                    self.append(event, &old.owner.clone(), named_in(&old), false, Some(old));
                }
            }
        }
        Ok(())
    }

    fn update(&mut self, event: &EventId, edit: &Edit) -> Result<(), CrmError> {
        let Some(before) = self.tables.rows.get(event).map(|stored| stored.row.clone()) else {
            return Ok(());
        };
        let after = edited(&before, edit);
        let (fields, owner) = (changed(&before, &after), after.owner.clone());
        if fields.is_empty() {
            return Ok(());
        }
        self.free_occurrence(&before);
        self.take_occurrence(event, &after)?;
        if let Some(stored) = self.tables.rows.edit(event) {
            stored.row = after;
        }
        self.mark_pending(event);
        self.append(event, &owner, fields, false, None);
        Ok(())
    }

    /// A changed row that is, or is to be, in a calendar. What it waits for already is still said.
    fn mark_pending(&mut self, event: &EventId) {
        if !self.is_for_a_calendar(event) {
            return;
        }
        if let Some(stored) = self.tables.rows.edit(event)
            && stored.shown.state != SyncState::Pending
        {
            stored.shown.state = SyncState::Pending;
            stored.shown.error = None;
        }
    }

    fn is_for_a_calendar(&self, event: &EventId) -> bool {
        use LinkState::{Leaving, Live, Reserved};
        let row = self.tables.rows.get(event).map(|stored| &stored.row);
        let mut connections = self.tables.connections.iter().map(|(_, row)| &row.shown);
        let is_wanted = row.filter(|row| row.enabled).is_some_and(|row| {
            connections.any(|connection| connection.user == row.owner && takes_new(connection))
        });
        is_wanted
            || self
                .links_of(event)
                .any(|link| matches!(link.state, Live | Leaving | Reserved))
    }

    fn append(
        &mut self,
        event: &EventId,
        owner: &UserId,
        fields: Vec<String>,
        inserted: bool,
        old: Option<Row>,
    ) {
        let last = self.tables.revs.get(event).copied().unwrap_or_default();
        let rev = (last + 1).max(self.now.timestamp_micros());
        self.tables.revs.put(event.clone(), rev);
        if let Some(series) = old.as_ref().and_then(|old| old.series.clone()) {
            self.tables.named.put((series, event.clone()), ());
        }
        let change = Change {
            owner: owner.clone(),
            inserted,
            fields,
            old,
            at: self.now,
            txid: self.txid,
        };
        self.tables.queue.put((event.clone(), rev), change);
    }

    pub(super) fn insert_row(&mut self, event: &EventId, row: &Row) -> Result<(), CrmError> {
        if self.tables.rows.has(event) {
            return Err(CrmError::KeyTaken(event.clone()));
        }
        self.take_occurrence(event, row)?;
        self.tables
            .rows
            .put(event.clone(), ShownRow::new(row.clone()));
        Ok(())
    }

    pub(super) fn remove_row(&mut self, event: &EventId) -> Option<Row> {
        let stored = self.tables.rows.remove(event)?;
        self.free_occurrence(&stored.row);
        Some(stored.row)
    }

    fn take_occurrence(&mut self, event: &EventId, row: &Row) -> Result<(), CrmError> {
        let Some(series) = &row.series else {
            return Ok(());
        };
        self.tables.named.put((series.clone(), event.clone()), ());
        if let Some(start) = &row.original_start {
            let key = (series.clone(), start.clone(), row.owner.clone());
            if self.tables.occurrences.has(&key) {
                return Err(CrmError::OccurrenceTaken(key.0, key.1));
            }
            self.tables.occurrences.put(key, event.clone());
        }
        Ok(())
    }

    fn free_occurrence(&mut self, row: &Row) {
        if let (Some(series), Some(start)) = (&row.series, &row.original_start) {
            let key = (series.clone(), start.clone(), row.owner.clone());
            self.tables.occurrences.remove(&key);
        }
    }
}

fn edited(before: &Row, edit: &Edit) -> Row {
    let mut row = before.clone();
    for (name, value) in &edit.fields {
        row.fields.insert(name.clone(), value.clone());
    }
    row.owner = edit.owner.clone().unwrap_or(row.owner);
    row.enabled = edit.enabled.unwrap_or(row.enabled);
    row.series = edit.series.clone().unwrap_or(row.series);
    row.original_start = edit.original_start.clone().unwrap_or(row.original_start);
    row
}

/// All fields of a row that comes or goes, with the columns beside them.
fn named_in(row: &Row) -> Vec<String> {
    let columns = ["owner", "enabled", "series", "original_start"];
    row.fields
        .keys()
        .cloned()
        .chain(columns.map(str::to_owned))
        .collect()
}

fn changed(before: &Row, after: &Row) -> Vec<String> {
    let fields = after
        .fields
        .iter()
        .filter(|(name, value)| before.fields.get(*name) != Some(value));
    let columns = [
        ("owner", before.owner != after.owner),
        ("enabled", before.enabled != after.enabled),
        ("series", before.series != after.series),
        (
            "original_start",
            before.original_start != after.original_start,
        ),
    ];
    let columns = columns.into_iter().filter(|(_, differs)| *differs);
    fields
        .map(|(name, _)| name.clone())
        .chain(columns.map(|(name, _)| name.to_owned()))
        .collect()
}

fn takes_new(connection: &Connection) -> bool {
    let stays = match connection.state {
        ConnectionState::Active | ConnectionState::Paused | ConnectionState::Unreachable => true,
        ConnectionState::Disconnecting | ConnectionState::Disconnected => false,
    };
    stays && connection.is_target && connection.choices.get("direction") != Some(&json!("in"))
}
