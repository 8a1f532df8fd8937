//! Exceptions: occurrences that differ from their series.

use crate::deleted::{deleted, recreate_row};
use crate::listing::Page;
use crate::plan::{CallKind, Plan};
use crate::situation::{Decision, Seen, Situation};
use crate::standing::{DeletedBy, Proof, Standing};
use crate::state::{Link, Member, Row};
use crate::step::{Method, Settlement, Step, Write};
use crate::task::Task;
use crate::write::{is_edited_by_remote, restore, synced};
use event::{Access, EventFields, Group, Merged, Status, Unmappable};
use provider::RemoteEvent;
use store::{LinkState, RemoteId, SyncState};

/// The series has no such occurrence: one that is cancelled needs none.
pub(crate) fn not_planned(situation: &Situation<'_>, row: &Row) -> Step {
    if row.fields.is_cancelled() {
        return deleted(DeletedBy::Crm, Proof::NeverSeen);
    }
    Step::Settle(Settlement::Refused(no_occurrence(situation.member)))
}

fn no_occurrence(member: &Member) -> String {
    let start = member.original_start.as_deref().unwrap_or_default();
    format!(
        "the series has no occurrence planned for {start}; set original_start to one of its starts, or delete this exception"
    )
}

/// The provider has cancelled an occurrence that takes place, or both have.
pub(crate) fn cancelled_there(
    situation: &Situation<'_>,
    row: &Row,
    event: &RemoteEvent,
) -> Result<Step, Unmappable> {
    let was_cancelled = situation
        .link
        .standing
        .bases()
        .is_some_and(|bases| bases.remote.is_cancelled());
    // Taken out by itself, when what had been its series was.
    let by_us = match &situation.link.standing {
        Standing::Deleted(deletion) => deletion.deleted_by != DeletedBy::Remote,
        Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_) => false,
    };
    let keeps = situation.decision == Some(Decision::Keep);
    let outlives = was_cancelled || keeps || by_us || situation.is_edited(row);
    let takes_place = !row.fields.is_cancelled();
    if outlives && takes_place {
        return Ok(restore(situation, row, event));
    }
    let mut merged = Merged {
        row: row.fields.clone(),
        ..Merged::default()
    };
    if takes_place {
        merged.row.status = Status::Cancelled;
        merged.to_crm.push(Group::Status);
        // What else the row says is still to be sent on the day on which it takes place again.
        let base = situation.base_crm();
        merged.unsent = event::merge::crm_changed_groups(&row.fields, base.as_deref());
        merged.unsent.retain(|group| *group != Group::Status);
    }
    Ok(synced(event, merged))
}

/// The row of an exception was deleted: the occurrence does not take place, and a cancelled row takes
/// its place.
pub(crate) fn cancel(situation: &Situation<'_>) -> Result<Step, Unmappable> {
    // What can only be read comes back.
    let is_readable_only = match situation.seen {
        Seen::Found(event) => situation.access_to(event) == Access::Read,
        Seen::NotRead | Seen::NotFound => situation.access() == Access::Read,
    };
    let keeps = is_readable_only || situation.decision == Some(Decision::Keep);
    match (situation.seen, &situation.link.standing) {
        (Seen::NotRead, Standing::Live(bases)) if !keeps => Ok(match &bases.etag {
            Some(etag) => cancel_write(situation, etag),
            None => Step::Get,
        }),
        (Seen::NotRead, _) => Ok(Step::Get),
        (Seen::NotFound, _) => Ok(deleted(DeletedBy::Crm, Proof::Confirmed)),
        (Seen::Found(event), _) if event.is_cancelled => {
            Ok(Step::Settle(Settlement::OccurrenceCancelled {
                event: event.clone(),
                fields: Box::new(cancelled_row(situation)),
            }))
        }
        (Seen::Found(event), _) if keeps || is_edited_by_remote(situation, event)? => {
            recreate_row(situation, event)
        }
        // It went with its series, and somebody has brought both back.
        (Seen::Found(event), Standing::Deleted(deletion))
            if deletion.proof == Proof::Confirmed
                && situation.member.deleted.is_none()
                && !situation.was_opted_out() =>
        {
            recreate_row(situation, event)
        }
        (Seen::Found(event), _) => Ok(match &event.etag {
            Some(etag) => cancel_write(situation, etag),
            None => Step::Get,
        }),
    }
}

fn cancel_write(situation: &Situation<'_>, etag: &str) -> Step {
    let merged = Merged {
        row: cancelled_row(situation),
        ..Merged::default()
    };
    Step::Write(Box::new(Write {
        method: Method::Cancel {
            etag: etag.to_owned(),
        },
        merged,
    }))
}

pub(crate) fn cancelled_row(situation: &Situation<'_>) -> EventFields {
    let deleted = situation
        .member
        .deleted
        .as_ref()
        .map(|row| row.fields.clone());
    let mut fields = deleted
        .or_else(|| situation.base_crm().map(std::borrow::Cow::into_owned))
        .unwrap_or_default();
    fields.status = Status::Cancelled;
    fields
}

impl Plan<'_> {
    /// Under which id an exception's series is where the exception is; none of a series itself.
    fn series_of(&self, member: usize, link: usize) -> Option<&RemoteId> {
        let member = &self.members[member];
        let root = self.master().filter(|root| root.event != member.event)?;
        let at = root.link_in(&member.links[link].connection)?;
        Some(&root.links[at].remote)
    }

    /// An occurrence that was never seen is asked for by its series.
    pub(crate) fn reading(&self, task: &Task) -> CallKind {
        let link = &self.members[task.member].links[task.link];
        let is_new = link.standing.state() == LinkState::Reserved;
        let series = self.series(task).filter(|_| is_new);
        match series.zip(self.series_of(task.member, task.link)) {
            Some((series, remote)) => CallKind::Occurrence {
                series: remote.clone(),
                start: series.original_start,
            },
            None => CallKind::Get,
        }
    }

    /// The id of an exception is an occurrence's of another series by now, which was split off.
    pub(crate) fn is_of_other_series(
        &self,
        member: usize,
        link: usize,
        event: &RemoteEvent,
    ) -> bool {
        let named = event.series.as_ref().filter(|_| !event.is_series_guessed);
        let home = self.series_of(member, link);
        named
            .zip(home)
            .is_some_and(|(named, home)| *named != home.0)
    }

    /// Its row has no occurrence in Google any more; what has its id is left to the series that it is of.
    pub(crate) fn leave_occurrence(&mut self, task: &Task) {
        let at = task.member;
        self.read_parked_again(at, |_| true);
        if self.members[at].links[task.link].recorded > 0 {
            self.leave_to_other_series(at, task.link);
        } else {
            self.members[at].links.remove(task.link);
        }
        let member = &self.members[at];
        let takes_place = |row: &&Row| !row.fields.is_cancelled();
        if member.row.as_ref().filter(takes_place).is_some() {
            return self.refuse(at, no_occurrence(member));
        }
        self.show(at, SyncState::None, None, None);
        self.acknowledge(at);
    }

    /// Its row, of which the series has no occurrence any more, goes unless it was edited.
    pub(crate) fn leave_to_other_series(&mut self, member: usize, link: usize) {
        let of = &self.members[member];
        if of.row.is_some() && !of.is_dirty() {
            let what = "it is an occurrence of the series that was split off";
            self.give_way(member, link, what);
        } else {
            self.forget(member, link);
        }
    }
}

impl Page<'_> {
    /// A cancelled occurrence whose series only its id names, where nothing here says which one it is.
    pub(crate) fn is_to_be_read(&self, id: &RemoteId, event: &RemoteEvent) -> bool {
        let found = self.find(&self.input.connection.id, id);
        let is_known = found.is_some_and(|(plan, member, link)| {
            !takes_no_place(&self.plans[plan].members[member].links[link])
        });
        event.is_series_guessed && !self.input.is_read && !is_known
    }
}

fn takes_no_place(link: &Link) -> bool {
    let bases = link.standing.bases();
    matches!(link.standing, Standing::Deleted(_))
        || bases.is_some_and(|bases| bases.remote.is_cancelled())
}
