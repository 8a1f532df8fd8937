//! Coming to rest: all faults end, everybody does what is left to do, and then nothing moves any more.

use super::run::{Run, Violation, broken, violation};
use super::step::Role;
use anyhow::Result;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use store::sides::{Act, Picture, Statement};
use store::{AccountState, EventId, ParkedState, WorkState};

/// Seconds that pass between the looks at what is left.
const PAUSES: [i64; 12] = [
    5, 60, 120, 600, 3_700, 3_700, 3_700, 7_300, 7_300, 7_300, 7_300, 7_300,
];

impl Run {
    /// Comes to rest and checks what must hold then.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        self.end_delays()?;
        // The first time Google may still fail, and it may turn out that a person is needed; the last time
        // finds what only the hourly listings show.
        for time in 0..3 {
            if time == 1 {
                self.end_faults().map_err(broken)?;
            }
            if time > 0 {
                self.retry()?;
            }
            self.quiet(time > 0)?;
            self.pass(7_300);
        }
        let written = self.check_written()?;
        self.turn();
        let again = self.world.take_written();
        if !again.is_empty() {
            let found = format!("after {written} writes: {again:#?}");
            return Err(violation("at rest nothing writes to Google", found));
        }
        if let Some(left) = self.left() {
            return Err(violation("at rest there is no new work", left));
        }
        self.check()?;
        self.role.1 = false;
        Ok(())
    }

    /// Whatever stands still goes on, what is late arrives, and a calendar is shared again.
    fn end_delays(&mut self) -> Result<(), Violation> {
        self.world.forgive();
        while self.stands_still() {
            self.resume();
        }
        self.tally.late += self.world.land();
        self.give_all_back()?;
        if self.role.0 == Role::None {
            self.share(Role::Writer).map_err(broken)?;
        }
        Ok(())
    }

    fn end_faults(&mut self) -> Result<()> {
        let rules = self.world.control("GET", "faults", &Value::Null)?;
        let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
        let unused: u64 = rules.iter().filter_map(|rule| rule["count"].as_u64()).sum();
        self.tally.faults += self.faults.saturating_sub(unused);
        self.faults = 0;
        self.world.control("DELETE", "faults", &Value::Null)?;
        Ok(())
    }

    /// What a person does who looks at the list of errors: deletes exceptions that the series has no place
    /// for any more or Google does not give back, asks for the right to write, tries again, and agrees.
    fn retry(&mut self) -> Result<(), Violation> {
        let picture = self.world.look();
        for (event, row) in &picture.rows {
            let error = row.shown.error.as_deref().unwrap_or_default();
            let has_no_place = error.starts_with("the series has no occurrence")
                || error.starts_with("Google does not give the occurrence back");
            if has_no_place {
                let delete = Statement::Delete {
                    event: event.clone(),
                };
                self.world
                    .store
                    .transact(&[delete])
                    .map_err(|error| broken(error.into()))?;
            }
            if error.starts_with("this calendar can only be read") {
                self.share(Role::Writer).map_err(broken)?;
            }
        }
        for (root, work) in picture.works {
            let notes = match work.state {
                WorkState::Open => continue,
                WorkState::Dead => Map::new(),
                WorkState::Held => Map::from_iter([("decision".to_owned(), json!("apply"))]),
            };
            self.world.store.act(&Act::Retry { event: root, notes });
        }
        Ok(())
    }

    /// Users whose access was withdrawn connect again; says whether there were any.
    fn reconnect(&mut self) -> bool {
        let mut were = false;
        for person in &self.people {
            let state = self.world.store.account_state(&person.account);
            if state == Some(AccountState::ReconnectNeeded) {
                self.world.connect_account(person);
                were = true;
            }
        }
        were
    }

    /// Lets messages arrive and the clock tick until nothing is left to do.
    fn quiet(&mut self, must: bool) -> Result<(), Violation> {
        for seconds in PAUSES {
            self.turn();
            let reconnected = self.reconnect();
            let awaits = self.awaits_messages().map_err(broken)?;
            if self.left().is_none() && !awaits && !reconnected {
                return Ok(());
            }
            self.pass(seconds);
        }
        match self.left().filter(|_| must) {
            Some(left) => {
                let log = self.world.log();
                let last = &log[log.len().saturating_sub(6)..];
                let found = format!("{left}\n{}", last.join("\n"));
                Err(violation("everything comes to rest", found))
            }
            None => Ok(()),
        }
    }

    fn turn(&mut self) {
        self.notify(1, false);
        self.world.tick();
        self.notify(1, false);
    }

    fn pass(&self, seconds: i64) {
        self.world.pass(TimeDelta::seconds(seconds));
    }

    /// What is left to do, if anything is.
    fn left(&self) -> Option<String> {
        if self.world.store.is_at_rest() {
            return None;
        }
        let picture = self.world.look();
        let (removed, waits) = self.waits(&picture);
        let Picture {
            works,
            mut unacknowledged,
            mut attempts,
            parked,
            ..
        } = picture;
        let works: Vec<_> = works
            .into_iter()
            .filter(|(root, work)| work.state == WorkState::Open && !waits.contains(root))
            .collect();
        unacknowledged.retain(|event| !waits.contains(event));
        attempts.retain(|event, _| !waits.contains(event));
        let waits = |event: &Option<EventId>| event.as_ref().is_some_and(|id| waits.contains(id));
        let parked: Vec<_> = parked
            .into_iter()
            .filter(|parked| parked.state != ParkedState::Quarantined)
            .filter(|parked| !removed.contains(&parked.connection) && !waits(&parked.event))
            .collect();
        let nothing = works.is_empty()
            && unacknowledged.is_empty()
            && attempts.is_empty()
            && parked.is_empty();
        (!nothing).then(|| {
            format!(
                "{works:?} {unacknowledged:?} {:?} {parked:?}",
                attempts.keys()
            )
        })
    }

    fn awaits_messages(&self) -> Result<bool> {
        let messages = self.world.control("GET", "notifications", &Value::Null)?;
        Ok(messages["waiting"]
            .as_array()
            .is_some_and(|all| !all.is_empty()))
    }
}
