//! The clock's turn: what is due, within a time budget. Many ticks at once do no harm: whatever they do
//! is claimed first.

use super::disconnect::disconnect;
use super::push::push;
use super::{Env, pull, token, watch};
use crate::crm::RowId;
use crate::db::DbError;
use crate::db::due::{self, Due};
use crate::db::pull::Trigger;
use chrono::{DateTime, TimeDelta, Utc};
use http_client::HttpClient;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How long a tick takes at most before it leaves the rest to the next one; a call under way ends.
const BUDGET: TimeDelta = TimeDelta::seconds(20);
/// Of each kind of work, per question; there are as many questions as the time allows.
const MOST: usize = 50;

/// What a tick did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ticked {
    /// Events by what came of them.
    pub events: BTreeMap<&'static str, u32>,
    /// Calendars listed.
    pub calendars: u32,
    /// Items of the listings by what became of them.
    pub items: BTreeMap<String, u64>,
    /// Channels opened or renewed.
    pub channels: u32,
    /// Channels stopped.
    pub stopped: usize,
    /// Disconnects that came to their end.
    pub disconnected: u32,
    /// Accounts whose tokens were sealed with the current key.
    pub resealed: usize,
    /// What did not go well, for people.
    pub problems: Vec<String>,
    /// More was due than the time allowed.
    pub unfinished: bool,
}

impl Ticked {
    /// For the log: numbers only.
    pub fn told(&self) -> serde_json::Value {
        serde_json::json!({
            "events": self.events, "calendars": self.calendars, "items": self.items, "channels": self.channels,
            "problems": self.problems.len(), "unfinished": self.unfinished,
        })
    }

    /// Takes a result in; its error is a problem.
    fn took<T>(&mut self, result: Result<T, DbError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                self.problems.push(error.to_string());
                None
            }
        }
    }
}

/// Does what is due.
///
/// # Errors
/// [`DbError`]: what is due could not be asked. Later errors are in the report.
pub async fn tick<D: HttpClient>(env: &Env<'_, D>) -> Result<Ticked, DbError> {
    let mut turn = Turn {
        env,
        end: (env.clock)() + BUDGET,
        ticked: Ticked::default(),
        done: BTreeSet::new(),
    };
    let mut due = ask(env).await?;
    loop {
        // What was done a moment ago and is due again has its next turn with the next tick.
        let more = due.is_cut();
        due.leave(&mut turn.done);
        let nothing_new = due.is_empty();
        turn.work(due).await;
        if nothing_new || !more || turn.is_over() {
            return Ok(turn.ticked);
        }
        let asked = ask(env).await;
        match turn.ticked.took(asked) {
            Some(next) => due = next,
            None => return Ok(turn.ticked),
        }
    }
}

async fn ask<D: HttpClient>(env: &Env<'_, D>) -> Result<Due, DbError> {
    let config = env.config;
    let secret = config.function_secrets.first().map(String::as_str);
    due::send(
        env.door,
        &config.database,
        config.instance(),
        MOST,
        secret.unwrap_or_default(),
        config.event_url.as_deref(),
        config.keys.current(),
    )
    .await
}

impl Due {
    /// Whether more may be due than the answer holds.
    fn is_cut(&self) -> bool {
        [
            self.events.len(),
            self.calendars.len(),
            self.channels.len(),
            self.stops.len(),
            self.disconnections.len(),
            self.seals.len(),
        ]
        .iter()
        .any(|count| *count >= MOST)
    }

    /// Drops what is in `done`, and puts the rest there.
    fn leave(&mut self, done: &mut BTreeSet<(u8, Uuid)>) {
        self.events.retain(|id| done.insert((0, id.0)));
        self.calendars.retain(|id| done.insert((1, *id)));
        self.channels.retain(|id| done.insert((2, *id)));
        self.stops.retain(|id| done.insert((3, *id)));
        self.disconnections.retain(|id| done.insert((4, *id)));
        self.seals
            .retain(|grant| done.insert((5, grant.account_id)));
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.calendars.is_empty()
            && self.channels.is_empty()
            && self.stops.is_empty()
            && self.disconnections.is_empty()
            && self.seals.is_empty()
    }
}

struct Turn<'a, D> {
    env: &'a Env<'a, D>,
    end: DateTime<Utc>,
    ticked: Ticked,
    /// What has had its turn, by kind.
    done: BTreeSet<(u8, Uuid)>,
}

impl<D: HttpClient> Turn<'_, D> {
    /// What nobody notices when it is missing comes first: a lapsed channel is silent.
    async fn work(&mut self, due: Due) {
        let resealed = token::reseal(self.env, &due.seals).await;
        self.ticked.resealed += self.ticked.took(resealed).unwrap_or_default();
        for calendar in due.channels {
            if self.is_over() {
                return;
            }
            self.watch(calendar).await;
        }
        for account in due.stops {
            if self.is_over() {
                return;
            }
            let stopped = watch::stop_rest(self.env, account).await;
            self.ticked.stopped += self.ticked.took(stopped).unwrap_or_default();
        }
        for id in due.disconnections {
            if self.is_over() {
                return;
            }
            let end = self.end;
            let over = disconnect(self.env, id, || (self.env.clock)() < end).await;
            self.ticked.disconnected += u32::from(self.ticked.took(over) == Some(true));
        }
        // In turns, so that neither a long import nor a long queue keeps the other waiting.
        let (mut events, mut calendars) = (due.events.into_iter(), due.calendars.into_iter());
        loop {
            let (event, calendar) = (events.next(), calendars.next());
            if event.is_none() && calendar.is_none() {
                return;
            }
            if let Some(id) = event {
                if self.is_over() {
                    return;
                }
                self.push(id).await;
            }
            if let Some(id) = calendar {
                if self.is_over() {
                    return;
                }
                self.pull(id).await;
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.ticked.unfinished = (self.env.clock)() >= self.end;
        self.ticked.unfinished
    }

    async fn watch(&mut self, calendar: Uuid) {
        let watched = watch::watch(self.env, calendar).await;
        match self.ticked.took(watched) {
            Some(Ok(())) => self.ticked.channels += 1,
            Some(Err(reason)) => self.ticked.problems.push(reason),
            None => {}
        }
    }

    async fn pull(&mut self, calendar_id: Uuid) {
        let pulled = pull::pull(self.env, &Trigger::Calendar { calendar_id }).await;
        let Some(pulled) = self.ticked.took(pulled) else {
            return;
        };
        self.ticked.calendars += 1;
        for (what, n) in pulled.counts {
            *self.ticked.items.entry(what).or_default() += n;
        }
        self.ticked.problems.extend(pulled.stopped);
        for id in pulled.due {
            if self.is_over() {
                return;
            }
            self.push(id).await;
        }
    }

    async fn push(&mut self, id: RowId) {
        let pushed = push(self.env, id).await;
        if let Some(pushed) = self.ticked.took(pushed) {
            *self.ticked.events.entry(pushed.name()).or_default() += 1;
        }
    }
}
