//! Makes a failing story smaller for as long as it breaks the same promise.

use super::run::{Violation, live};
use super::step::{Act, Change, Step, Story};
use crate::inprocess::Database;
use anyhow::Result;

/// Stories that are tried at most.
const TRIES: usize = 300;

struct Shrinking {
    database: Option<Database>,
    story: Story,
    violation: Violation,
    tries: usize,
}

/// The smallest story found that breaks the same promise, and how it does.
///
/// # Errors
/// When the database is lost.
pub async fn shrink(
    database: Database,
    story: Story,
    violation: Violation,
) -> Result<(Database, Story, Violation)> {
    let mut shrinking = Shrinking {
        database: Some(database),
        story,
        violation,
        tries: 0,
    };
    loop {
        let before = shrinking.story.clone();
        shrinking.leave_out().await?;
        shrinking.simplify().await?;
        if shrinking.story == before || shrinking.tries >= TRIES {
            break;
        }
    }
    let database = match shrinking.database {
        Some(database) => database,
        None => Database::new().await?,
    };
    Ok((database, shrinking.story, shrinking.violation))
}

impl Shrinking {
    /// Leaves out as many steps in a row as possible, then fewer.
    async fn leave_out(&mut self) -> Result<()> {
        let mut many = self.story.steps.len().div_ceil(2);
        while many > 0 {
            let mut at = 0;
            while at < self.story.steps.len() {
                let mut steps = self.story.steps.clone();
                steps.drain(at..(at + many).min(steps.len()));
                if !self.fails(steps).await? {
                    at += many;
                }
            }
            many /= 2;
        }
        Ok(())
    }

    async fn simplify(&mut self) -> Result<()> {
        let mut at = 0;
        while at < self.story.steps.len() {
            for simpler in simpler(&self.story.steps[at]) {
                let mut steps = self.story.steps.clone();
                steps[at] = simpler;
                if self.fails(steps).await? {
                    break;
                }
            }
            at += 1;
        }
        Ok(())
    }

    async fn fails(&mut self, steps: Vec<Step>) -> Result<bool> {
        if self.tries >= TRIES {
            return Ok(false);
        }
        self.tries += 1;
        let story = Story {
            steps,
            ..self.story.clone()
        };
        let database = match self.database.take() {
            Some(database) => database,
            None => Database::new().await?,
        };
        let (database, lived) = live(database, &story).await?;
        self.database = Some(database);
        match lived {
            Err(violation) if violation.promise == self.violation.promise => {
                self.story = story;
                self.violation = violation;
                Ok(true)
            }
            Err(_) | Ok(_) => Ok(false),
        }
    }
}

/// Steps that do less.
fn simpler(step: &Step) -> Vec<Step> {
    match step {
        Step::Crm(changes) => {
            let mut all = Vec::new();
            for (at, change) in changes.iter().enumerate() {
                if changes.len() > 1 {
                    let mut fewer = changes.clone();
                    fewer.remove(at);
                    all.push(Step::Crm(fewer));
                }
                for less in less(change) {
                    let mut changed = changes.clone();
                    changed[at] = less;
                    all.push(Step::Crm(changed));
                }
            }
            all
        }
        Step::Google(act) => less_of(act).into_iter().map(Step::Google).collect(),
        Step::Notify { times, reversed } if *times > 1 || *reversed => vec![Step::Notify {
            times: 1,
            reversed: false,
        }],
        Step::Wait(seconds) if *seconds > 1 => [60, 3_600, seconds / 2]
            .iter()
            .filter(|less| *less < seconds)
            .map(|less| Step::Wait(*less))
            .collect(),
        Step::Fault(fault) if fault.count > 1 => {
            let mut once = fault.clone();
            once.count = 1;
            vec![Step::Fault(once)]
        }
        Step::Notify { .. }
        | Step::Wait(_)
        | Step::Fault(_)
        | Step::Poke(_)
        | Step::Tick
        | Step::Fate(..)
        | Step::Resume
        | Step::Land
        | Step::Revoke(_)
        | Step::Settle => Vec::new(),
    }
}

fn less(change: &Change) -> Vec<Change> {
    let mut all = Vec::new();
    if let Change::Insert { set, .. } | Change::Edit { set, .. } | Change::Split { set, .. } =
        change
    {
        for field in set.keys() {
            let mut less = change.clone();
            if let Change::Insert { set, .. }
            | Change::Edit { set, .. }
            | Change::Split { set, .. } = &mut less
            {
                set.remove(field);
            }
            all.push(less);
        }
    }
    all
}

fn less_of(act: &Act) -> Vec<Act> {
    let mut all = Vec::new();
    if let Act::Create { set, .. } | Act::Edit { set, .. } | Act::Split { set, .. } = act {
        for field in set.keys() {
            let mut less = act.clone();
            if let Act::Create { set, .. } | Act::Edit { set, .. } | Act::Split { set, .. } =
                &mut less
            {
                set.remove(field);
            }
            all.push(less);
        }
    }
    all
}
