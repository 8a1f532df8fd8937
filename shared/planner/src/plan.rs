//! A family under planning: what to ask the provider next, and in the end what to commit.
//!
//! It does no I/O. [`Plan::advance`] says what is wanted, [`Plan::answer`] takes what came; a listing's
//! versions go in first, with [`Plan::listed`].

use crate::family::read_member;
use crate::notes::Notes;
use crate::situation::Seen;
use crate::state::Member;
use crate::step::Write;
use crate::task::Task;
use chrono::{DateTime, Utc};
use event::OriginalStart;
use provider::{Listed, ProviderError, RemoteEvent};
use std::collections::VecDeque;
use store::{
    Account, Connection, ConnectionId, EventId, Family, FamilyCommit, Op, RemoteId, UserId,
};
use uuid::Uuid;

/// What all families of a load share.
pub struct World<'a> {
    /// The store's time.
    pub now: DateTime<Utc>,
    /// The store's sequence at the load.
    pub as_of: i64,
    /// The installation, which stamps name.
    pub instance: &'a str,
    /// Connections of the families' owners and links.
    pub connections: &'a [Connection],
    /// Their accounts.
    pub accounts: &'a [Account],
    /// The CRM's page of an event, with `{id}` for its id.
    pub event_url: Option<&'a str>,
    /// From 0 to 1: spreads retries.
    pub fraction: f64,
    /// Deletions on the provider's side that the listing shows and that are not stored yet.
    pub remote_deletions: i64,
    /// When a notification announced what is listed.
    pub notified_at: Option<DateTime<Utc>>,
    /// A fresh random id.
    pub new_id: &'a dyn Fn() -> Uuid,
}

impl World<'_> {
    /// A connection.
    pub fn connection(&self, id: &ConnectionId) -> Option<&Connection> {
        self.connections
            .iter()
            .find(|connection| connection.id == *id)
    }

    /// The account of a connection.
    pub fn account(&self, connection: &Connection) -> Option<&Account> {
        let mut accounts = self.accounts.iter();
        accounts.find(|account| account.id == connection.account)
    }
}

/// What the provider is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// By which connection.
    pub connection: ConnectionId,
    /// About which event.
    pub remote: RemoteId,
    /// What.
    pub what: CallKind,
}

/// What the provider is asked about an event.
#[derive(Debug, Clone, PartialEq)]
pub enum CallKind {
    /// To show it.
    Get,
    /// To show what the rule of a series plans for a start.
    Occurrence {
        /// The series.
        series: RemoteId,
        /// When the occurrence starts by the rule.
        start: OriginalStart,
    },
    /// Whether its calendar answers.
    Probe,
    /// To change it.
    Write(Box<provider::Write>),
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The event, or after a write what it shows now; none after a deletion.
    Event(Option<Box<Listed>>),
    /// The calendar answers.
    Answers,
    /// An error.
    Error(ProviderError),
    /// The call was not made, since the lease has too little time left.
    NoTime,
}

/// What a plan wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// An answer to this.
    Call(Call),
    /// To be committed.
    Commit(Box<FamilyCommit>),
}

/// How far a plan may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It may ask the provider.
    Write,
    /// What needs the provider is parked.
    Store,
}

/// A call under way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pending {
    Get,
    Probe,
    Write(Box<Write>),
}

/// A family under planning.
pub struct Plan<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) root: EventId,
    pub(crate) owner: Option<UserId>,
    pub(crate) fence: Option<i64>,
    pub(crate) mode: Mode,
    /// Whose calendar was listed, of a family that was there before.
    pub(crate) lister: Option<&'a UserId>,
    pub(crate) members: Vec<Member>,
    pub(crate) notes: Notes,
    pub(crate) attempts: u32,
    pub(crate) waits_for: Option<EventId>,
    pub(crate) ops: Vec<Op>,
    pub(crate) instead: Vec<store::Parked>,
    pub(crate) ending: Ending,
    tasks: VecDeque<Task>,
    pending: Option<Pending>,
    /// A write's, that is the event's own only if its calendar answers.
    pub(crate) refusal: Option<(ProviderError, Box<Write>)>,
    /// Members whose tasks are made.
    pub(crate) reached: usize,
    steps: usize,
}

/// What keeps a family open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ending {
    /// The earliest time of a retry.
    pub(crate) at: Option<DateTime<Utc>>,
    pub(crate) reason: Option<String>,
    /// Nothing of the family can go on before that.
    pub(crate) stops: bool,
    /// Somebody else is at fault: it is no attempt.
    pub(crate) is_free: bool,
    pub(crate) is_held: bool,
    pub(crate) pause: Option<store::Pause>,
}

/// Decisions about one link at most; each follows an answer of the provider's.
const STEPS: usize = 8;

impl<'a> Plan<'a> {
    /// A family that may ask the provider.
    pub fn to_write(world: &'a World<'a>, family: &Family) -> Self {
        Self::new(world, family, Mode::Write)
    }

    /// A family that takes what a listing shows.
    pub fn to_store(world: &'a World<'a>, family: &Family, lister: &'a UserId) -> Self {
        let plan = Self::new(world, family, Mode::Store);
        Self {
            lister: Some(lister),
            ..plan
        }
    }

    fn new(world: &'a World<'a>, family: &Family, mode: Mode) -> Self {
        let notes = Notes::of(&family.work.notes);
        let members: Vec<_> = family
            .members
            .iter()
            .map(|member| read_member(member, mode, &notes))
            .collect();
        let owner = crate::family::owner_of(&members, world);
        let mut plan = Self {
            owner,
            members,
            notes,
            attempts: family.work.attempts,
            ..Self::empty(world, family.root.clone(), Some(family.fence), mode)
        };
        if mode == Mode::Write {
            plan.begin(family);
        } else {
            plan.reached = plan.members.len();
        }
        plan
    }

    /// A family that this planning makes.
    pub(crate) fn empty(
        world: &'a World<'a>,
        root: EventId,
        fence: Option<i64>,
        mode: Mode,
    ) -> Self {
        Self {
            world,
            root,
            owner: None,
            fence,
            mode,
            lister: None,
            members: Vec::new(),
            notes: Notes::default(),
            attempts: 0,
            waits_for: None,
            ops: Vec::new(),
            instead: Vec::new(),
            ending: Ending::default(),
            tasks: VecDeque::new(),
            pending: None,
            refusal: None,
            reached: 0,
            steps: 0,
        }
    }

    /// The series' master, or the single event; none where exceptions are all that is left.
    pub(crate) fn master(&self) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.event == self.root)
    }

    /// What stops a family before anything is asked.
    fn begin(&mut self, family: &Family) {
        if self.attempts > crate::backoff::MOST_ATTEMPTS {
            self.give_up(family.work.reason.as_deref());
            self.reached = self.members.len();
            return;
        }
        let Some(row) = self.members.first().and_then(|root| root.row.as_ref()) else {
            return;
        };
        let root = &self.members[0];
        let is_new = root.event == self.root
            && root.links.iter().all(|link| !link.standing.was_there())
            && row.fields.is_series();
        let trims = |other: &&store::SameTransaction| {
            let has = |name: &str| other.fields.iter().any(|field| field == name);
            // Where everything is open it is new itself.
            has("recurrence") && !row.raw.keys().all(|name| has(name))
        };
        let mut others = family.same_transaction.iter();
        if let Some(first) = others.find(trims).filter(|_| is_new) {
            let reason = "waiting until the series that it continues is trimmed in Google";
            self.waits_for = Some(first.root.clone());
            self.wait(chrono::TimeDelta::minutes(5), reason.to_owned());
            self.reached = self.members.len();
        }
    }

    /// What is wanted next.
    pub fn advance(&mut self) -> Next {
        loop {
            if self.ending.stops {
                self.tasks.clear();
                self.reached = self.members.len();
            }
            let Some(mut task) = self.tasks.pop_front() else {
                if self.reached < self.members.len() {
                    let member = self.reached;
                    self.reached += 1;
                    self.steps = 0;
                    self.reach(member);
                    continue;
                }
                return Next::Commit(Box::new(self.commit()));
            };
            if self.steps >= STEPS {
                self.wait_in(
                    5.0,
                    "the event keeps changing in Google; trying again".to_owned(),
                );
                continue;
            }
            if let Some(call) = self.step(&mut task) {
                self.steps += 1;
                self.tasks.push_front(task);
                return Next::Call(call);
            }
            self.steps = 0;
        }
    }

    /// Adds a task before all others.
    pub(crate) fn first(&mut self, task: Task) {
        self.tasks.push_front(task);
    }

    /// Adds a task after all others.
    pub(crate) fn last(&mut self, task: Task) {
        self.tasks.push_back(task);
    }

    /// The call that is to be made, remembered for its answer.
    pub(crate) fn ask(&mut self, pending: Pending, task: &Task, what: CallKind) -> Option<Call> {
        self.pending = Some(pending);
        let link = &self.members[task.member].links[task.link];
        Some(Call {
            connection: link.connection.clone(),
            remote: link.remote.clone(),
            what,
        })
    }

    /// Takes what came of the call that [`Plan::advance`] wanted.
    pub fn answer(&mut self, answer: Answer) {
        let (Some(pending), Some(mut task)) = (self.pending.take(), self.tasks.pop_front()) else {
            return;
        };
        match (pending, answer) {
            (_, Answer::NoTime) => {
                self.wait_in(0.0, "it took too long; trying again".to_owned());
                self.ending.stops = true;
            }
            (Pending::Get, Answer::Event(Some(listed))) => match listed.event {
                Ok(event) => {
                    self.members[task.member].was_read = true;
                    // An occurrence's id is the provider's own.
                    let link = &mut self.members[task.member].links[task.link];
                    link.remote = RemoteId(event.id.clone());
                    let is_others = self.is_of_other_series(task.member, task.link, &event);
                    if is_others && !event.is_cancelled {
                        return self.leave_occurrence(&task);
                    }
                    task.seen = Seen::Found(Box::new(event));
                    self.first(task);
                }
                Err(unreadable) => self.refuse(task.member, unreadable.why),
            },
            (Pending::Probe, Answer::Answers) => match self.refusal.take() {
                Some((error, write)) => self.refused(task, Some(&write), &error),
                None => {
                    task.seen = Seen::NotFound;
                    self.first(task);
                }
            },
            (Pending::Write(write), Answer::Event(listed)) => {
                self.members[task.member].was_read = true;
                self.written(&task, &write, listed);
            }
            (Pending::Write(write), Answer::Error(error)) => {
                self.failed(task, Some(&write), &error)
            }
            (Pending::Get | Pending::Probe, Answer::Error(error)) => {
                self.refusal = None;
                self.failed(task, None, &error)
            }
            (Pending::Get | Pending::Probe, Answer::Event(_) | Answer::Answers)
            | (Pending::Write(_), Answer::Answers) => self.first(task),
        }
    }

    /// The remote event of a read that was answered.
    pub(crate) fn found(task: &Task) -> Option<&RemoteEvent> {
        match &task.seen {
            Seen::Found(event) => Some(event),
            Seen::NotRead | Seen::NotFound => None,
        }
    }
}
