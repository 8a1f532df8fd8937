//! The steps of a commit, and what stays open after it.

use crate::plan::{Mode, Plan};
use crate::standing::Standing;
use crate::state::{Link, Member};
use crate::task::Task;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
use store::{
    ConnectionId, FamilyCommit, LinkState, NewWork, Op, Parked, ParkedState, RemoteId, SyncState,
    WorkState,
};

impl Plan<'_> {
    /// Stores a link as it stands.
    pub(crate) fn put_link(&mut self, at: usize, link: usize) {
        let member = &self.members[at];
        let link = &member.links[link];
        self.ops.push(Op::PutLink {
            link: store::Link {
                connection: link.connection.clone(),
                remote: link.remote.clone(),
                event: member.event.clone(),
                root: self.root.clone(),
                origin: link.origin,
                ical_uid: link.ical_uid.clone(),
                original_start: member.original_start.clone(),
                state: link.standing.state(),
                standing: serde_json::to_value(&link.standing).unwrap_or_default(),
                synced_rev: member.rev.max(link.synced_rev),
                recorded: 0,
            },
        });
    }

    pub(crate) fn drop_link(&self, at: usize, link: usize) -> Op {
        let link = &self.members[at].links[link];
        Op::DropLink {
            connection: link.connection.clone(),
            remote: link.remote.clone(),
        }
    }

    /// A link's work is done: changes are acknowledged, parked versions dropped.
    pub(crate) fn done(&mut self, task: &Task, etag: Option<String>) {
        let link = &self.members[task.member].links[task.link];
        let (connection, remote) = (link.connection.clone(), link.remote.clone());
        let is_own = self
            .world
            .connection(&connection)
            .is_some_and(|connection| Some(&connection.user) == self.owner.as_ref());
        let as_of = task
            .listed
            .as_ref()
            .map_or(self.world.as_of, |(_, as_of)| *as_of);
        let member = &mut self.members[task.member];
        let waiting = member.parked.len();
        member
            .parked
            .retain(|parked| parked.connection != connection || parked.remote != remote);
        let is_series = member.event == self.root
            && member
                .row
                .as_ref()
                .is_some_and(|row| row.fields.is_series());
        // Its exceptions may wait for it.
        if is_series && member.parked.len() < waiting {
            let connection = connection.clone();
            self.ops.push(Op::List { connection });
        }
        // What becomes of another user's copy says nothing about the row's.
        if is_own || member.row.is_none() {
            self.notes.reads.remove(&member.event.0);
        }
        self.notes.refused.remove(&member.event.0);
        self.ops.push(Op::Unpark {
            connection,
            remote,
            etag,
            as_of,
        });
        let decides =
            |link: &Link| link.standing.state() == LinkState::Leaving || self.is_own(link);
        let others_decide = self.members[task.member].links.iter().any(decides);
        if is_own || !others_decide {
            self.acknowledge(task.member);
        }
    }

    /// Nobody waits for the versions that were parked for an event.
    pub(crate) fn drop_parked(&mut self, at: usize) {
        let event = self.members[at].event.0;
        self.notes.reads.remove(&event);
        for parked in std::mem::take(&mut self.members[at].parked) {
            self.unpark_all(parked);
        }
    }

    /// Nor for those of a copy that the event has left.
    pub(crate) fn drop_parked_in(&mut self, at: usize, connection: &ConnectionId) {
        let parked = std::mem::take(&mut self.members[at].parked);
        let (left, rest): (Vec<_>, Vec<_>) = parked
            .into_iter()
            .partition(|parked| parked.connection == *connection);
        self.members[at].parked = rest;
        left.into_iter().for_each(|parked| self.unpark_all(parked));
    }

    fn unpark_all(&mut self, parked: Parked) {
        self.ops.push(Op::Unpark {
            connection: parked.connection,
            remote: parked.remote,
            etag: parked.etag,
            as_of: self.world.as_of,
        });
    }

    /// What was parked for an event that is gone may stand by itself now: its calendar's next listing looks.
    pub(crate) fn read_parked_again(&mut self, at: usize, which: impl Fn(&Parked) -> bool) {
        let parked = std::mem::take(&mut self.members[at].parked);
        let (again, rest): (Vec<_>, Vec<_>) = parked.into_iter().partition(which);
        self.members[at].parked = rest;
        for mut parked in again {
            parked.event = None;
            parked.state = ParkedState::Read;
            let connection = parked.connection.clone();
            self.ops.push(Op::Park { parked });
            self.ops.push(Op::List { connection });
        }
    }

    /// The next listing of its calendar reads what becomes of a link's event.
    pub(crate) fn look_again(&mut self, at: usize, link: usize) {
        let link = &self.members[at].links[link];
        let (connection, remote) = (link.connection.clone(), link.remote.clone());
        let parked = self.to_be_read(connection.clone(), remote);
        self.ops.push(Op::Park { parked });
        self.ops.push(Op::List { connection });
    }

    /// What the next listing of its calendar reads.
    pub(crate) fn to_be_read(&self, connection: ConnectionId, remote: RemoteId) -> Parked {
        Parked {
            connection,
            remote,
            event: None,
            series: None,
            state: ParkedState::Read,
            etag: None,
            raw: String::new(),
            item: Value::Null,
            reason: None,
            as_of: self.world.as_of,
            is_gone: false,
        }
    }

    /// What was loaded of an event is done.
    pub(crate) fn acknowledge(&mut self, at: usize) {
        let member = &mut self.members[at];
        // What the CRM never changed has no rev, and yet an attempt of the load.
        if (member.rev > 0 || self.mode == Mode::Write) && !member.is_new {
            self.ops.push(Op::Acknowledge {
                event: member.event.clone(),
                rev: member.rev,
            });
        }
        member.changed.clear();
        member.attempts.clear();
    }

    /// Attempts up to now say nothing any more.
    pub(crate) fn forget_attempts(&mut self, at: usize) {
        self.members[at].attempts.clear();
        self.not_written(at);
    }

    pub(crate) fn not_written(&mut self, at: usize) {
        let member = &self.members[at];
        self.ops.push(Op::NotWritten {
            event: member.event.clone(),
            rev: member.rev,
        });
    }

    /// A write is sent, whatever became of those before it.
    pub(crate) fn may_be_written(&mut self, at: usize) {
        let of = &self.members[at].event;
        let is_it = |op: &Op| matches!(op, Op::NotWritten { event, .. } if event == of);
        self.ops.retain(|op| !is_it(op));
    }

    /// The next plan reads the event first.
    pub(crate) fn read_again(&mut self, at: usize) {
        self.notes.reads.insert(self.members[at].event.0);
    }

    /// Counts a write, to notice a loop.
    pub(crate) fn mark_write(&mut self, task: &Task) {
        let now = self.world.now;
        let bases = self.members[task.member].links[task.link]
            .standing
            .bases_mut();
        if let Some(bases) = bases {
            bases.writes.retain(|at| now - *at < TimeDelta::minutes(10));
            bases.writes.push(now);
        }
    }

    /// What is open waits; it is no attempt.
    pub(crate) fn wait(&mut self, by: TimeDelta, reason: String) {
        let at = self.world.now + by;
        let ending = &mut self.ending;
        ending.is_free = ending.at.is_none() || ending.is_free;
        ending.at = Some(ending.at.map_or(at, |known| known.min(at)));
        ending.reason.get_or_insert(reason);
    }

    pub(crate) fn wait_in(&mut self, seconds: f64, reason: String) {
        let spread = 1.0 + self.world.fraction;
        self.wait(
            TimeDelta::milliseconds((seconds * spread * 1000.0) as i64),
            reason,
        );
    }

    /// Nothing of the family can go on before that; it is no attempt.
    pub(crate) fn stop(&mut self, by: TimeDelta, reason: String) {
        self.wait(by, reason);
        self.ending.stops = true;
    }

    /// What is to be committed.
    pub(crate) fn commit(&mut self) -> FamilyCommit {
        let work = self.new_work();
        if let Some(work) = work.as_ref().filter(|work| work.state != WorkState::Dead) {
            self.show_waiting(work.reason.clone());
        }
        FamilyCommit {
            root: self.root.clone(),
            fence: self.fence,
            ops: shown_last(std::mem::take(&mut self.ops)),
            work,
            instead: std::mem::take(&mut self.instead),
        }
    }

    fn new_work(&mut self) -> Option<NewWork> {
        let open = |at: DateTime<Utc>, state, attempts| NewWork {
            state,
            at,
            attempts,
            waits_for: self.waits_for.clone(),
            reason: self.ending.reason.clone(),
            notes: self.notes.to_map(),
        };
        let loads = u32::from(self.mode == Mode::Write);
        let earlier = self.attempts.saturating_sub(loads);
        match self.ending.at {
            Some(at) if self.ending.is_held => Some(open(at, WorkState::Held, earlier)),
            Some(at) if self.ending.is_free => Some(open(at, WorkState::Open, earlier)),
            Some(at) => Some(open(at, WorkState::Open, self.attempts)),
            // What a listing did not settle stays open.
            None if self.mode == Mode::Store && self.is_unfinished() => {
                Some(open(self.world.now, WorkState::Open, earlier))
            }
            None if !self.notes.refused.is_empty() => {
                let mut dead = open(self.world.now, WorkState::Dead, self.attempts);
                let why = self.notes.refused.values().next();
                dead.reason = dead.reason.or(why.map(|refused| refused.reason.clone()));
                Some(dead)
            }
            None => None,
        }
    }

    /// Something is to be read, to be looked for, or to go.
    fn is_unfinished(&self) -> bool {
        let waits = |member: &Member| {
            let mut links = member.links.iter();
            !member.attempts.is_empty()
                || links.any(|link| match &link.standing {
                    Standing::Live(bases) => bases.missed.is_some() || !self.is_own(link),
                    Standing::Leaving(_) => true,
                    Standing::Reserved | Standing::Kept(_) | Standing::Deleted(_) => false,
                })
        };
        !self.notes.reads.is_empty() || self.members.iter().any(waits)
    }

    /// Members that wait say why.
    fn show_waiting(&mut self, reason: Option<String>) {
        for at in 0..self.members.len() {
            let member = &self.members[at];
            let waits = member.is_dirty() || self.notes.reads.contains(&member.event.0);
            if !waits || self.notes.refused.contains_key(&member.event.0) {
                continue;
            }
            let link = member
                .links
                .iter()
                .position(|link| link.standing.is_there());
            let is_for_somebody =
                member.row.as_ref().is_some_and(|row| row.enabled) || link.is_some();
            if member.row.is_some() && is_for_somebody {
                self.show(at, SyncState::Pending, link, reason.clone());
            }
        }
    }

    /// An account that has to slow down.
    pub fn pause(&self) -> Option<&store::Pause> {
        self.ending.pause.as_ref()
    }
}

/// What rows show comes after what it speaks of, once for each row.
fn shown_last(ops: Vec<Op>) -> Vec<Op> {
    let mut shown = BTreeMap::new();
    let mut ordered = Vec::with_capacity(ops.len());
    for op in ops {
        if let Op::Show { event, shown: what } = op {
            shown.insert(event, what);
        } else {
            ordered.push(op);
        }
    }
    let shown = shown.into_iter();
    ordered.extend(shown.map(|(event, shown)| Op::Show { event, shown }));
    ordered
}
