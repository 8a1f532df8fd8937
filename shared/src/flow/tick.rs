//! The clock's turn: what is due, within a time budget. Many ticks at once do no harm: whatever they do
//! is leased first.

use super::connect::begin_again;
use super::disconnect::disconnect;
use super::{Env, token, watch};
use crate::crm::poke;
use crate::db::DbError;
use crate::db::chores::{self, Chores};
use crate::db::manage::Ended;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{Pulled, Pushed};
use http_client::HttpClient;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// How long a tick takes at most before it leaves the rest to the next one; a call under way ends.
const BUDGET: TimeDelta = TimeDelta::seconds(20);
/// Of each kind of chore.
const MAX_FAMILIES: usize = 50;

/// What a tick did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickReport {
    /// Families of events by what came of them.
    pub pushed: Pushed,
    /// Connections listed.
    pub connections: u32,
    /// What the listings came to.
    pub pulled: Pulled,
    /// Channels opened or renewed.
    pub channels: u32,
    /// Accounts whose first calendar was connected.
    pub begun: u32,
    /// Channels stopped.
    pub stopped: usize,
    /// Disconnects that came to their end.
    pub disconnected: u32,
    /// What they were, for the log.
    #[serde(skip)]
    pub ended: Vec<Ended>,
    /// Accounts whose tokens were sealed with the current key.
    pub resealed: usize,
    /// What did not go well, for people.
    pub problems: Vec<String>,
    /// More was due than the time allowed.
    pub unfinished: bool,
}

impl TickReport {
    /// Whether another tick would find something to do at once, having seen this one do something.
    pub fn has_more(&self) -> bool {
        let has_worked = self.pushed.families.contains_key("done") || self.pulled.pages > 0;
        self.unfinished && has_worked
    }

    /// For the log: numbers only.
    pub fn log_fields(&self) -> serde_json::Value {
        json!({
            "families": self.pushed.families, "connections": self.connections, "items": self.pulled.counts,
            "channels": self.channels, "problems": self.problems.len(), "unfinished": self.unfinished,
        })
    }

    /// Takes a result in; its error is a problem.
    fn ok_or_record<T>(&mut self, result: Result<T, DbError>) -> Option<T> {
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
pub async fn tick<D: HttpClient>(env: &Env<'_, D>) -> Result<TickReport, DbError> {
    let mut run = Run {
        env,
        end: (env.clock)() + BUDGET,
        ticked: TickReport::default(),
    };
    let config = env.config;
    let key = config
        .function_secrets
        .first()
        .map(|secret| poke::key(secret));
    let chores = chores::chores(
        env.client,
        &config.database,
        config.instance(),
        MAX_FAMILIES,
        &key.unwrap_or_default(),
        config.event_url.as_deref(),
        config.keys.current(),
    )
    .await?;
    run.work(chores).await;
    if !run.is_over() {
        run.sync().await;
    }
    Ok(run.ticked)
}

struct Run<'a, D> {
    env: &'a Env<'a, D>,
    end: DateTime<Utc>,
    ticked: TickReport,
}

impl<D: HttpClient> Run<'_, D> {
    /// What nobody notices when it is missing comes first: a lapsed channel is silent.
    async fn work(&mut self, chores: Chores) {
        let resealed = token::reseal(self.env, &chores.seals).await;
        self.ticked.resealed += self.ticked.ok_or_record(resealed).unwrap_or_default();
        for connection in chores.channels {
            if self.is_over() {
                return;
            }
            self.watch(connection).await;
        }
        for beginning in &chores.beginnings {
            if self.is_over() {
                return;
            }
            match begin_again(self.env, beginning).await {
                Ok(begun) => self.ticked.begun += u32::from(begun),
                Err(error) => self.ticked.problems.push(error.to_string()),
            }
        }
        for account in chores.stops {
            if self.is_over() {
                return;
            }
            let stopped = watch::stop_rest(self.env, account).await;
            self.ticked.stopped += self.ticked.ok_or_record(stopped).unwrap_or_default();
        }
        for id in chores.disconnections {
            if self.is_over() {
                return;
            }
            let end = self.end;
            let over = disconnect(self.env, id, || (self.env.clock)() < end).await;
            if let Some(ended) = self.ticked.ok_or_record(over).flatten() {
                self.ticked.disconnected += 1;
                self.ticked.ended.push(ended);
            }
        }
        self.upkeep().await;
    }

    async fn upkeep(&mut self) {
        let config = self.env.config;
        while !self.is_over() {
            let done = chores::upkeep(self.env.client, &config.database, config.instance()).await;
            let Some(upkeep) = self.ticked.ok_or_record(done) else {
                return;
            };
            self.ticked.problems.extend(upkeep.problems.into_values());
            if !upkeep.more {
                return;
            }
        }
    }

    async fn watch(&mut self, connection: Uuid) {
        let watched = watch::watch(self.env, connection).await;
        match self.ticked.ok_or_record(watched) {
            Some(Ok(())) => self.ticked.channels += 1,
            Some(Err(reason)) => self.ticked.problems.push(reason),
            None => {}
        }
    }

    async fn sync(&mut self) {
        let ticked = self
            .env
            .sync(async |engine| engine::tick(engine).await)
            .await;
        match ticked {
            Ok(ticked) => {
                self.ticked.pushed = ticked.pushed;
                self.ticked.connections = ticked.connections;
                self.ticked.pulled = ticked.pulled;
                self.ticked.problems.extend(ticked.problems);
                self.ticked.unfinished |= ticked.unfinished;
            }
            Err(error) => self.ticked.problems.push(error.to_string()),
        }
    }

    fn is_over(&mut self) -> bool {
        self.ticked.unfinished = (self.env.clock)() >= self.end;
        self.ticked.unfinished
    }
}
