//! What to do about a claimed event. The one decision of the push: every call to Google follows from
//! it, and after each answer it is asked again.

use super::write::{
    conflicts, insert, is_edited, is_edited_in_google, merge_with, method_name, note, push_changes,
    restore, revive, synced, unlike_intent,
};
use crate::crm::Row;
use crate::db::push_claim::{Claimed, DeletedBy, LinkState, Proof};
use crate::db::push_record::{Note, Outcome};
use crate::google::event::Event;
use crate::google::{AccessRole, Etag};
use crate::map::{LinkBack, Unmappable};
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
    match &claimed.row {
        Some(row) if row.is_wanted() => wanted(claimed, row, seen),
        Some(_) => unwanted(claimed, DeletedBy::OptOut, seen),
        None => unwanted(claimed, DeletedBy::Crm, seen),
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
            Ok((synced(event, &write.merged)?, notes))
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
    match (link.state, seen) {
        (LinkState::Reserved, Seen::Base | Seen::Absent) => insert(claimed, row),
        (LinkState::Live, Seen::Base) => push_changes(claimed, row),
        (LinkState::Gone, Seen::Base) => Ok(Step::Read),
        (LinkState::Live, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live, Seen::Absent) if !is_edited(claimed, row) => Ok(erased()),
        (LinkState::Live | LinkState::Gone, Seen::Absent) => Ok(regenerate(claimed)),
        (state, Seen::Event(event)) => match (state, event.is_cancelled()) {
            (LinkState::Reserved, _) if LinkBack::of(event).is_foreign_to(claimed.event_id) => {
                Ok(regenerate(claimed))
            }
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, false) => {
                merge_with(claimed, row, event)
            }
            (LinkState::Reserved | LinkState::Live, true) if !is_edited(claimed, row) => {
                Ok(erased())
            }
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, true) => {
                restore(claimed, row, event)
            }
        },
    }
}

fn unwanted(claimed: &Claimed, by: DeletedBy, seen: &Seen) -> Result<Step, Unmappable> {
    let link = &claimed.link;
    match (link.state, seen) {
        (LinkState::Reserved, Seen::Base | Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
        }
        (LinkState::Live, Seen::Base) => match &link.etag {
            Some(etag) => Ok(delete(etag.clone(), by)),
            None => Ok(Step::Read),
        },
        (LinkState::Gone, Seen::Base) => Ok(Step::Record(Outcome::Nothing, Vec::new())),
        (LinkState::Live, Seen::Absent) if is_young(claimed) => Ok(not_visible_yet()),
        (LinkState::Live | LinkState::Gone, Seen::Absent) => {
            Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
        }
        (state, Seen::Event(event)) => match (state, event.is_cancelled()) {
            (LinkState::Reserved | LinkState::Live | LinkState::Gone, true) => {
                Ok(Step::Record(deleted(by, Proof::Confirmed), Vec::new()))
            }
            (LinkState::Reserved, false) if LinkBack::of(event).is_foreign_to(claimed.event_id) => {
                Ok(Step::Record(deleted(by, Proof::NeverSeen), Vec::new()))
            }
            (LinkState::Reserved, false) => delete_seen(event, by),
            (LinkState::Live, false)
                if by == DeletedBy::Crm && is_edited_in_google(claimed, event)? =>
            {
                revive(claimed, event)
            }
            (LinkState::Live, false) => delete_seen(event, by),
            // A late insert of ours that the deletion overtook, or a person who wants it back.
            (LinkState::Gone, false) => match (link.proof, by) {
                (Some(Proof::NeverSeen), _) => delete_seen(event, by),
                (Some(Proof::Confirmed) | None, DeletedBy::Crm) => revive(claimed, event),
                (Some(Proof::Confirmed) | None, DeletedBy::OptOut | DeletedBy::Google) => {
                    Ok(Step::Record(Outcome::Nothing, Vec::new()))
                }
            },
        },
    }
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
    let generation = claimed.link.generation + 1;
    Step::Record(
        Outcome::Regenerate { generation },
        note("note", "a new id in Google"),
    )
}

/// Whether Google made its version so recently that it may not show it everywhere yet: a 404 then
/// proves nothing.
pub fn is_young(claimed: &Claimed) -> bool {
    let made = claimed.link.google_updated;
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

fn erased() -> Step {
    let by = DeletedBy::Google;
    Step::Record(Outcome::Erased { by }, note("deleted", "google"))
}

fn deleted(by: DeletedBy, proof: Proof) -> Outcome {
    Outcome::Deleted { by, proof }
}

/// Whether the account may write to the calendar at all.
pub fn may_write(claimed: &Claimed) -> bool {
    AccessRole::from(claimed.calendar.access_role.as_str()).can_write()
}
