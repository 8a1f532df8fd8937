//! What one decision reads: a link, what the CRM wants of it, what the provider shows.

use crate::choices::Choices;
use crate::standing::{Bases, DeletedBy, Standing};
use crate::state::{Attempt, Link, Member, Row};
use chrono::{DateTime, TimeDelta, Utc};
use event::{Access, Context, EventFields, OriginalStart, RemoteFields};
use provider::RemoteEvent;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the row says of a link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RowState<'a> {
    /// The row is to be there.
    Present(&'a Row),
    /// There is a row, but not for this link.
    OptedOut(&'a Row),
    /// The row was deleted.
    Absent,
}

/// What the provider shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It was not asked.
    NotRead,
    /// The event, alive or cancelled.
    Found(Box<RemoteEvent>),
    /// A calendar that answers does not know it.
    NotFound,
}

/// What a person said about a deletion that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is meant.
    Apply,
    /// It is not: the event is to be on both sides.
    Keep,
}

/// What is known of an exception's series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What both sides agree on about the master.
    pub bases: Bases,
    /// Which of its occurrences this is.
    pub original_start: OriginalStart,
}

/// What one decision reads.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The store's time.
    pub now: DateTime<Utc>,
    /// The installation, which stamps name.
    pub instance: &'a str,
    pub member: &'a Member,
    pub link: &'a Link,
    /// What the CRM wants.
    pub row_state: RowState<'a>,
    /// What the provider shows.
    pub seen: &'a Seen,
    /// Of an exception.
    pub series: Option<Series>,
    /// What the user chose.
    pub choices: &'a Choices,
    /// The account may write to the calendar.
    pub can_write: bool,
    /// The calendar's IANA zone.
    pub time_zone: &'a str,
    /// The event may be in another calendar of the account that has not been listed yet.
    pub may_have_moved: bool,
    /// What a person said.
    pub decision: Option<Decision>,
}

/// How long an event that was written may stay invisible: until then a 404 proves nothing.
pub(crate) const READ_LAG: TimeDelta = TimeDelta::minutes(5);

impl Situation<'_> {
    /// It is an occurrence of a series that is known here.
    pub fn is_exception(&self) -> bool {
        self.series.is_some()
    }

    /// The row as both sides last agreed; of an exception that never was written, the plain occurrence.
    pub fn base_crm(&self) -> Option<Cow<'_, EventFields>> {
        if let Some(bases) = self.link.standing.bases() {
            return Some(Cow::Borrowed(&bases.crm));
        }
        let series = self.series.as_ref()?;
        let plain = series.bases.crm.occurrence(series.original_start);
        Some(Cow::Owned(plain))
    }

    /// What the provider showed then; of an exception that never was written, the plain occurrence.
    pub fn base_remote(&self) -> Option<Cow<'_, RemoteFields>> {
        if let Some(bases) = self.link.standing.bases() {
            return Some(Cow::Borrowed(&bases.remote));
        }
        let series = self.series.as_ref()?;
        Some(Cow::Owned(
            series.bases.remote.occurrence(series.original_start),
        ))
    }

    /// What of the event can be changed, as far as is known.
    pub fn access(&self) -> Access {
        match self.link.standing.bases() {
            _ if !self.can_write => Access::Read,
            Some(bases) => bases.access,
            None => Access::Full,
        }
    }

    /// The same, by what the provider shows.
    pub fn access_to(&self, event: &RemoteEvent) -> Access {
        if self.can_write {
            event.access
        } else {
            Access::Read
        }
    }

    /// The provider made its version so recently that it may not show it everywhere.
    pub fn is_within_read_lag(&self) -> bool {
        let own = self.link.standing.bases().and_then(|bases| bases.updated);
        let series = self.series.as_ref().and_then(|series| series.bases.updated);
        own.max(series)
            .is_some_and(|updated| self.now - updated < READ_LAG)
    }

    /// Only the organizer can make a meeting again.
    pub fn is_organizer(&self) -> bool {
        self.link
            .standing
            .bases()
            .is_none_or(|bases| bases.is_organizer)
    }

    /// The row says something authored that the provider was never told: only that outlives a deletion
    /// there.
    pub fn is_edited(&self, row: &Row) -> bool {
        let base = self.base_crm();
        let told = self
            .member
            .attempts
            .iter()
            .rev()
            .find_map(|attempt| attempt.row.as_ref());
        let Some(told) = told.or(base.as_deref()) else {
            return false;
        };
        let is_ours = self.is_organizer() && self.access() == Access::Full;
        is_ours && (self.was_given_back() || is_authored_anew(&row.fields, told))
    }

    /// Given away and back: a deletion of ours may have landed, or be on its way.
    pub fn was_given_back(&self) -> bool {
        let Standing::Live(bases) = &self.link.standing else {
            return false;
        };
        let changed_hands =
            !self.member.attempts.is_empty() && self.member.changed.contains_key("owner");
        bases.is_recalled || changed_hands
    }

    /// Attempts that a version may contain: those up to its stamp, if the stamp is this row's, and an overtaken
    /// insert that came all the same.
    pub fn landed(&self, event: &RemoteEvent) -> Vec<&Attempt> {
        let Some(rev) = self.stamped_rev(event) else {
            return Vec::new();
        };
        let bases = self.link.standing.bases();
        let overtaken = bases.iter().flat_map(|bases| &bases.overtaken);
        let overtaken = overtaken.filter(|attempt| attempt.rev == rev);
        let attempts = self.member.attempts.iter();
        let attempts = attempts.filter(|attempt| attempt.rev <= rev);
        overtaken.chain(attempts).collect()
    }

    /// The rev that a version of this row carries. An exception may carry its series' stamp.
    pub fn stamped_rev(&self, event: &RemoteEvent) -> Option<i64> {
        let stamp = event.stamp.as_ref()?;
        stamp.rev_of(self.instance, self.member.event.0)
    }

    /// Guests' addresses that Google shows by another one.
    pub fn aliases(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let bases = self.link.standing.bases();
        bases.map_or(&NONE, |bases| &bases.aliases)
    }

    /// A version that is older than the known one, which was made just now: not all of Google has that yet.
    pub fn is_outdated(&self) -> bool {
        let known = self.link.standing.bases().and_then(|bases| bases.updated);
        match (self.seen, known) {
            (Seen::Found(event), Some(known)) if !event.is_cancelled => {
                event.updated.is_some_and(|updated| updated < known) && self.now - known < READ_LAG
            }
            (Seen::Found(_) | Seen::NotFound | Seen::NotRead, _) => false,
        }
    }

    /// When fields of the row changed, as far as is known.
    pub fn changed_at(&self) -> BTreeMap<String, DateTime<Utc>> {
        let bases = self.link.standing.bases();
        let mut all = bases.map_or_else(BTreeMap::new, |bases| bases.unsent.clone());
        all.extend(self.member.changed.clone());
        all
    }

    /// For the mapping.
    pub fn context(&self) -> Context {
        Context {
            time_zone: self.time_zone.to_owned(),
            request_id: format!("{}-{}", self.member.event, self.member.rev),
        }
    }

    /// The event was taken out of the provider before its row was deleted.
    pub fn was_opted_out(&self) -> bool {
        match &self.link.standing {
            Standing::Deleted(deletion) => deletion.deleted_by == DeletedBy::OptOut,
            Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_) => {
                false
            }
        }
    }
}

fn is_authored_anew(row: &EventFields, told: &EventFields) -> bool {
    let mut groups = event::Group::ALL.into_iter();
    groups.any(|group| group.is_authored() && row.differs(told, group))
}
