//! What to do about a claimed event. The one decision of the push: every call to Google follows from
//! it, and after each answer it is asked again.

use super::choice;
pub use super::write::may_write;

use super::notes::{conflicts, method_name, note, unlike_intent};
use super::occurrence;
use super::write::{
    access, changes_times, insert, is_edited, is_edited_in_google, merge_with, push_changes,
    restore, revive, synced,
};
use crate::crm::Row;
use crate::db::push_claim::{Claimed, Decision, DeletedBy, LinkState, OptOut, Proof};
use crate::db::push_record::{Note, Outcome};
use crate::google::Etag;
use crate::google::event::Event;
use crate::map::{Access, LinkBack, Stamp, Unmappable};
use crate::merge::Merged;
use chrono::TimeDelta;
use serde_json::{Map, Value};

/// What is known of Google's side beyond the bases.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nothing newer than the bases.
    Base,
    /// It was read: this is what Google shows.
    Event(Box<Event>),
    /// It was read: Google does not know the id.
    Absent,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// GET the event, then decide again.
    Read,
    /// Send this to Google.
    Write(Write),
    /// Record this; nothing is sent.
    Record(Outcome, Vec<Note>),
}

/// A write to Google.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The method and its guard.
    pub method: Method,
    /// The body; empty for a deletion.
    pub body: Map<String, Value>,
    /// What the row takes over once the write succeeded.
    pub merged: Merged,
}

/// The method of a write. Every change of what exists carries the version it is based on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// POST, with an id chosen before.
    Insert,
    /// PATCH with If-Match.
    Patch(Etag),
    /// PATCH with If-Match that brings a deleted event back.
    Restore(Etag),
    /// DELETE with If-Match.
    Delete(Etag, DeletedBy),
}

/// Decides.
///
/// # Errors
/// [`Unmappable`]: the row or Google's event lacks what every event needs.
pub fn decide(claimed: &Claimed, seen: &Seen) -> Result<Step, Unmappable> {
    if *seen == Seen::Base && must_read(claimed) {
        return Ok(Step::Read);
    }
    // What people do with an event that was taken out of Google is their own business.
    let left_alone = claimed.link.state == LinkState::Gone;
    let row = claimed.row.as_ref();
    let goes_on = row.is_some_and(|row| row.is_wanted() || !left_alone);
    if let Some(moved_to) = claimed.moved_to
        && goes_on
        && is_gone(seen)
    {
        let stays = false;
        return Ok(Step::Record(Outcome::Moved { moved_to, stays }, Vec::new()));
    }
    if let Some(moved_to) = claimed.organizer
        && goes_on
        && is_guests(seen)
    {
        let stays = true;
        return Ok(Step::Record(Outcome::Moved { moved_to, stays }, Vec::new()));
    }
    let proves_nothing = *seen == Seen::Absent && is_young(claimed);
    let has_left = is_gone(seen) && !proves_nothing || claimed.link.organized && is_guests(seen);
    let awaited = claimed.elsewhere || is_awaited(claimed, seen);
    if awaited && claimed.row.is_some() && has_left {
        return Ok(Step::Record(Outcome::Elsewhere, Vec::new()));
    }
    let keeps = claimed.connection.opt_out == OptOut::Keep || access(claimed) == Access::Read;
    let step = match &claimed.row {
        _ if claimed.link.leaving => unwanted(claimed, Why::Left, seen),
        None if occurrence::is_exception(claimed) => occurrence::cancel(claimed, seen),
        None => unwanted(claimed, Why::Deleted, seen),
        Some(_) if claimed.unowned => unwanted(claimed, Why::OptedOut, seen),
        Some(row) if row.is_wanted() => wanted(claimed, row, seen),
        Some(_) if keeps && is_in_google(claimed.link.state) => {
            Ok(Step::Record(Outcome::Kept, Vec::new()))
        }
        Some(_) => unwanted(claimed, Why::OptedOut, seen),
    };
    choice::allowed(claimed, seen, step?)
}

/// Why an event is not to be in Google.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The row was deleted.
    Deleted,
    /// The row says so, or nobody is there for it.
    OptedOut,
    /// It is in another calendar now.
    Left,
}

impl Why {
    fn by(self) -> DeletedBy {
        match self {
            Self::Deleted | Self::Left => DeletedBy::Crm,
            Self::OptedOut => DeletedBy::OptOut,
        }
    }
}

fn is_gone(seen: &Seen) -> bool {
    match seen {
        Seen::Base => false,
        Seen::Absent => true,
        Seen::Event(event) => event.is_cancelled(),
    }
}

/// A guest's copy of a meeting that takes place.
fn is_guests(seen: &Seen) -> bool {
    match seen {
        Seen::Base | Seen::Absent => false,
        Seen::Event(event) => !event.is_cancelled() && has_other_organizer(event),
    }
}

/// Google names the calendar that the event has moved to, and its listing is still to come.
fn is_awaited(claimed: &Claimed, seen: &Seen) -> bool {
    let Seen::Event(event) = seen else {
        return false;
    };
    let organizer = event.organizer.as_ref();
    let organizer = organizer.and_then(|organizer| organizer.email.as_ref());
    claimed.link.organized && organizer.is_some_and(|email| claimed.unlisted.contains(email))
}

fn has_other_organizer(event: &Event) -> bool {
    event.organizer.is_some() && !event.is_organized_here()
}

fn is_in_google(state: LinkState) -> bool {
    match state {
        LinkState::Live | LinkState::Kept => true,
        LinkState::Reserved | LinkState::Gone => false,
    }
}

/// What a successful write comes to; `answer` is none for a deletion.
///
/// # Errors
/// [`Unmappable`]: Google's answer has no usable times.
pub fn written(
    claimed: &Claimed,
    write: &Write,
    answer: Option<&Event>,
) -> Result<(Outcome, Vec<Note>), Unmappable> {
    match (&write.method, answer) {
        (Method::Delete(_, by), _) => {
            Ok((deleted(*by, Proof::Confirmed), note("pushed", "delete")))
        }
        (Method::Insert | Method::Patch(_) | Method::Restore(_), Some(event)) => {
            let mut notes = note("pushed", method_name(&write.method));
            notes.extend(conflicts(&write.merged));
            notes.extend(unlike_intent(claimed, write, event)?);
            if claimed.row.is_none() {
                return Ok((occurrence::cancelled(claimed, event)?, notes));
            }
            // Only its organizer brings a meeting back, whatever the answer to a guest is.
            let stays_cancelled = event.is_cancelled() && !write.merged.row.is_cancelled();
            if stays_cancelled && !occurrence::is_exception(claimed) {
                return Ok((next_id(claimed), notes));
            }
            let reread = write.body.contains_key("start") || changes_times(&write.merged);
            let outcome = choice::taken(claimed, synced(event, &write.merged, reread)?);
            Ok((outcome, notes))
        }
        (Method::Insert | Method::Patch(_) | Method::Restore(_), None) => {
            Ok((Outcome::Nothing, Vec::new()))
        }
    }
}

/// An unacknowledged attempt, a parked version, an expected surprise: look before any write.
fn must_read(claimed: &Claimed) -> bool {
    let parked = claimed
        .inbox
        .as_ref()
        .is_some_and(|inbox| inbox.etag != claimed.link.etag);
    claimed.unclear || claimed.look || parked
}

fn wanted(claimed: &Claimed, row: &Row, seen: &Seen) -> Result<Step, Unmappable> {
    let link = &claimed.link;
    let exception = occurrence::is_exception(claimed);
    let keep = claimed.decision == Some(Decision::Keep);
    match (link.state, seen) {
        (LinkState::Reserved, Seen::Base) if exception => Ok(Step::Read),
        (LinkState::Reserved, Seen::Base | Seen::Absent) if !exception => insert(claimed, row),
        (LinkState::Live, Seen::Base) => push_changes(claimed, row),
        (LinkState::Reserved | LinkState::Gone | LinkState::Kept, Seen::Base) => Ok(Step::Read),
        (_, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live, Seen::Absent) if !is_edited(claimed, row) && !keep => Ok(erased(seen)),
        (_, Seen::Absent) if exception => Ok(occurrence::not_planned(claimed, row)),
        (_, Seen::Absent) => Ok(regenerate(claimed)),
        (state, Seen::Event(event)) => match (state, event.is_cancelled()) {
            (LinkState::Reserved, _) if LinkBack::of(event).is_foreign_to(claimed.event_id) => {
                Ok(regenerate(claimed))
            }
            (_, false) => merge_with(claimed, row, event),
            (_, true) if exception => occurrence::cancelled_there(claimed, row, event, keep),
            (LinkState::Reserved | LinkState::Live, true) if !is_edited(claimed, row) && !keep => {
                Ok(erased(seen))
            }
            // What an event that moved has left behind comes back as nobody's.
            (_, true) if claimed.link.organized && has_other_organizer(event) => {
                Ok(regenerate(claimed))
            }
            (_, true) => restore(claimed, row, event),
        },
    }
}

fn unwanted(claimed: &Claimed, why: Why, seen: &Seen) -> Result<Step, Unmappable> {
    let (link, by) = (&claimed.link, why.by());
    match (link.state, seen) {
        // Attempts are forgotten when another copy is recorded.
        (LinkState::Reserved, Seen::Base) if why == Why::Left => Ok(Step::Read),
        (LinkState::Reserved, Seen::Base | Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
        }
        (LinkState::Live | LinkState::Kept, Seen::Base) => match &link.etag {
            Some(etag) if access(claimed) != Access::Read => Ok(delete(etag.clone(), by)),
            Some(_) | None => Ok(Step::Read),
        },
        // A listing has shown that the copy is gone; that it was to go ends here.
        (LinkState::Gone, Seen::Base) if why == Why::Left => {
            Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
        }
        // It may have been taken out of the trash there, which nobody cared about until now.
        (LinkState::Gone, Seen::Base) if was_opted_out(claimed, why) => Ok(Step::Read),
        (LinkState::Gone, Seen::Base) => Ok(Step::Record(Outcome::Nothing, Vec::new())),
        (LinkState::Live, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live | LinkState::Kept | LinkState::Gone, Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
        }
        (_, Seen::Event(event)) if event.is_cancelled() => {
            let (proof, single) = (Proof::Confirmed, is_single(event));
            Ok(Step::Record(
                Outcome::Deleted { by, proof, single },
                Vec::new(),
            ))
        }
        (LinkState::Reserved, Seen::Event(event))
            if LinkBack::of(event).is_foreign_to(claimed.event_id) =>
        {
            Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
        }
        (LinkState::Reserved, Seen::Event(event)) => delete_seen(event, by),
        (LinkState::Live | LinkState::Kept, Seen::Event(event)) => shown(claimed, why, event),
        (LinkState::Gone, Seen::Event(event))
            if was_opted_out(claimed, why) || is_our_restore(claimed, event) =>
        {
            shown(claimed, why, event)
        }
        // A late insert of ours that the deletion overtook, or a person who wants it back.
        (LinkState::Gone, Seen::Event(event)) => match (link.proof, why) {
            (Some(Proof::NeverSeen), _) => delete_seen(event, by),
            (Some(Proof::Confirmed) | None, Why::Deleted) => revive(claimed, event),
            (Some(Proof::Confirmed) | None, Why::OptedOut | Why::Left) => {
                Ok(Step::Record(Outcome::Nothing, Vec::new()))
            }
        },
    }
}

/// Google shows what is not wanted; an edit there brings a deleted row back.
fn shown(claimed: &Claimed, why: Why, event: &Event) -> Result<Step, Unmappable> {
    let comes_back = access(claimed) == Access::Read || is_edited_in_google(claimed, event)?;
    if why == Why::Deleted && comes_back {
        revive(claimed, event)
    } else {
        delete_seen(event, why.by())
    }
}

/// The event went from Google before its row was deleted, since the row was not for Google.
fn was_opted_out(claimed: &Claimed, why: Why) -> bool {
    why == Why::Deleted && claimed.link.deleted_by == Some(DeletedBy::OptOut)
}

/// What is back in Google was brought back by an attempt of ours, for a row that is deleted by now.
fn is_our_restore(claimed: &Claimed, event: &Event) -> bool {
    let stamp = Stamp::of(event);
    let mut attempts = claimed.attempts.iter();
    attempts.any(|attempt| attempt.row.is_some() && stamp == Some(Stamp(attempt.rev)))
}

fn delete_seen(event: &Event, by: DeletedBy) -> Result<Step, Unmappable> {
    Ok(event
        .etag
        .clone()
        .map_or(Step::Read, |etag| delete(etag, by)))
}

fn delete(etag: Etag, by: DeletedBy) -> Step {
    Step::Write(Write {
        method: Method::Delete(etag, by),
        body: Map::new(),
        merged: Merged::default(),
    })
}

pub(super) fn regenerate(claimed: &Claimed) -> Step {
    Step::Record(next_id(claimed), note("note", "a new id in Google"))
}

pub(super) fn next_id(claimed: &Claimed) -> Outcome {
    let generation = claimed.link.generation + 1;
    Outcome::Regenerate { generation }
}

/// Whether Google made its version so recently that it may not show it everywhere yet: a 404 then
/// proves nothing.
pub fn is_young(claimed: &Claimed) -> bool {
    let series = claimed.series.as_ref();
    let made = claimed
        .link
        .google_updated
        .max(series.and_then(|series| series.google_updated));
    made.is_some_and(|made| claimed.now - made < TimeDelta::minutes(5))
}

fn not_visible_yet() -> Step {
    let reason = "Google does not show the event yet; trying again".to_owned();
    let outcome = Outcome::Retry {
        reason,
        delay_seconds: 30.0,
        pause: None,
        free: true,
        not_written: true,
    };
    Step::Record(outcome, Vec::new())
}

pub(super) fn erased(seen: &Seen) -> Step {
    let by = DeletedBy::Google;
    let single = match seen {
        Seen::Base | Seen::Absent => false,
        Seen::Event(event) => is_single(event),
    };
    Step::Record(Outcome::Erased { by, single }, note("deleted", "google"))
}

/// Of some tombstones only the id is there: they say nothing.
fn is_single(event: &Event) -> bool {
    event.start.is_some() && event.recurrence.as_ref().is_none_or(Vec::is_empty)
}

pub(super) fn deleted(by: DeletedBy, proof: Proof) -> Outcome {
    let single = false;
    Outcome::Deleted { by, proof, single }
}
