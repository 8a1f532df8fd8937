//! Which rows and which occurrence a wanted is about.

use super::rule::{Plan, zone_named};
use super::when::{Span, Start};
use super::{Refusal, Rows};
use crate::crm::Row;
use chrono::NaiveDateTime;
use chrono_tz::Tz;
use serde_json::Value;
use uuid::Uuid;

/// How much of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One occurrence.
    This,
    /// It and those after it.
    Following,
    /// All.
    All,
}

impl Scope {
    /// By its name.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn read(name: &str) -> Result<Self, Refusal> {
        match name {
            "this" => Ok(Self::This),
            "following" => Ok(Self::Following),
            "all" => Ok(Self::All),
            _ => Err(Refusal::invalid("scope", "scope is this, following or all")),
        }
    }
}

/// What of which event.
#[derive(Debug, Clone, Copy)]
pub struct EditTarget {
    /// The event: a single one, a master or an exception.
    pub event: Uuid,
    /// None: all, but of an exception this one.
    pub scope: Option<Scope>,
    /// The occurrence, where the event is a master.
    pub original_start: Option<Start>,
}

/// What a wanted is about.
pub enum Target<'a> {
    /// An event that does not repeat, or an exception whose series is gone.
    Single(&'a Row),
    /// One occurrence.
    This(Series<'a>, Occurrence<'a>),
    /// An occurrence that is not the first, and those after it.
    Following(Series<'a>, Occurrence<'a>),
    /// A whole series; the occurrence that the times are about, if it is not the first.
    All(Series<'a>, Option<Occurrence<'a>>),
}

/// A series.
pub struct Series<'a> {
    pub id: Uuid,
    pub row: &'a Row,
    pub span: Span,
    pub plan: Plan,
    pub exceptions: Vec<(Uuid, &'a Row)>,
}

/// An occurrence, and its row if it has one.
#[derive(Clone, Copy)]
pub struct Occurrence<'a> {
    pub start: Start,
    pub local: NaiveDateTime,
    pub row: Option<(Uuid, &'a Row)>,
}

impl Series<'_> {
    /// Google may have it, so what becomes of its exceptions is Google's say.
    pub fn is_shared(&self) -> bool {
        self.row.text("sync_state") != Some("none")
    }
}

pub fn zone_of(row: &Row, default: &str) -> Tz {
    let named = row.text("time_zone").and_then(zone_named);
    named.or_else(|| zone_named(default)).unwrap_or(Tz::UTC)
}

pub fn lines_of(value: &Value) -> Vec<String> {
    let lines = value.as_array().into_iter().flatten();
    lines
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect()
}

pub fn plan_of(row: &Row, span: Span, default_zone: &str) -> Plan {
    let zone = zone_of(row, default_zone);
    Plan {
        first: span.local(zone),
        all_day: span.is_days(),
        zone,
        lines: lines_of(row.value("recurrence")),
    }
}

fn start_of(row: &Row) -> Option<Start> {
    Start::read(row.text("original_start")?)
}

/// Finds it.
pub fn target<'a>(rows: &'a Rows, wanted: &EditTarget) -> Result<Target<'a>, Refusal> {
    let event = rows.rows.get(&wanted.event).ok_or(Refusal::Unknown)?;
    let root = event
        .text("recurring_event_id")
        .and_then(|id| id.parse().ok());
    let id: Uuid = root.unwrap_or(wanted.event);
    let master = rows.rows.get(&id);
    let series = master.and_then(|row| series(rows, id, row));
    let Some(series) = series else {
        return match (wanted.original_start, wanted.scope) {
            (Some(_), _) if !event.is_exception() => Err(Refusal::invalid(
                "original_start",
                "this event does not repeat; leave original_start out",
            )),
            _ => Ok(Target::Single(event)),
        };
    };
    let own = event.is_exception().then(|| start_of(event)).flatten();
    if own.is_some()
        && wanted
            .original_start
            .is_some_and(|start| own != Some(start))
    {
        let reason = "this is another occurrence; leave original_start out, or name the series";
        return Err(Refusal::invalid("original_start", reason));
    }
    let start = own.or(wanted.original_start);
    let default = if own.is_some() {
        Scope::This
    } else {
        Scope::All
    };
    match (wanted.scope.unwrap_or(default), start) {
        (Scope::This | Scope::Following, None) => Err(Refusal::invalid(
            "original_start",
            "say which occurrence by its planned start",
        )),
        (Scope::All, None) => Ok(Target::All(series, None)),
        (scope, Some(start)) => {
            let occurrence = occurrence(&series, start)?;
            Ok(match scope {
                Scope::This => Target::This(series, occurrence),
                Scope::All => Target::All(series, Some(occurrence)),
                Scope::Following if series.plan.earliest() == Some(occurrence.local) => {
                    Target::All(series, Some(occurrence))
                }
                Scope::Following => Target::Following(series, occurrence),
            })
        }
    }
}

fn series<'a>(rows: &'a Rows, id: Uuid, row: &'a Row) -> Option<Series<'a>> {
    let span = Span::of(row)?;
    let plan = plan_of(row, span, &rows.zone);
    if plan.lines.is_empty() {
        return None;
    }
    let text = id.to_string();
    let exceptions = rows.rows.iter();
    let exceptions = exceptions
        .filter(|(_, row)| row.text("recurring_event_id") == Some(text.as_str()))
        .map(|(id, row)| (*id, row));
    Some(Series {
        id,
        row,
        span,
        plan,
        exceptions: exceptions.collect(),
    })
}

fn occurrence<'a>(series: &Series<'a>, start: Start) -> Result<Occurrence<'a>, Refusal> {
    let local = series.plan.local(start).ok_or_else(|| {
        let form = if series.plan.all_day {
            "this is an all-day series: write a date, such as 2031-03-03"
        } else {
            "write the planned start with its offset, such as 2031-03-03T09:00:00Z"
        };
        Refusal::invalid("original_start", form)
    })?;
    let mut exceptions = series.exceptions.iter();
    let row = exceptions
        .find(|(_, row)| start_of(row) == Some(start))
        .copied();
    if row.is_none() && !series.plan.has(start) {
        let reason = format!("the series has no occurrence planned for {}", start.text());
        return Err(Refusal::invalid("original_start", reason));
    }
    Ok(Occurrence { start, local, row })
}
