//! A history as data: generated first, then lived through, so that a failing one can be made smaller.

use super::field::Values;
use crate::Fate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a history may contain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Instances that stand still, and calls that take effect after their instance gave up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Series and their exceptions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub series: bool,
    /// Events that are kept out of Google for a while.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub opt_out: bool,
    /// The CRM's own references, which Google only carries.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub references: bool,
    /// Connections with other settings than the defaults: who wins a conflict, who gets mail, what becomes
    /// of an event that opts out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub settings: bool,
    /// A second calendar for each user.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub several_calendars: bool,
    /// Ann, Bob, and Cat who shares Ann's Google account; otherwise Ann alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub several_users: bool,
    /// Users invite each other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub invitations: bool,
    /// A calendar of Ann's that Bob connects too, with rights that change.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Somebody gives events of their own what another user's event carries.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forgery: bool,
    /// The simulator's switches at other positions than the first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub switches: bool,
    /// What is written can be read only after a while, which not everything copes with yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub lag: bool,
}

impl Scope {
    /// Everything but the lag.
    pub fn all() -> Self {
        Self {
            late: true,
            series: true,
            opt_out: true,
            references: true,
            settings: true,
            several_calendars: true,
            several_users: true,
            invitations: true,
            shared: true,
            forgery: true,
            switches: true,
            lag: false,
        }
    }

    /// Of these names.
    pub fn of(names: &str) -> Option<Self> {
        if let Some(more) = names.strip_prefix("all") {
            let lag = more == ",lag";
            return (lag || more.is_empty()).then(|| Self { lag, ..Self::all() });
        }
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let object = names.map(|name| (name.to_owned(), serde_json::Value::Bool(true)));
        let object: serde_json::Map<_, _> = object.collect();
        let known = serde_json::to_value(Self::all()).ok()?;
        if object.keys().any(|name| known.get(name).is_none()) {
            return None;
        }
        serde_json::from_value(object.into()).ok()
    }
}

/// A history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// What it is about.
    #[serde(default)]
    pub about: String,
    /// Of everything random in the simulator.
    pub seed: u64,
    /// What it may contain.
    pub scope: Scope,
    /// The positions of the simulator's switches; what is not named is at its first.
    #[serde(default)]
    pub switches: BTreeMap<String, String>,
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
    /// The same about the row that another user has of the event.
    CrmOf(usize, Vec<Change>),
    /// A person in Google's web interface.
    Google(Act),
    /// The same at another user's copy of the event.
    GoogleOf(usize, Act),
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
    /// Bob may do something else with the shared calendar.
    Share(Role),
    /// A stranger, who has no connection, may do something else with the shared calendar.
    Admit(Role),
    /// A user's second calendar is not shared with them any more.
    Away(usize),
    /// It is shared with them again.
    Back(usize),
    /// It is deleted, for good.
    Remove(usize),
    /// Everything comes to rest.
    Settle,
}

/// What a user may do with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    None,
    Reader,
    Writer,
}

impl Role {
    /// In Google's words.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reader => "reader",
            Self::Writer => "writer",
        }
    }
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
    /// Whether it is for Google becomes this.
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
    /// A new event that pretends to be another user's.
    Forge(Forge),
    /// Whoever forged an event edits it, or deletes it where there is nothing to set.
    Forged {
        /// Of this.
        event: u32,
        /// To these.
        set: Option<Values>,
    },
}

/// A forgery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forge {
    /// Its number from now on.
    pub event: u32,
    /// Which user; none is the stranger, in the shared calendar.
    pub by: Option<usize>,
    /// Which of that user's calendars.
    pub calendar: usize,
    /// What it pretends to be.
    pub of: Which,
    /// By what.
    pub how: Forgery,
    /// What it says.
    pub set: Values,
}

/// What is forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// The UID, imported.
    Uid,
    /// The same as an invitation of the organizer's.
    Invitation,
    /// Google's id.
    Id,
    /// The row's id in place of Google's.
    RowId,
    /// The extended properties: link-back, stamp, references.
    Properties,
    /// All of these, the series and its plan.
    Whole,
    /// The stamp of the event itself, where its calendar can be written to.
    Stamp,
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
    /// As JSON, a line for each step.
    pub fn write(&self) -> String {
        let steps: Vec<String> = self.steps.iter().map(json).collect();
        let switches = match self.switches.is_empty() {
            true => String::new(),
            false => format!("\n  \"switches\": {},\n ", json(&self.switches)),
        };
        format!(
            "{{\"about\": {}, \"seed\": {}, \"scope\": {},{switches} \"steps\": [\n  {}\n]}}\n",
            json(&self.about),
            self.seed,
            json(&self.scope),
            steps.join(",\n  ")
        )
    }

    /// From JSON.
    ///
    /// # Errors
    /// Says what is none of a story's.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

fn json(value: &impl Serialize) -> String {
    // Every key is a text, so this cannot fail.
    serde_json::to_string(value).unwrap_or_default()
}
