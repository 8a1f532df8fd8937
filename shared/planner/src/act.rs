//! A link's decision, carried out: calls that are wanted, answers that came.

use crate::choices::Choices;
use crate::deleted::KnownBy;
use crate::plan::{Call, CallKind, Pending, Plan};
use crate::situation::{Decision, RowState, Seen, Series, Situation};
use crate::standing::{DeletedBy, Missed, Proof, Standing};
use crate::step::{Method, Settlement, Step, Write};
use crate::task::Task;
use chrono::TimeDelta;
use event::{Direction, Group};
use provider::{Listed, Mail, Stamp};
use store::{Connection, ConnectionState, LinkState, Side};

/// How long an event that was missed is looked for in the account's other calendars.
const MOVE_PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// Writes of one event within [`LOOP_WINDOW`] that make a loop.
const LOOP_WRITES: usize = 20;
const LOOP_WINDOW: TimeDelta = TimeDelta::minutes(10);

impl Plan<'_> {
    /// Decides about a link until it needs a call or is settled.
    pub(crate) fn step(&mut self, task: &mut Task) -> Option<Call> {
        if task.probes {
            task.probes = false;
            return self.ask(Pending::Probe, task, CallKind::Probe);
        }
        if task.listed.is_some() {
            self.take_listed(task);
            return None;
        }
        if task.seen != Seen::NotRead
            && let Some(parked) = self.moved_to(task)
        {
            let lives_on = Self::found(task).is_some_and(|event| !event.is_cancelled);
            if lives_on || self.is_anothers(task, parked) {
                self.set_apart(task, parked);
            } else {
                self.take_along(task, parked);
            }
        }
        if self.waits_for_another(task) {
            return None;
        }
        if self.is_of_changed_series(task) {
            self.read_series_first(task);
            return None;
        }
        match self.decide(task) {
            Err(error) => self.refuse(task.member, error),
            Ok(Step::Write(write)) if self.is_of_unread_series(task, &write) => {
                self.read_series_first(task);
                return None;
            }
            Ok(Step::Get) => return self.ask(Pending::Get, task, self.reading(task)),
            Ok(Step::Write(write)) => return self.write(task, write),
            Ok(Step::Settle(settlement)) => self.settle(task, settlement),
        }
        None
    }

    pub(crate) fn decide(&self, task: &Task) -> Result<Step, String> {
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let connection = self.world.connection(&link.connection);
        let choices = connection.map(|connection| Choices::of(&connection.choices));
        let leaves = link.standing.state() == LinkState::Leaving || !self.is_own(link);
        let row_state = match &member.row {
            None => RowState::Absent,
            Some(row) if leaves || !row.enabled || self.is_series_opted_out(task.member) => {
                RowState::OptedOut(row)
            }
            Some(row) => RowState::Present(row),
        };
        let situation = Situation {
            now: self.world.now,
            instance: self.world.instance,
            member,
            link,
            row_state,
            seen: &task.seen,
            // Of what is another user's by now only the copy goes.
            series: self.series(task).filter(|_| self.is_own(link)),
            choices: &choices.unwrap_or_default(),
            can_write: connection.is_some_and(can_write),
            time_zone: connection.map_or("UTC", |connection| &connection.time_zone),
            may_have_moved: self.may_have_moved(task),
            decision: self.notes.decision,
        };
        crate::decide::decide(&situation).map_err(|error| error.to_string())
    }

    pub(crate) fn is_series_opted_out(&self, member: usize) -> bool {
        let root = self.master();
        let row = root.and_then(|root| root.row.as_ref());
        self.members[member].event != self.root && row.is_some_and(|row| !row.enabled)
    }

    pub(crate) fn series(&self, task: &Task) -> Option<Series> {
        let member = &self.members[task.member];
        if member.event == self.root {
            return None;
        }
        let connection = &member.links[task.link].connection;
        let root = self.master()?;
        let link = root.link_in(connection)?;
        Some(Series {
            bases: root.links[link].standing.bases()?.clone(),
            original_start: member.original_start.as_deref()?.parse().ok()?,
        })
    }

    /// What disappears may be half of a move: the other half is in another calendar of the account.
    fn may_have_moved(&self, task: &Task) -> bool {
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let bases = match &link.standing {
            Standing::Live(bases) => bases,
            Standing::Reserved
            | Standing::Kept(_)
            | Standing::Leaving(_)
            | Standing::Deleted(_) => return false,
        };
        if member.event != self.root || self.notes.decision == Some(Decision::Apply) {
            return false;
        }
        let is_patient = bases
            .missed
            .is_none_or(|missed| self.world.now - missed.at < MOVE_PATIENCE);
        is_patient
            && self.siblings(link.connection.clone()).any(|sibling| {
                bases
                    .missed
                    .is_none_or(|missed| sibling.listed <= missed.sequence)
            })
    }

    /// The account's other calendars that are listed without trouble.
    fn siblings(&self, of: store::ConnectionId) -> impl Iterator<Item = &Connection> {
        let account = self
            .world
            .connection(&of)
            .map(|connection| connection.account.clone());
        self.world.connections.iter().filter(move |sibling| {
            sibling.id != of
                && Some(&sibling.account) == account.as_ref()
                && sibling.state == ConnectionState::Active
                && sibling.imported_at.is_some()
                && sibling.failures < 5
        })
    }

    /// The event is to be looked for where it may have moved to.
    pub(crate) fn missed(&mut self, task: &Task, sequence: i64) {
        let of = self.members[task.member].links[task.link]
            .connection
            .clone();
        let siblings: Vec<_> = self
            .siblings(of)
            .map(|sibling| sibling.id.clone())
            .collect();
        let now = self.world.now;
        let bases = self.members[task.member].links[task.link]
            .standing
            .bases_mut();
        if let Some(bases) = bases {
            bases.missed = bases.missed.or(Some(Missed { sequence, at: now }));
            bases.etag = None;
        }
        self.put_link(task.member, task.link);
        for connection in siblings {
            self.ops.push(store::Op::List { connection });
        }
        self.read_again(task.member);
        self.wait_in(10.0, "it may have moved to another calendar".to_owned());
    }

    fn write(&mut self, task: &Task, write: Box<Write>) -> Option<Call> {
        let connection = self
            .world
            .connection(&self.members[task.member].links[task.link].connection);
        if !connection.is_some_and(can_write) && self.is_leaving(task) {
            // It stays there, as a row of its own of whoever sees it.
            self.look_again(task.member, task.link);
            self.ops.push(self.drop_link(task.member, task.link));
            self.done(task, None);
            return None;
        }
        if !connection.is_some_and(can_write) {
            self.refuse_to_write(task.member);
            return None;
        }
        if self.is_held(task, &write) {
            self.hold(task, Side::Crm);
            return None;
        }
        if self.is_looping(task) {
            let reason = "another program keeps changing this event; trying again in 10 minutes";
            self.wait(LOOP_WINDOW, reason.to_owned());
            return None;
        }
        let write = self.part(task, write)?;
        self.may_be_written(task.member);
        let what = CallKind::Write(Box::new(self.request(task, &write)));
        self.ask(Pending::Write(write), task, what)
    }

    fn is_leaving(&self, task: &Task) -> bool {
        let link = &self.members[task.member].links[task.link];
        link.standing.state() == LinkState::Leaving
    }

    /// Many deletions at once wait for a person.
    fn is_held(&self, task: &Task, write: &Write) -> bool {
        let Method::Delete {
            by: DeletedBy::Crm, ..
        } = write.method
        else {
            return false;
        };
        let link = &self.members[task.member].links[task.link];
        let connection = self.world.connection(&link.connection);
        link.standing.state() != LinkState::Leaving
            && self.notes.decision.is_none()
            && connection.is_some_and(|connection| is_mass(connection.deleted_by_crm, connection))
    }

    fn is_looping(&self, task: &Task) -> bool {
        let bases = self.members[task.member].links[task.link].standing.bases();
        bases.is_some_and(|bases| {
            let recent = bases
                .writes
                .iter()
                .filter(|at| self.world.now - **at < LOOP_WINDOW);
            recent.count() >= LOOP_WRITES
        })
    }

    fn request(&self, task: &Task, write: &Write) -> provider::Write {
        let member = &self.members[task.member];
        let bases = member.links[task.link].standing.bases();
        let connection = self.world.connection(&member.links[task.link].connection);
        let time_zone = connection.map_or("UTC", |connection| &connection.time_zone);
        let stamp = Stamp {
            rev: member.rev,
            instance: self.world.instance.to_owned(),
            event: member.event.0,
        };
        let seen = Self::found(task).map(|event| &event.link_back);
        let is_foreign = match seen {
            Some(provider::LinkBack::None) => false,
            Some(provider::LinkBack::Row(row)) => *row != member.event.0,
            Some(provider::LinkBack::Foreign(_)) => true,
            None => bases.is_some_and(|bases| bases.has_foreign_link_back),
        };
        let url = self
            .world
            .event_url
            .filter(|_| write.method == Method::Insert);
        provider::Write {
            method: method(&write.method),
            patch: write.merged.patch.clone(),
            row: write.merged.row.clone(),
            context: event::Context {
                time_zone: time_zone.to_owned(),
                request_id: format!("{}-{}", member.event, member.rev),
            },
            link_back: member.event.0,
            keeps_link_back: is_foreign,
            stamp,
            mail: self.mail(task, write, time_zone),
            source: url.map(|url| url.replace("{id}", &member.event.to_string())),
        }
    }

    /// Nobody gets mail of a first export, nor of what is over, nor of what no guest sees; a guest's changes are
    /// the organizer's to announce, but for an answer, which only the organizer gets.
    fn mail(&self, task: &Task, write: &Write, time_zone: &str) -> Mail {
        let member = &self.members[task.member];
        let connection = self.world.connection(&member.links[task.link].connection);
        let row = member.row.as_ref().or(member.deleted.as_ref());
        let is_over = row.is_some_and(|row| row.fields.is_over(self.world.now, time_zone));
        // What was there before the calendar was connected is a part of the first export.
        let is_older = write.method == Method::Insert
            && member.changed.values().max() < connection.and_then(|one| one.imported_at.as_ref());
        let is_seen = |group: &Group| group.direction() != Direction::ToRemote;
        let is_unseen = matches!(write.method, Method::Patch { .. })
            && !write.merged.to_remote.iter().any(is_seen);
        let bases = member.links[task.link].standing.bases();
        let is_guests = bases.is_some_and(|bases| !bases.is_organizer)
            && write.merged.to_remote != [Group::Attendees];
        match connection {
            Some(connection)
                if !(self.notes.quiet || is_older || is_over || is_unseen || is_guests) =>
            {
                Choices::of(&connection.choices).send_updates.into()
            }
            Some(_) | None => Mail::None,
        }
    }

    /// What a successful write comes to.
    pub(crate) fn written(&mut self, task: &Task, write: &Write, listed: Option<Box<Listed>>) {
        let event = match listed.map(|listed| listed.event) {
            Some(Ok(event)) => event,
            Some(Err(unreadable)) => {
                self.read_again(task.member);
                return self.wait_in(30.0, unreadable.why);
            }
            None => {
                let by = match &write.method {
                    Method::Delete { by, .. } => *by,
                    Method::Insert
                    | Method::Patch { .. }
                    | Method::Restore { .. }
                    | Method::Cancel { .. } => {
                        self.read_again(task.member);
                        return self.wait_in(5.0, "Google answered without the event".to_owned());
                    }
                };
                self.note(task.member, "pushed", serde_json::json!({"what": "delete"}));
                return self.deleted(task, by, Proof::Confirmed, KnownBy::Writing);
            }
        };
        self.note(
            task.member,
            "pushed",
            serde_json::json!({"what": name(&write.method)}),
        );
        self.note_unlike(task, write, &event);
        let alias = self.alias(task, write, &event);
        let is_exception = self.members[task.member].event != self.root;
        let settlement = match &write.method {
            Method::Cancel { .. } => Settlement::OccurrenceCancelled {
                event: Box::new(event),
                fields: Box::new(write.merged.row.clone()),
            },
            // Only its organizer brings a meeting back, whatever the answer to a guest is.
            Method::Insert
            | Method::Patch { .. }
            | Method::Restore { .. }
            | Method::Delete { .. }
                if event.is_cancelled && !write.merged.row.is_cancelled() && !is_exception =>
            {
                Settlement::NewId
            }
            Method::Insert
            | Method::Patch { .. }
            | Method::Restore { .. }
            | Method::Delete { .. } => Settlement::Synced {
                event: Box::new(event),
                merged: Box::new(write.merged.clone()),
            },
        };
        self.mark_write(task);
        self.settle(task, settlement);
        if let Some(alias) = alias {
            self.remember_alias(task, alias);
        }
        self.go_on_apart(task, write);
    }
}

/// More than ten, and more than a fifth of what there is.
pub(crate) fn is_mass(deleted: i64, connection: &Connection) -> bool {
    deleted > 10.max(connection.linked / 5)
}

pub(crate) fn can_write(connection: &Connection) -> bool {
    matches!(
        connection.access_role.as_str(),
        "owner" | "writer" | "writerWithoutPrivateAccess"
    )
}

fn method(method: &Method) -> provider::Method {
    match method.clone() {
        Method::Insert => provider::Method::Insert,
        Method::Patch { etag } => provider::Method::Patch { etag },
        Method::Restore { etag } => provider::Method::Restore { etag },
        Method::Cancel { etag } => provider::Method::Cancel { etag },
        Method::Delete { etag, .. } => provider::Method::Delete { etag },
    }
}

fn name(method: &Method) -> &'static str {
    match method {
        Method::Insert => "insert",
        Method::Patch { .. } => "patch",
        Method::Restore { .. } => "restore",
        Method::Cancel { .. } => "cancel",
        Method::Delete { .. } => "delete",
    }
}
