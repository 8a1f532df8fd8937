//! What a settlement makes of rows and links.

use crate::deleted::KnownBy;
use crate::plan::{Mode, Plan};
use crate::situation::READ_LAG;
use crate::standing::{Bases, DeletedBy, Proof, Standing};
use crate::state::Attempt;
use crate::step::Settlement;
use crate::task::Task;
use chrono::{DateTime, TimeDelta, Utc};
use event::merge::crm_changed_groups;
use event::{EventFields, Group, RemoteFields};
use provider::RemoteEvent;
use serde_json::json;
use store::{ConnectionId, Op, RemoteId, Side, SyncState};

impl Plan<'_> {
    /// Stores what was decided about a link.
    pub(crate) fn settle(&mut self, task: &Task, settlement: Settlement) {
        let at = task.member;
        match settlement {
            Settlement::Synced { event, merged } => self.synced(task, *event, *merged, None),
            Settlement::Deleted { by, proof } => self.deleted(task, by, proof, KnownBy::Reading),
            Settlement::DeletedByRemote if self.is_mass_deletion(task) => {
                self.hold(task, Side::Remote)
            }
            Settlement::DeletedByRemote => self.deleted_by_remote(task),
            Settlement::Missed => self.missed(task, self.sequence_of(task)),
            Settlement::RowRecreated {
                event,
                fields,
                base,
            } => self.revived(task, &event, &fields, *base),
            Settlement::OccurrenceCancelled { event, fields } => {
                self.revived(task, &event, &fields, (*fields).clone());
            }
            Settlement::NewId => self.new_id(task),
            Settlement::Kept(agreed) => self.kept(task, agreed),
            Settlement::Nothing => {
                self.show_link(task);
                self.done(task, None);
            }
            Settlement::NotVisibleYet => {
                let reason = "Google does not show the newest version yet; trying again";
                self.read_again(at);
                self.wait(TimeDelta::seconds(30), reason.to_owned());
            }
            Settlement::Refused(reason) => self.refuse(at, reason),
        }
    }

    /// The store's sequence when an event was missed.
    fn sequence_of(&self, task: &Task) -> i64 {
        task.listed
            .as_ref()
            .map_or(self.world.as_of, |(_, as_of)| *as_of)
    }

    /// A series is back: what had become of its exceptions meanwhile is read.
    fn look_for_exceptions(&mut self, connection: &ConnectionId) {
        for other in 0..self.members.len() {
            let member = &self.members[other];
            let is_without_row =
                member.event != self.root && member.row.is_none() && !member.has_open_changes();
            if let Some(link) = member.link_in(connection).filter(|_| is_without_row) {
                self.look_again(other, link);
            }
        }
    }

    /// Exceptions that may show something else now that their series does: those that a new plan may have
    /// moved, and those that say what the series said.
    fn reread_exceptions(
        &mut self,
        connection: &ConnectionId,
        before: &RemoteFields,
        now: &RemoteFields,
    ) {
        let differs =
            |group: &Group| now.get(*group).is_some() && now.get(*group) != before.get(*group);
        let changed: Vec<Group> = Group::ALL.into_iter().filter(differs).collect();
        let all = [Group::Time, Group::Recurrence, Group::Visibility];
        let concerns_all = all.iter().any(|group| changed.contains(group));
        for other in 0..self.members.len() {
            let member = &mut self.members[other];
            let link = member
                .link_in(connection)
                .filter(|_| member.event != self.root);
            let bases = link.map(|link| &member.links[link].standing);
            let bases = bases
                .filter(|standing| standing.is_there())
                .and_then(Standing::bases);
            let inherits = bases.is_some_and(|bases| {
                let mut changed = changed.iter();
                concerns_all || changed.any(|group| bases.remote.get(*group) == before.get(*group))
            });
            if inherits {
                member.must_read = true;
                if self.mode == Mode::Store {
                    self.read_again(other);
                    self.wait_in(0.0, "the series changed".to_owned());
                }
            }
        }
    }

    /// The link is live with these bases, and the row shows it.
    pub(crate) fn set_live(&mut self, task: &Task, event: &RemoteEvent, base: EventFields) {
        let at = task.member;
        let id = self.members[at].event.0;
        let mut bases = Bases::of(event, base, id);
        bases.overtaken = self.overtaken(task, event);
        let link = &mut self.members[at].links[task.link];
        if let Some(before) = link.standing.bases() {
            bases.writes.clone_from(&before.writes);
            bases.unsent.clone_from(&before.unsent);
            bases.aliases.clone_from(&before.aliases);
        }
        // Of a tombstone next to nothing is shown, of a busy time only when it is; what was known stays known.
        if let Some(before) = link.standing.bases().filter(|_| !event.fields.is_whole()) {
            let mut remote = before.remote.clone();
            event
                .fields
                .iter()
                .for_each(|value| remote.insert(value.clone()));
            bases.remote = remote;
            if event.is_cancelled {
                bases.access = before.access;
            } else {
                bases.is_organizer = before.is_organizer;
            }
        }
        link.ical_uid = event.ical_uid.clone().or(link.ical_uid.take());
        let now = bases.remote.clone();
        let before = std::mem::replace(&mut link.standing, Standing::Live(Box::new(bases)));
        let connection = link.connection.clone();
        if self.members[at].event == self.root {
            match &before {
                Standing::Live(before) => self.reread_exceptions(&connection, &before.remote, &now),
                Standing::Kept(_)
                | Standing::Leaving(_)
                | Standing::Deleted(_)
                | Standing::Reserved => {
                    self.look_for_exceptions(&connection);
                }
            }
        }
        self.put_link(at, task.link);
        self.show_link(task);
        self.done(task, event.etag.clone());
    }

    /// Inserts that a version has overtaken, as long as one of them may still be on its way.
    fn overtaken(&self, task: &Task, event: &RemoteEvent) -> Vec<Attempt> {
        let member = &self.members[task.member];
        let stamp = event.stamp.as_ref();
        let shown = stamp.and_then(|stamp| stamp.rev_of(self.world.instance, member.event.0));
        let is_recent = |updated: DateTime<Utc>| self.world.now - updated < READ_LAG;
        let known = match &member.links[task.link].standing {
            Standing::Reserved if member.event == self.root => &member.attempts,
            Standing::Live(bases) if bases.updated.is_some_and(is_recent) => &bases.overtaken,
            Standing::Reserved
            | Standing::Live(_)
            | Standing::Kept(_)
            | Standing::Leaving(_)
            | Standing::Deleted(_) => return Vec::new(),
        };
        let is_late = |attempt: &&Attempt| attempt.row.is_some() && Some(attempt.rev) != shown;
        known.iter().filter(is_late).cloned().collect()
    }

    pub(crate) fn deleted(&mut self, task: &Task, by: DeletedBy, proof: Proof, known: KnownBy) {
        let at = task.member;
        self.set_deleted(at, task.link, by, proof);
        if self.members[at].event == self.root {
            match by {
                DeletedBy::Crm | DeletedBy::Remote if self.members[at].row.is_none() => {
                    self.delete_exceptions(by, known)
                }
                DeletedBy::Crm | DeletedBy::Remote | DeletedBy::OptOut => {}
            }
        }
        self.show_link(task);
        self.done(task, None);
    }

    fn deleted_by_remote(&mut self, task: &Task) {
        let at = task.member;
        let (by, proof) = (DeletedBy::Remote, Proof::Confirmed);
        self.set_deleted(at, task.link, by, proof);
        self.note(
            at,
            "deleted",
            json!({"by": "google", "row": self.members[at].row.as_ref().map(|row| &row.raw)}),
        );
        self.delete_row(at);
        if self.members[at].event == self.root {
            self.delete_exceptions(by, KnownBy::Reading);
        }
        self.done(task, None);
    }

    fn is_mass_deletion(&self, task: &Task) -> bool {
        let link = &self.members[task.member].links[task.link];
        let connection = self.world.connection(&link.connection);
        self.notes.decision.is_none()
            && self.members[task.member].event == self.root
            && connection.is_some_and(|connection| {
                crate::act::is_mass(
                    connection.deleted_by_remote + self.world.remote_deletions,
                    connection,
                )
            })
    }

    /// A deletion waits for a person.
    pub(crate) fn hold(&mut self, task: &Task, side: Side) {
        let at = task.member;
        self.notes.held = Some(side);
        let reason = "many events were deleted at once; somebody has to say whether that is meant";
        self.note(at, "held", json!({"side": side}));
        if let Some((listed, as_of)) = &task.listed {
            self.park(task, listed, *as_of);
        }
        self.read_again(at);
        self.wait(TimeDelta::zero(), reason.to_owned());
        self.ending.is_held = true;
    }

    fn revived(
        &mut self,
        task: &Task,
        event: &RemoteEvent,
        fields: &EventFields,
        base: EventFields,
    ) {
        let at = task.member;
        self.insert_row(at, fields);
        self.note(at, "restored", json!({"by": "google"}));
        let has_more = !crm_changed_groups(fields, Some(&base)).is_empty();
        self.set_live(task, event, base);
        if !self.members[at].is_for_provider() {
            return self.kept(task, None);
        }
        if has_more {
            self.read_again(at);
            self.wait_in(
                0.0,
                "the row came back with an edit that Google does not have".to_owned(),
            );
        }
        self.wait_for_conference(at, event);
    }

    fn new_id(&mut self, task: &Task) {
        let at = task.member;
        if self.members[at].event != self.root {
            let reason = "Google does not give the occurrence back; delete this exception, or change its series";
            self.drop_parked(at);
            return self.refuse(at, reason.to_owned());
        }
        self.note(at, "note", json!({"what": "a new id in Google"}));
        self.ops.push(self.drop_link(at, task.link));
        let link = &mut self.members[at].links[task.link];
        link.remote = RemoteId((self.world.new_id)().simple().to_string());
        link.standing = Standing::Reserved;
        link.ical_uid = None;
        link.synced_rev = 0;
        self.put_link(at, task.link);
        // Its attempts were of the id before.
        self.forget_attempts(at);
        self.wait(TimeDelta::zero(), "a new id in Google".to_owned());
    }

    fn kept(&mut self, task: &Task, agreed: Option<Box<(EventFields, RemoteFields)>>) {
        let at = task.member;
        let standing = &mut self.members[at].links[task.link].standing;
        let bases = standing.bases_mut();
        if let (Some(agreed), Some(bases)) = (agreed, bases) {
            (bases.crm, bases.remote) = *agreed;
            self.put_link(at, task.link);
        }
        let standing = &mut self.members[at].links[task.link].standing;
        if let Standing::Live(bases) = standing {
            *standing = Standing::Kept(bases.clone());
            self.put_link(at, task.link);
        }
        self.show_link(task);
        self.done(task, None);
    }

    /// What a row shows of a link.
    pub(crate) fn show_link(&mut self, task: &Task) {
        let link = &self.members[task.member].links[task.link];
        if !self.is_own(link) {
            let links = &self.members[task.member].links;
            if !links.iter().any(|link| self.is_own(link)) {
                self.show(task.member, SyncState::None, None, None);
            }
            return;
        }
        match &link.standing {
            Standing::Live(_) => self.show(task.member, SyncState::Synced, Some(task.link), None),
            Standing::Kept(_) => self.show(task.member, SyncState::None, Some(task.link), None),
            Standing::Deleted(_) | Standing::Reserved => {
                self.show(task.member, SyncState::None, None, None)
            }
            Standing::Leaving(_) => {}
        }
    }

    /// Writes groups of a row.
    pub(crate) fn write_row(&mut self, at: usize, groups: &[Group], fields: &EventFields) {
        let member = &mut self.members[at];
        let Some(row) = member.row.as_mut().filter(|_| !groups.is_empty()) else {
            return;
        };
        let new = fields.only(groups);
        let mut expected = new.clone();
        for (name, value) in &mut expected {
            *value = row.raw.get(name).cloned().unwrap_or_default();
        }
        for group in groups {
            row.fields.set(*group, fields);
        }
        row.raw.extend(new.clone());
        if !member.is_new {
            self.ops.push(Op::WriteRow {
                event: member.event.clone(),
                expected,
                fields: new,
            });
        }
    }
}
