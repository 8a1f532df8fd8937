//! A story being lived through.

use super::life::Life;
use super::step::{Fault, FaultKind, Scope, Step, Story, Which};
use crate::inprocess::{Database, Instance, Person, System};
use anyhow::Result;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

/// How a history broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise; shrinking keeps to it.
    pub promise: &'static str,
    /// What was found.
    pub found: String,
}

/// What happened in histories, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Histories.
    pub histories: u64,
    /// Steps.
    pub steps: u64,
    /// Calls through the door.
    pub calls: u64,
    /// Calls that Google failed.
    pub faults: u64,
    /// Instances that were killed.
    pub kills: u64,
    /// Instances that stood still, and calls that took effect late.
    pub late: u64,
    /// Conflicts in the events' histories.
    pub conflicts: u64,
}

impl Tally {
    /// Adds another's numbers.
    pub fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.steps += other.steps;
        self.calls += other.calls;
        self.faults += other.faults;
        self.kills += other.kills;
        self.late += other.late;
        self.conflicts += other.conflicts;
    }
}

/// A story in a system.
pub struct Run<'a> {
    pub(super) system: &'a System,
    pub(super) people: Vec<Person>,
    /// By user, the primary one first.
    pub(super) calendars: Vec<Vec<String>>,
    pub(super) lives: BTreeMap<Which, Life>,
    pub(super) tally: Tally,
    pub(super) faults: u64,
    /// The last entry of the events' histories that has been looked at.
    counted: i64,
    held: VecDeque<Instance<'a>>,
}

/// Lives through a story in a system of its own on `database`, which is handed back.
///
/// # Errors
/// When the database cannot be cleared; a broken promise is no error.
pub async fn live(
    mut database: Database,
    story: &Story,
) -> Result<(Database, Result<Tally, Violation>)> {
    database.clear().await?;
    let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap_or_default();
    let system = System::on(database, story.seed, now).await?;
    let lived = lived(&system, story).await;
    Ok((system.into_database(), lived))
}

async fn lived(system: &System, story: &Story) -> Result<Tally, Violation> {
    let mut run = Run::start(system, story.scope, story.seed)
        .await
        .map_err(broken)?;
    for step in &story.steps {
        run.step(step).await?;
    }
    run.step(&Step::Settle).await?;
    Ok(Tally {
        histories: 1,
        steps: story.steps.len() as u64,
        calls: system.calls(),
        kills: system.killed(),
        ..run.tally
    })
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

impl<'a> Run<'a> {
    async fn start(system: &'a System, scope: Scope, seed: u64) -> Result<Self> {
        let mut run = Self {
            system,
            people: Vec::new(),
            calendars: Vec::new(),
            lives: BTreeMap::new(),
            tally: Tally::default(),
            faults: 0,
            counted: 0,
            held: VecDeque::new(),
        };
        // What is forgotten must not be missed.
        system
            .sql("insert into tandem.settings values ('history_days', '1')")
            .await?;
        let users: &[(&str, &str)] = match scope.several_users {
            true => &[("a", "ann"), ("b", "bob"), ("c", "ann")],
            false => &[("a", "ann")],
        };
        for (id, name) in users {
            let person = Person {
                id: format!("{id}0000000-0000-4000-8000-000000000001"),
                email: format!("{name}@example.com"),
            };
            let member = "insert into tandem.members values ($1::text::uuid, $2)";
            let tenant = format!("history {seed}");
            system
                .database
                .execute(member, &[&person.id, &tenant])
                .await?;
            system.connect(&person).await?;
            let mut calendars = vec![person.email.clone()];
            if scope.several_calendars {
                calendars.push(system.add_calendar(&person, "Second").await?);
            }
            run.calendars.push(calendars);
            run.people.push(person);
        }
        if scope.settings {
            run.set_connections(seed).await?;
        }
        if scope.several_calendars {
            system.tick().await;
        }
        Ok(run)
    }

    /// Users differ in who wins a conflict, histories in whether guests get mail.
    async fn set_connections(&self, seed: u64) -> Result<()> {
        let mail = ["none", "all"][usize::from(seed.is_multiple_of(4))];
        for (person, number) in self.people.iter().zip(seed..) {
            let policy = ["latest", "crm", "google"][(number % 3) as usize];
            let set = "update tandem.connections set policy = $2, send_updates = $3 where user_id = $1::text::uuid";
            let database = &self.system.database;
            database.execute(set, &[&person.id, policy, mail]).await?;
        }
        Ok(())
    }

    /// One step.
    ///
    /// # Errors
    /// The promise that it broke.
    pub async fn step(&mut self, step: &Step) -> Result<(), Violation> {
        match step {
            Step::Crm(changes) => self.transaction(changes).await?,
            Step::Google(act) => self.act(act).await.map_err(broken)?,
            Step::Poke(event) => {
                if let Some(row) = self.row(*event).await.map_err(broken)? {
                    self.serve(self.system.poking(&row)).await;
                }
            }
            Step::Tick => self.serve(self.system.ticking()).await,
            Step::Notify { times, reversed } => self.notify(*times, *reversed).await,
            Step::Wait(seconds) => self.wait(i64::from(*seconds) * 1000).await?,
            Step::Fault(fault) => self.fault(fault).map_err(broken)?,
            Step::Fate(call, fate) => self.system.kill(*call, *fate),
            Step::Resume => self.resume().await,
            Step::Land => self.tally.late += self.system.land().await as u64,
            Step::Revoke(user) => {
                if let Some(person) = self.people.get(*user) {
                    let path = format!("users/{}/revoke", person.email);
                    let revoked = self.system.control("POST", &path, &Value::Null);
                    revoked.map_err(broken)?;
                }
            }
            Step::Settle => self.settle().await?,
        }
        self.count_conflicts().await.map_err(broken)?;
        // No two steps happen at the same moment, so that the later edit is known to be the later one.
        self.wait(700).await
    }

    /// Those since the last step: what is old is forgotten.
    async fn count_conflicts(&mut self) -> Result<()> {
        let new = "select jsonb_build_array(count(*), coalesce(max(h.id), 0)) from tandem.history h where h.kind = 'conflict' and h.id > $1::text::bigint";
        let counted = self.counted.to_string();
        let found = self.system.database.value(new, &[&counted]).await?;
        self.tally.conflicts += found[0].as_u64().unwrap_or_default();
        self.counted = self.counted.max(found[1].as_i64().unwrap_or_default());
        Ok(())
    }

    async fn wait(&self, milliseconds: i64) -> Result<(), Violation> {
        let passed = self
            .system
            .advance(TimeDelta::milliseconds(milliseconds))
            .await;
        passed.map_err(broken)
    }

    /// Lets an instance work; one that comes to stand still is kept.
    async fn serve(&mut self, instance: Instance<'a>) {
        if let Err(standing) = self.system.work(instance).await {
            self.tally.late += 1;
            self.held.push_back(standing);
        }
    }

    pub(super) async fn resume(&mut self) {
        if let Some(instance) = self.held.pop_front() {
            self.system.release();
            self.serve(instance).await;
        }
    }

    pub(super) fn stands_still(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) async fn notify(&mut self, times: u8, reversed: bool) {
        let mut due = self.system.simulator.due_notifications();
        if reversed {
            due.reverse();
        }
        for notification in due {
            let mut status = Some(200);
            for _ in 0..times {
                let instance = self.system.notifying(notification.request.clone());
                match self.system.work(instance).await {
                    Ok(reply) => status = reply.map(|reply| reply.response.status().as_u16()),
                    Err(standing) => {
                        self.tally.late += 1;
                        self.held.push_back(standing);
                        status = None;
                    }
                }
            }
            self.system.simulator.delivered(notification.id, status);
        }
    }

    fn fault(&mut self, fault: &Fault) -> Result<()> {
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
        self.system.control("POST", "faults", &rule).map(drop)
    }

    /// The row of an event, as far as there is one.
    pub(super) async fn row(&self, which: Which) -> Result<Option<String>> {
        let Some(life) = self.lives.get(&which) else {
            return Ok(None);
        };
        let row = match (&life.row, &life.place, which) {
            (Some(row), _, _) => json!(row),
            (None, Some((_, google_id)), Which::Event(_)) => {
                let linked = "select l.event_id from tandem.links l where l.google_id = $1 and l.is_primary order by l.id limit 1";
                self.system.database.value(linked, &[google_id]).await?
            }
            (None, _, Which::Occurrence(series, number)) => {
                let Some(master) = Box::pin(self.row(Which::Event(series))).await? else {
                    return Ok(None);
                };
                let start = self.start_of(series, number);
                let known = "select e.id from public.events e where e.recurring_event_id = $1::text::uuid and e.original_start = $2";
                self.system
                    .database
                    .value(known, &[&master, &start])
                    .await?
            }
            (None, None, Which::Event(_)) => Value::Null,
        };
        Ok(row.as_str().map(str::to_owned))
    }

    /// The calendar and the Google id of an event, as far as it is there.
    pub(super) async fn place(&self, which: Which) -> Result<Option<(String, String)>> {
        let Some(life) = self.lives.get(&Which::Event(which.event())) else {
            return Ok(None);
        };
        let mut found = None;
        if let Some(row) = &life.row {
            let linked = "select jsonb_build_array(c.google_id, l.google_id) from tandem.links l join tandem.calendars c on c.id = l.calendar_id
                where l.event_id = $1::text::uuid and l.is_primary and l.state <> 'reserved'";
            let place = self.system.database.value(linked, &[row]).await?;
            found = serde_json::from_value::<(String, String)>(place).ok();
        }
        // Where it was moved to, unless its row has another event by now.
        if let Some(moved) = &life.place
            && found.as_ref().is_none_or(|(_, id)| *id == moved.1)
        {
            found = Some(moved.clone());
        }
        Ok(found.map(|(calendar, id)| match which {
            Which::Event(_) => (calendar, id),
            Which::Occurrence(series, number) => {
                let stamp = self.start_of(series, number).replace(['-', ':'], "");
                (calendar, format!("{id}_{stamp}"))
            }
        }))
    }

    /// The planned start of an occurrence, as rows name it.
    pub(super) fn start_of(&self, series: u32, number: u32) -> String {
        let life = self.lives.get(&Which::Event(series));
        let plan = life.map(|life| life.plan).unwrap_or_default();
        plan.start(number).0
    }
}
