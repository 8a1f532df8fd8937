//! The clock's turn: what is due, within a budget. Ticks at once do no harm: whatever they do is leased first, and
//! the store has two of them at work.

use crate::access::Accounts;
use crate::pull::pull_until;
use crate::push::push_until;
use crate::{Env, Pulled, Pushed};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::collections::BTreeSet;
use store::{AskDue, ConnectionId, Due, EventId, Store, StoreError, Trigger};

/// What a tick did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickReport {
    /// Families by what came of them.
    pub pushed: Pushed,
    /// Connections listed.
    pub connections: u32,
    /// What the listings came to.
    pub pulled: Pulled,
    /// What did not go well, for people.
    pub problems: Vec<String>,
    /// More was due than the time allowed.
    pub unfinished: bool,
}

/// How long a tick takes at most before it leaves the rest to the next one; a call under way ends.
const BUDGET: TimeDelta = TimeDelta::seconds(20);

/// Families and connections that are asked for at once.
const MOST: u32 = 100;

/// Does what is due.
///
/// # Errors
/// [`StoreError`]: what is due could not be asked. Later errors are in the report.
pub async fn tick<S: Store, A: Accounts>(env: &Env<'_, S, A>) -> Result<TickReport, StoreError> {
    let mut run = Run {
        env,
        end: (env.clock)() + BUDGET,
        ticked: TickReport::default(),
        events: BTreeSet::new(),
        connections: BTreeSet::new(),
    };
    let mut ask = AskDue {
        instance: env.instance.to_owned(),
        tick: (env.new_id)(),
        most: MOST,
    };
    let mut due = env.store.due(&ask).await?;
    while !due.is_empty() {
        // What was done a moment ago and is due again has its next turn with the next tick.
        due.events.retain(|event| run.events.insert(event.clone()));
        due.connections
            .retain(|connection| run.connections.insert(connection.clone()));
        let is_over = due.is_empty() || {
            run.work(due).await;
            run.is_over()
        };
        if is_over {
            ask.most = 0;
        }
        due = match env.store.due(&ask).await {
            Ok(next) => next,
            Err(error) => {
                run.ticked.problems.push(error.to_string());
                return Ok(run.ticked);
            }
        };
    }
    Ok(run.ticked)
}

struct Run<'a, S, A> {
    env: &'a Env<'a, S, A>,
    end: DateTime<Utc>,
    ticked: TickReport,
    /// What has had its turn.
    events: BTreeSet<EventId>,
    connections: BTreeSet<ConnectionId>,
}

impl<S: Store, A: Accounts> Run<'_, S, A> {
    async fn work(&mut self, due: Due) {
        if !due.events.is_empty() {
            match push_until(self.env, &due.events, self.end).await {
                Ok(pushed) => {
                    self.ticked.problems.extend(pushed.refused.clone());
                    self.ticked.pushed.add(pushed);
                }
                Err(error) => self.ticked.problems.push(error.to_string()),
            }
        }
        for connection in due.connections {
            if self.is_over() {
                return;
            }
            self.ticked.connections += 1;
            let trigger = Trigger::Connection(connection);
            match pull_until(self.env, trigger, self.end).await {
                Ok(pulled) => {
                    self.ticked.problems.extend(pulled.problem.clone());
                    self.ticked.pulled.add(pulled);
                }
                Err(error) => self.ticked.problems.push(error.to_string()),
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.ticked.unfinished = (self.env.clock)() >= self.end;
        self.ticked.unfinished
    }
}

impl Pushed {
    pub(crate) fn add(&mut self, other: Self) {
        for (what, count) in other.families {
            *self.families.entry(what).or_default() += count;
        }
        self.waiting.extend(other.waiting);
        self.refused.extend(other.refused);
    }
}

impl Pulled {
    pub(crate) fn add(&mut self, other: Self) {
        self.pages += other.pages;
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
        self.pushed.add(other.pushed);
    }
}
