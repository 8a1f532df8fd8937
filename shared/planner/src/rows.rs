//! What a commit does to rows: adds, deletes, shows.

use crate::backoff::MOST_ATTEMPTS;
use crate::family::as_map;
use crate::notes::Refused;
use crate::plan::Plan;
use crate::state::Row;
use event::EventFields;
use serde_json::Value;
use store::{Op, Shown, SyncState};

impl Plan<'_> {
    pub(crate) fn note(&mut self, at: usize, kind: &str, mut detail: Value) {
        let Some(owner) = self.owner.clone() else {
            return;
        };
        if let Some(at) = self.world.notified_at.filter(|_| kind == "pulled") {
            detail["notified_at"] = serde_json::json!(at);
        }
        self.ops.push(Op::Note {
            event: self.members[at].event.clone(),
            owner,
            kind: kind.to_owned(),
            detail,
        });
    }

    /// Adds the row of an event, or makes it again.
    pub(crate) fn insert_row(&mut self, at: usize, fields: &EventFields) {
        let Some(owner) = self.owner.clone() else {
            return;
        };
        let is_root = self.members[at].event == self.root;
        let series = (!is_root).then(|| self.root.clone());
        let member = &mut self.members[at];
        // What comes back has opted out if it had.
        let was_wanted = |row: &Row| row.enabled || row.fields.is_cancelled();
        let enabled = member.deleted.as_ref().is_none_or(was_wanted);
        let raw = as_map(fields);
        let original_start = member.original_start.clone();
        self.ops.push(Op::InsertRow {
            event: member.event.clone(),
            row: store::Row {
                fields: raw.clone(),
                owner: owner.clone(),
                enabled,
                series: series.clone(),
                original_start: original_start.clone(),
            },
        });
        member.row = Some(Row {
            fields: fields.clone(),
            raw,
            owner,
            enabled,
            series,
            original_start,
        });
        member.deleted = None;
    }

    /// Deletes the row of an event, if there is one.
    pub(crate) fn delete_row(&mut self, at: usize) {
        let member = &mut self.members[at];
        if let Some(row) = member.row.take() {
            self.ops.push(Op::DeleteRow {
                event: member.event.clone(),
                expected: row.raw.clone(),
            });
            member.deleted = Some(row);
        }
    }

    /// Shows a row's sync state, of a link where there is one. What is in another user's calendar under an id
    /// that the row once had shows nothing in it.
    pub(crate) fn show(
        &mut self,
        at: usize,
        state: SyncState,
        link: Option<usize>,
        error: Option<String>,
    ) {
        let member = &self.members[at];
        let is_others = |row: &Row| self.lister.is_some_and(|lister| *lister != row.owner);
        if member.row.as_ref().is_none_or(is_others) {
            return;
        }
        let link = link.map(|link| &member.links[link]);
        let connection = link.and_then(|link| self.world.connection(&link.connection));
        let bases = link.and_then(|link| link.standing.bases());
        let shown = Shown {
            state,
            error,
            remote: link.map(|link| link.remote.clone()),
            calendar: connection.map(|connection| connection.calendar.clone()),
            access: bases.map(|bases| {
                let may = connection.is_none_or(crate::act::can_write);
                let access = if may {
                    bases.access
                } else {
                    event::Access::Read
                };
                access.as_str().to_owned()
            }),
        };
        let event = member.event.clone();
        self.ops.push(Op::Show { event, shown });
    }

    /// It cannot be done until the row changes.
    pub(crate) fn refuse(&mut self, at: usize, reason: String) {
        let member = &self.members[at];
        let (event, rev) = (member.event.clone(), member.rev);
        let link = member
            .links
            .iter()
            .position(|link| link.standing.is_there());
        self.note(at, "failed", serde_json::json!({"reason": reason}));
        self.not_written(at);
        self.show(at, SyncState::Error, link, Some(reason.clone()));
        let read_only = false;
        let refused = Refused {
            rev,
            reason,
            read_only,
        };
        self.notes.refused.insert(event.0, refused);
    }

    /// It cannot be done until the row changes, or its calendar can be written to.
    pub(crate) fn refuse_to_write(&mut self, at: usize) {
        let reason = "this calendar can only be read; choose another one for the event";
        self.refuse(at, reason.to_owned());
        if let Some(refused) = self.notes.refused.get_mut(&self.members[at].event.0) {
            refused.read_only = true;
        }
    }

    /// The storage does not take what became of it: that is told, and it rests until its row changes.
    pub fn refuse_all(&mut self, reason: &str) {
        for member in 0..self.members.len() {
            if self.members[member].is_dirty() {
                self.refuse(member, reason.to_owned());
            }
        }
    }

    /// Attempts are spent.
    pub(crate) fn give_up(&mut self, reason: Option<&str>) {
        let reason = reason.unwrap_or("each ended without an answer");
        let reason = format!("given up after {MOST_ATTEMPTS} attempts: {reason}");
        self.refuse_all(&reason);
    }
}
