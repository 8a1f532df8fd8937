//! A story being lived through.

use super::calendars::Lost;
use super::life::Life;
use super::step::{Fault, FaultKind, Role, Step, Story, Which};
use crate::{Instance, Person, Worked, World};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use store::{ConnectionId, EventId, LinkState, RemoteId};

/// How a history broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise; shrinking keeps to it.
    pub promise: &'static str,
    /// What was found.
    pub found: String,
}

/// What happened in histories, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Histories.
    pub histories: u64,
    /// Calls to Google.
    pub calls: u64,
    /// Calls to the database.
    pub stored: u64,
    /// Calls that Google failed.
    pub faults: u64,
    /// Instances that were killed.
    pub kills: u64,
    /// Instances that stood still, and calls that took effect late.
    pub late: u64,
    /// Conflicts in the events' histories.
    pub conflicts: u64,
    /// Steps by what they are.
    pub steps: BTreeMap<String, u64>,
    /// What was drawn for histories and their users: choices, and positions of the simulator's switches.
    pub drawn: BTreeMap<String, u64>,
}

impl Tally {
    /// Adds another's numbers.
    pub fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.calls += other.calls;
        self.stored += other.stored;
        self.faults += other.faults;
        self.kills += other.kills;
        self.late += other.late;
        self.conflicts += other.conflicts;
        for (what, count) in other.steps {
            *self.steps.entry(what).or_default() += count;
        }
        for (what, count) in other.drawn {
            *self.drawn.entry(what).or_default() += count;
        }
    }

    pub(super) fn draw(&mut self, what: &str) {
        *self.drawn.entry(what.to_owned()).or_default() += 1;
    }
}

/// A story in a system.
pub struct Run {
    pub(super) world: World,
    pub(super) people: Vec<Person>,
    /// By user, the primary one first.
    pub(super) calendars: Vec<Vec<(ConnectionId, String)>>,
    /// The calendar that Ann and Bob share.
    pub(super) team: Option<String>,
    /// What Bob may do there, and whether that has changed since the last rest.
    pub(super) role: (Role, bool),
    /// Google tells of changed reminders.
    pub(super) tells_reminders: bool,
    /// What is written can be read at once.
    pub(super) shows_at_once: bool,
    pub(super) lost: Lost,
    pub(super) lives: BTreeMap<Which, Life>,
    pub(super) tally: Tally,
    pub(super) faults: u64,
    /// Who acts, where it is not the owner.
    pub(super) actor: Option<usize>,
    pub(crate) held: VecDeque<Instance>,
}

/// Lives through a story in a system of its own.
///
/// # Errors
/// The promise that it broke.
pub fn live(story: &Story) -> Result<Tally, Violation> {
    live_on(story, &World::new)
}

/// Makes a world of a seed and a time.
pub type NewWorld<'a> = dyn Fn(u64, DateTime<Utc>) -> World + 'a;

/// The same in a world that `on` makes.
///
/// # Errors
/// The promise that it broke.
pub fn live_on(story: &Story, on: &NewWorld<'_>) -> Result<Tally, Violation> {
    let mut run = Run::start(story, on).map_err(broken)?;
    run.live(story)
}

/// The same, with what happened on the way.
pub fn tell(story: &Story) -> (Result<Tally, Violation>, Vec<String>) {
    match Run::start(story, &World::new) {
        Err(error) => (Err(broken(error)), Vec::new()),
        Ok(mut run) => {
            run.world.listen();
            let lived = run.live(story);
            (lived, run.world.log())
        }
    }
}

impl Run {
    pub(crate) fn live(&mut self, story: &Story) -> Result<Tally, Violation> {
        for step in &story.steps {
            self.step(step)?;
        }
        self.step(&Step::Settle)?;
        let history = self.world.store.history();
        let conflicts = history.iter().filter(|line| line.kind == "conflict");
        Ok(Tally {
            histories: 1,
            calls: self.world.calls(),
            stored: self.world.stored(),
            kills: self.world.killed(),
            conflicts: conflicts.count() as u64,
            ..self.tally.clone()
        })
    }
}

/// Whatever should not happen at all.
pub(super) fn broken(error: anyhow::Error) -> Violation {
    violation("every part answers", format!("{error:#}"))
}

pub(super) fn violation(promise: &'static str, found: impl Into<String>) -> Violation {
    Violation {
        promise,
        found: found.into(),
    }
}

impl Run {
    /// One step.
    ///
    /// # Errors
    /// The promise that it broke.
    pub fn step(&mut self, step: &Step) -> Result<(), Violation> {
        *self.tally.steps.entry(name(step)).or_default() += 1;
        self.world.lines.tell(|| format!("STEP {step:?}"));
        match step {
            Step::Crm(changes) => self.transaction(changes)?,
            Step::CrmOf(user, changes) => {
                self.actor = (*user < self.people.len()).then_some(*user);
                self.transaction(changes)?;
                self.actor = None;
            }
            Step::Google(act) => self.act(act).map_err(broken)?,
            Step::GoogleOf(user, act) => {
                self.actor = (*user < self.people.len()).then_some(*user);
                self.act(act).map_err(broken)?;
                self.actor = None;
            }
            Step::Poke(event) => {
                if let Some(row) = self.row(*event) {
                    self.serve(self.world.poking(&row));
                }
            }
            Step::Tick => drop(self.serve(self.world.ticking())),
            Step::Notify { times, reversed } => self.notify(*times, *reversed),
            Step::Wait(seconds) => self.world.pass(TimeDelta::seconds(i64::from(*seconds))),
            Step::Fault(fault) => self.fault(fault).map_err(broken)?,
            Step::Fate(call, fate) => self.world.plan(*call, *fate),
            Step::Resume => self.resume(),
            Step::Land => self.tally.late += self.world.land(),
            Step::Revoke(user) => {
                if let Some(person) = self.people.get(*user) {
                    self.world.revoke(&person.email).map_err(broken)?;
                }
            }
            Step::Share(role) => self.share(*role).map_err(broken)?,
            Step::Admit(role) => self.admit(*role).map_err(broken)?,
            Step::Away(user) => self.take_away(*user).map_err(broken)?,
            Step::Back(user) => self.give_back(*user)?,
            Step::Remove(user) => self.remove(*user).map_err(broken)?,
            Step::Settle => self.settle()?,
        }
        // No two steps happen at the same moment, so that the later edit is known to be the later one.
        self.world.pass(TimeDelta::milliseconds(700));
        Ok(())
    }

    /// Lets an instance work; one that comes to stand still is kept. Whether it answered.
    pub(crate) fn serve(&mut self, instance: Instance) -> bool {
        match self.world.work(instance) {
            Worked::Done => true,
            Worked::Killed => false,
            Worked::Stands(instance) => {
                self.tally.late += 1;
                self.held.push_back(instance);
                false
            }
        }
    }

    pub(super) fn resume(&mut self) {
        if let Some(instance) = self.held.pop_front() {
            self.serve(instance);
        }
    }

    pub(super) fn stands_still(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn notify(&mut self, times: u8, reversed: bool) {
        let mut due = self.world.simulator.due_notifications();
        if reversed {
            due.reverse();
        }
        for message in due {
            let mut status = Some(200);
            for _ in 0..times {
                status = self.serve(self.world.notifying(&message)).then_some(200);
            }
            self.world.simulator.delivered(message.id, status);
        }
    }

    pub(crate) fn fault(&mut self, fault: &Fault) -> Result<()> {
        let mut rule = match fault.kind {
            FaultKind::Rate429 => json!({"status": 429, "reason": "rateLimitExceeded"}),
            FaultKind::Rate403 => json!({"status": 403, "reason": "userRateLimitExceeded"}),
            FaultKind::Error503Before => json!({"status": 503, "reason": "backendError"}),
            FaultKind::Error500After => {
                json!({"when": "after", "status": 500, "reason": "backendError"})
            }
            FaultKind::CutBefore => json!({"cut": true}),
            FaultKind::CutAfter => json!({"when": "after", "cut": true}),
            FaultKind::ExpiredToken => json!({"status": 401, "reason": "authError"}),
            FaultKind::SyncTokenGone => json!({"status": 410, "reason": "fullSyncRequired"}),
        };
        rule["method"] = json!(fault.method);
        rule["count"] = json!(fault.count);
        self.faults += u64::from(fault.count);
        self.world.control("POST", "faults", &rule).map(drop)
    }

    /// Who acts on an event.
    pub(super) fn acting(&self, which: Which) -> usize {
        let owner = self
            .lives
            .get(&Which::Event(which.event()))
            .map_or(0, |life| life.owner);
        self.actor.unwrap_or(owner)
    }

    /// The acting user's row of an event, as far as there is one.
    pub(super) fn row(&self, which: Which) -> Option<EventId> {
        let user = self.acting(which);
        let life = self.lives.get(&which);
        let own = life
            .filter(|life| life.owner == user)
            .and_then(|life| life.row.clone());
        if own.is_some() {
            return own;
        }
        match which {
            Which::Event(_) => {
                let place = life?.place.clone().or_else(|| self.place(which))?;
                self.linked_to(which, user, place)
            }
            Which::Occurrence(series, number) => {
                let master = self.row(Which::Event(series));
                let start = self.start_of(series, number);
                let rows = self.world.store.events().into_iter();
                let mut rows =
                    rows.filter_map(|event| Some((self.world.store.row(&event)?.row, event)));
                let found = rows.find(|(row, _)| {
                    row.series.is_some()
                        && row.series == master
                        && row.original_start.as_deref() == Some(start.as_str())
                });
                // One that outlived its series stands by itself.
                found
                    .map(|(_, event)| event)
                    .or_else(|| self.linked_to(which, user, self.place(which)?))
            }
        }
    }

    pub(crate) fn linked_to(
        &self,
        which: Which,
        user: usize,
        (calendar, id): (String, String),
    ) -> Option<EventId> {
        // Who sees the event itself has it there; others have a guest's copy.
        let mut calendars: Vec<_> = self.calendars.get(user)?.iter().collect();
        if calendars.iter().any(|(_, of)| *of == calendar) {
            calendars.retain(|(_, of)| *of == calendar);
        }
        let links = calendars.into_iter();
        let mut links = links
            .filter(|(_, of)| !self.is_anothers(which, of))
            .filter_map(|(at, _)| self.world.store.link(at, &RemoteId(id.clone())));
        links.next().map(|link| link.event)
    }

    /// The calendar and the Google id of an event at its owner's, as far as it is there.
    pub(super) fn place(&self, which: Which) -> Option<(String, String)> {
        let life = self.lives.get(&Which::Event(which.event()))?;
        let mut found = None;
        if let Some(row) = &life.row {
            let links = self.world.store.links(row).into_iter();
            let mut links = links.filter(|link| {
                link.state != LinkState::Reserved && link.state != LinkState::Leaving
            });
            found = links.find_map(|link| {
                let mut own = self.calendars.get(life.owner)?.iter();
                let (_, calendar) = own.find(|(id, _)| *id == link.connection)?;
                Some((calendar.clone(), link.remote.0))
            });
        }
        // Where it was moved to, unless its row has another event by now.
        if let Some(moved) = &life.place
            && found.as_ref().is_none_or(|(_, id)| *id == moved.1)
        {
            found = Some(moved.clone());
        }
        found.map(|(calendar, id)| match which {
            Which::Event(_) => (calendar, id),
            Which::Occurrence(series, number) => {
                let stamp = self.start_of(series, number).replace(['-', ':'], "");
                (calendar, format!("{id}_{stamp}"))
            }
        })
    }

    /// The planned start of an occurrence, as rows name it.
    pub(super) fn start_of(&self, series: u32, number: u32) -> String {
        let life = self.lives.get(&Which::Event(series));
        let plan = life.map(|life| life.plan).unwrap_or_default();
        plan.start(number).0
    }
}

pub(crate) fn name(step: &Step) -> String {
    let value = serde_json::to_value(step).unwrap_or_default();
    let key = |value: &Value| {
        value
            .as_object()
            .and_then(|object| object.keys().next().cloned())
    };
    let name = key(&value)
        .or_else(|| value.as_str().map(str::to_owned))
        .unwrap_or_default();
    let inner = match step {
        Step::Google(_) => key(&value["google"]),
        Step::GoogleOf(..) => key(&value["google_of"][1]),
        Step::Crm(_) => key(&value["crm"][0]),
        Step::CrmOf(..) => key(&value["crm_of"][1][0]),
        Step::Poke(_)
        | Step::Tick
        | Step::Notify { .. }
        | Step::Wait(_)
        | Step::Fault(_)
        | Step::Fate(..)
        | Step::Resume
        | Step::Land
        | Step::Revoke(_)
        | Step::Share(_)
        | Step::Admit(_)
        | Step::Away(_)
        | Step::Back(_)
        | Step::Remove(_)
        | Step::Settle => None,
    };
    inner.map_or(name.clone(), |inner| format!("{name} {inner}"))
}
