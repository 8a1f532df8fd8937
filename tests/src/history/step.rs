//! A history as data: generated first, then lived through, so that a failing one can be made smaller.

use super::field::Values;
use crate::inprocess::Fate;
use serde::{Deserialize, Serialize};

/// What a history may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default = "Scope::alone")]
pub struct Scope {
    /// Ann, Bob, and Cat who shares Ann's Google account; otherwise Ann alone.
    pub several_users: bool,
    /// A second calendar for each account.
    pub several_calendars: bool,
    /// Series and their exceptions.
    pub series: bool,
    /// Events that are kept out of Google for a while.
    pub opt_out: bool,
    /// The CRM's own references, which Google only carries.
    pub references: bool,
    /// Instances that stand still, and calls that take effect after their instance gave up.
    pub late: bool,
    /// Connections with other settings than the defaults: who wins a conflict, whether guests get mail.
    pub settings: bool,
}

impl Default for Scope {
    /// Everything.
    fn default() -> Self {
        Self {
            several_users: true,
            several_calendars: true,
            series: true,
            opt_out: true,
            references: true,
            late: true,
            settings: true,
        }
    }
}

impl Scope {
    /// One user with one calendar and single events, and what a story has that does not say more.
    pub fn alone() -> Self {
        Self {
            several_users: false,
            several_calendars: false,
            series: false,
            opt_out: false,
            references: false,
            late: true,
            settings: false,
        }
    }
}

/// A history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What it may contain.
    pub scope: Scope,
    /// Of everything random in the simulator.
    pub seed: u64,
    /// What happens.
    pub steps: Vec<Step>,
}

/// An event, or an occurrence of a series. Numbers are given where an event is made; a step about one
/// that does not exist does nothing, so that any step can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Which {
    /// An event or a series.
    Event(u32),
    /// An occurrence, counted from 0.
    Occurrence(u32, u32),
}

impl Which {
    /// The event or series.
    pub fn event(self) -> u32 {
        match self {
            Self::Event(event) | Self::Occurrence(event, _) => event,
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A transaction of the CRM.
    Crm(Vec<Change>),
    /// A person in Google's web interface.
    Google(Act),
    /// The database's poke for an event arrives.
    Poke(Which),
    /// The clock calls the scheduler.
    Tick,
    /// The notifications that are due arrive so many times each.
    Notify {
        /// 0 loses them.
        times: u8,
        /// Newest first.
        reversed: bool,
    },
    /// Seconds pass.
    Wait(u32),
    /// Google fails.
    Fault(Fault),
    /// The next instance meets this fate at its call of this number, counted from 0.
    Fate(u32, Fate),
    /// The instance that has stood still for the longest time goes on.
    Resume,
    /// Calls that took too long take effect.
    Land,
    /// The user takes the CRM's access to the Google account back.
    Revoke(usize),
    /// Everything comes to rest.
    Settle,
}

/// What a CRM transaction does to one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new row, or one that was deleted is inserted again; an occurrence's is its exception.
    Insert {
        /// Its number from now on.
        event: Which,
        /// Whose it is.
        user: usize,
        /// What it says.
        set: Values,
    },
    /// An UPDATE.
    Edit {
        /// Of this.
        event: Which,
        /// To these.
        set: Values,
    },
    /// A DELETE.
    Delete(Which),
    /// The occurrence does not take place: its exception gets the status cancelled.
    Cancel(Which),
    /// `google_sync_enabled` becomes this.
    Enable(Which, bool),
    /// "This and following": the series is trimmed before an occurrence, and the rest becomes an event
    /// of its own.
    Split {
        /// The first occurrence of the rest.
        at: Which,
        /// The rest's number.
        rest: u32,
        /// What the rest says otherwise.
        set: Values,
    },
    /// The row gets another owner.
    Give(Which, usize),
}

/// What a person does in Google.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// A new event.
    Create {
        /// Its number from now on.
        event: u32,
        /// Who.
        user: usize,
        /// Which of that user's calendars.
        calendar: usize,
        /// What it says.
        set: Values,
    },
    /// An edit, of a series or of an occurrence.
    Edit {
        /// Of this.
        event: Which,
        /// To these.
        set: Values,
    },
    /// A deletion, of a series or of an occurrence.
    Delete(Which),
    /// Back from the trash.
    Restore(Which),
    /// An answer to an invitation.
    Answer(Which, u32),
    /// A duplicate, with everything in it.
    Copy {
        /// Of this.
        event: u32,
        /// Its number.
        copy: u32,
    },
    /// To another of the owner's calendars.
    Move(u32, usize),
    /// An edit of this and all following occurrences.
    Split {
        /// The first occurrence of the rest.
        at: Which,
        /// The rest's number.
        rest: u32,
        /// To these.
        set: Values,
    },
}

/// How Google fails the next call of a method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// As in `events.insert`.
    pub method: String,
    /// How.
    pub kind: FaultKind,
    /// Calls.
    pub count: u32,
}

/// How Google fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum FaultKind {
    Rate429,
    Rate403,
    Error503Before,
    Error500After,
    CutBefore,
    CutAfter,
    ExpiredToken,
    SyncTokenGone,
}

impl Story {
    /// As text: the scope, then a line for each step.
    pub fn write(&self) -> String {
        let head = (self.seed, self.scope);
        let mut lines = vec![json(&head)];
        lines.extend(self.steps.iter().map(json));
        lines.join("\n") + "\n"
    }

    /// From text; lines that begin with `#` are for people.
    ///
    /// # Errors
    /// Says which line is none of a story's.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        use anyhow::Context;
        let mut lines = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let head = lines.next().context("an empty story")?;
        let (seed, scope) = serde_json::from_str(head).with_context(|| head.to_owned())?;
        let steps = lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned()));
        Ok(Self {
            scope,
            seed,
            steps: steps.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn json(value: &impl Serialize) -> String {
    // Every key is a text, so this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
