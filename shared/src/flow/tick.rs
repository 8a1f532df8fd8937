//! The clock's turn: channels that end, listings and pushes that are due, within a time budget.

use super::push::{Pushed, push};
use super::{Env, pull, watch};
use crate::crm::RowId;
use crate::db::DbError;
use crate::db::due;
use crate::db::pull::Trigger;
use crate::door::Door;
use chrono::TimeDelta;
use serde::Serialize;
use std::collections::BTreeMap;

/// How long a tick takes at most before it leaves the rest to the next one; a call under way ends.
const BUDGET: TimeDelta = TimeDelta::seconds(20);
/// Of each kind of work, per tick.
const MOST: u32 = 50;

/// What a tick did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ticked {
    /// Events by what came of them.
    pub events: BTreeMap<&'static str, u32>,
    /// Calendars listed.
    pub calendars: u32,
    /// Items of the listings by what became of them.
    pub items: BTreeMap<String, u64>,
    /// Channels renewed.
    pub channels: u32,
    /// What did not go well, for people.
    pub problems: Vec<String>,
    /// More was due than the time allowed.
    pub unfinished: bool,
}

/// Does what is due.
///
/// # Errors
/// [`DbError`]: what is due could not be asked. Later errors are in the report.
pub async fn tick<D: Door>(env: &Env<'_, D>) -> Result<Ticked, DbError> {
    let config = env.config;
    let end = (env.clock)() + BUDGET;
    let in_time = || (env.clock)() < end;
    let secret = config
        .function_secrets
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    let due = due::send(env.door, &config.database, config.instance(), MOST, secret).await?;
    let mut ticked = Ticked::default();
    for calendar in due.channels {
        if !in_time() {
            ticked.unfinished = true;
            return Ok(ticked);
        }
        match watch::watch(env, calendar).await {
            Ok(Ok(())) => ticked.channels += 1,
            Ok(Err(reason)) => ticked.problems.push(reason),
            Err(error) => ticked.problems.push(error.to_string()),
        }
    }
    let mut events = due.events;
    for calendar_id in due.calendars {
        if !in_time() {
            ticked.unfinished = true;
            break;
        }
        match pull::pull(env, &Trigger::Calendar { calendar_id }).await {
            Ok(pulled) => {
                ticked.calendars += 1;
                for (what, n) in pulled.counts {
                    *ticked.items.entry(what).or_default() += n;
                }
                ticked.problems.extend(pulled.stopped);
                events.extend(pulled.due);
            }
            Err(error) => ticked.problems.push(error.to_string()),
        }
    }
    ticked.unfinished |= push_all(env, &events, in_time, &mut ticked).await;
    Ok(ticked)
}

/// Pushes events while there is time; says whether some are left.
async fn push_all<D: Door>(
    env: &Env<'_, D>,
    events: &[RowId],
    in_time: impl Fn() -> bool,
    ticked: &mut Ticked,
) -> bool {
    for id in events {
        if !in_time() {
            return true;
        }
        match push(env, *id).await {
            Ok(pushed) => *ticked.events.entry(name(&pushed)).or_default() += 1,
            Err(error) => ticked.problems.push(error.to_string()),
        }
    }
    false
}

fn name(pushed: &Pushed) -> &'static str {
    match pushed {
        Pushed::Done { did, .. } => did,
        Pushed::Nothing { .. } => "no work",
        Pushed::Waiting { .. } => "waiting",
        Pushed::Busy => "busy",
        Pushed::Fenced => "fenced",
    }
}
