//! What now: the one decision about a link. Every call follows from it, and after each answer it is
//! asked again.

use crate::choices::{Direction, OptOut};
use crate::deleted::{delete, delete_found, deleted, recreate_row, shown_though_unwanted};
use crate::direction;
use crate::occurrence;
use crate::situation::{Decision, RowState, Seen, Situation};
use crate::standing::{DeletedBy, Proof, Standing};
use crate::state::Row;
use crate::step::{Method, Settlement, Step};
use crate::write::{agreed, insert, merge_with, push_changes, restore};
use event::{Access, Unmappable};
use provider::{Kind, RemoteEvent};

/// # Errors
/// [`Unmappable`]: the row or the event lacks what every event needs.
pub fn decide(situation: &Situation<'_>) -> Result<Step, Unmappable> {
    if *situation.seen == Seen::NotRead && must_read(situation) {
        return Ok(Step::Get);
    }
    if situation.is_outdated() {
        return Ok(Step::Settle(Settlement::NotVisibleYet));
    }
    let step = match situation.row_state {
        RowState::Present(row) => present(situation, row),
        RowState::OptedOut(row) => opted_out(situation, row),
        RowState::Absent if situation.is_exception() => occurrence::cancel(situation),
        RowState::Absent => absent(situation),
    };
    direction::allowed(situation, unless_moved(situation, step?))
}

/// What is gone here, and is to be brought back or forgotten, may be half of a move: the other half is waited
/// for.
fn unless_moved(situation: &Situation<'_>, step: Step) -> Step {
    let is_gone = match situation.seen {
        Seen::NotRead => false,
        Seen::NotFound => true,
        Seen::Found(event) => event.is_cancelled,
    };
    let gives_up = match &step {
        Step::Get => false,
        Step::Write(write) => matches!(write.method, Method::Restore { .. }),
        Step::Settle(settlement) => matches!(
            settlement,
            Settlement::Deleted { .. } | Settlement::DeletedByRemote | Settlement::NewId
        ),
    };
    if is_gone && gives_up && situation.may_have_moved {
        return Step::Settle(Settlement::Missed);
    }
    step
}

/// An unacknowledged attempt, a parked version, an expected surprise: look before any write.
fn must_read(situation: &Situation<'_>) -> bool {
    let member = situation.member;
    let bases = situation.link.standing.bases();
    let etag = bases.and_then(|bases| bases.etag.as_deref());
    let is_unsure = bases.is_some_and(|bases| bases.missed.is_some() || bases.is_recalled);
    let is_parked = member.parked.iter().any(|parked| {
        parked.connection == situation.link.connection
            && parked.remote == situation.link.remote
            && parked.etag.as_deref() != etag
    });
    !member.attempts.is_empty() || member.must_read || is_unsure || is_parked
}

fn present(situation: &Situation<'_>, row: &Row) -> Result<Step, Unmappable> {
    let is_exception = situation.is_exception();
    let keeps = situation.decision == Some(Decision::Keep);
    let outlives = keeps || situation.is_edited(row);
    match (&situation.link.standing, situation.seen) {
        (Standing::Reserved, Seen::NotRead) if is_exception => Ok(Step::Get),
        (Standing::Reserved, Seen::NotRead | Seen::NotFound) if !is_exception => Ok(insert(row)),
        (Standing::Live(bases), Seen::NotRead) => push_changes(situation, row, bases),
        (_, Seen::NotRead) => Ok(Step::Get),
        (_, Seen::NotFound) if situation.is_within_read_lag() => {
            Ok(Step::Settle(Settlement::NotVisibleYet))
        }
        (Standing::Live(_), Seen::NotFound) if !outlives => {
            Ok(Step::Settle(Settlement::DeletedByRemote))
        }
        (_, Seen::NotFound) if is_exception => Ok(occurrence::not_planned(situation, row)),
        (_, Seen::NotFound) => Ok(anew(situation)),
        (_, Seen::Found(event)) if !event.is_cancelled => merge_with(situation, row, event),
        (_, Seen::Found(event)) if is_exception => {
            occurrence::cancelled_there(situation, row, event)
        }
        (Standing::Reserved | Standing::Live(_), Seen::Found(_)) if !outlives => {
            Ok(Step::Settle(Settlement::DeletedByRemote))
        }
        // What has moved to another organizer does not come back as it was.
        (_, Seen::Found(event)) if situation.is_organizer() && !event.is_organizer => {
            Ok(Step::Settle(Settlement::NewId))
        }
        (_, Seen::Found(event)) if situation.is_organizer() => Ok(restore(situation, row, event)),
        // A new row under the id of a guest's deleted one is a meeting of its own.
        (Standing::Deleted(_), Seen::Found(_)) if is_own_meeting(row) => {
            Ok(Step::Settle(Settlement::NewId))
        }
        // A guest cannot bring back what its organizer cancelled.
        (_, Seen::Found(_)) => Ok(Step::Settle(Settlement::DeletedByRemote)),
    }
}

fn is_own_meeting(row: &Row) -> bool {
    let organizer = row.fields.organizer.as_ref();
    organizer.is_none_or(|organizer| organizer.is_self)
}

/// The id is of no use any more; only its organizer makes a meeting anew.
fn anew(situation: &Situation<'_>) -> Step {
    if situation.is_organizer() {
        Step::Settle(Settlement::NewId)
    } else {
        Step::Settle(Settlement::DeletedByRemote)
    }
}

fn opted_out(situation: &Situation<'_>, row: &Row) -> Result<Step, Unmappable> {
    let by = DeletedBy::OptOut;
    let choices = situation.choices;
    let is_sent = choices.direction != Direction::In && situation.access() != Access::Read;
    let keeps = choices.opt_out == OptOut::Keep || !is_sent;
    match (&situation.link.standing, situation.seen) {
        (Standing::Live(_) | Standing::Kept(_), _) if keeps => {
            Ok(Step::Settle(Settlement::Kept(agreed(situation, row)?)))
        }
        // An insert may have landed.
        (Standing::Reserved, Seen::NotRead) => Ok(Step::Get),
        (Standing::Reserved, Seen::NotFound) => Ok(deleted(by, Proof::NeverSeen)),
        (
            Standing::Live(bases) | Standing::Kept(bases) | Standing::Leaving(bases),
            Seen::NotRead,
        ) => Ok(bases
            .etag
            .as_ref()
            .map_or(Step::Get, |etag| delete(etag, by))),
        (Standing::Live(_), Seen::NotFound) if situation.is_within_read_lag() => {
            Ok(Step::Settle(Settlement::NotVisibleYet))
        }
        (Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_), Seen::NotFound) => {
            Ok(deleted(by, Proof::Confirmed))
        }
        (Standing::Deleted(_), Seen::NotRead | Seen::NotFound) => {
            Ok(Step::Settle(Settlement::Nothing))
        }
        (Standing::Deleted(_), Seen::Found(event)) if event.is_cancelled => {
            Ok(Step::Settle(Settlement::Nothing))
        }
        (_, Seen::Found(event)) if event.is_cancelled => Ok(deleted(by, Proof::Confirmed)),
        (Standing::Deleted(deletion), Seen::Found(event)) => match deletion.proof {
            Proof::NeverSeen => Ok(delete_found(event, by)),
            // What people do with an event that was taken out is their own business.
            Proof::Confirmed => Ok(Step::Settle(Settlement::Nothing)),
        },
        (
            Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_),
            Seen::Found(event),
        ) => Ok(delete_found(event, by)),
    }
}

fn absent(situation: &Situation<'_>) -> Result<Step, Unmappable> {
    let by = DeletedBy::Crm;
    match (&situation.link.standing, situation.seen) {
        (Standing::Reserved, Seen::NotRead | Seen::NotFound) => Ok(deleted(by, Proof::NeverSeen)),
        (Standing::Live(bases) | Standing::Kept(bases), Seen::NotRead) => match &bases.etag {
            Some(etag) if situation.access() != Access::Read => Ok(delete(etag, by)),
            Some(_) | None => Ok(Step::Get),
        },
        (Standing::Leaving(bases), Seen::NotRead) => Ok(bases
            .etag
            .as_ref()
            .map_or(Step::Get, |etag| delete(etag, by))),
        // It may have been taken out of the trash, which nobody cared about until now.
        (Standing::Deleted(_), Seen::NotRead) if situation.was_opted_out() => Ok(Step::Get),
        (Standing::Deleted(_), Seen::NotRead) => Ok(Step::Settle(Settlement::Nothing)),
        (Standing::Live(_), Seen::NotFound) if situation.is_within_read_lag() => {
            Ok(Step::Settle(Settlement::NotVisibleYet))
        }
        (_, Seen::NotFound) => Ok(deleted(by, Proof::Confirmed)),
        (_, Seen::Found(event)) if event.is_cancelled => Ok(deleted(by, Proof::Confirmed)),
        (Standing::Reserved | Standing::Leaving(_), Seen::Found(event)) => {
            Ok(delete_found(event, by))
        }
        (Standing::Live(_) | Standing::Kept(_), Seen::Found(event)) => {
            shown_though_unwanted(situation, event)
        }
        (Standing::Deleted(deletion), Seen::Found(event)) => match deletion.proof {
            // A late insert of ours that the deletion overtook.
            Proof::NeverSeen => Ok(delete_found(event, by)),
            Proof::Confirmed if event.kind != Kind::Default => {
                Ok(Step::Settle(Settlement::Nothing))
            }
            Proof::Confirmed if situation.was_opted_out() || is_our_restore(situation, event) => {
                shown_though_unwanted(situation, event)
            }
            // A person wants it back.
            Proof::Confirmed => recreate_row(situation, event),
        },
    }
}

/// What is back was brought back by an attempt of ours, for a row that is deleted by now.
fn is_our_restore(situation: &Situation<'_>, event: &RemoteEvent) -> bool {
    let rev = situation.stamped_rev(event);
    let mut attempts = situation.member.attempts.iter();
    attempts.any(|attempt| attempt.row.is_some() && rev == Some(attempt.rev))
}
