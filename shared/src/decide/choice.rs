//! What the direction that a user chose for a calendar leaves of a decision.
//!
//! Where one side is not written to, the other one wins every conflict; the claim says so already.

use super::notes::note;
use super::push::{Method, Seen, Step, Write, erased};
use super::write::synced;
use crate::db::push_claim::{Claimed, DeletedBy, Direction, LinkState, Proof};
use crate::db::push_record::Outcome;
use crate::map::{self, Unit, Unmappable};
use crate::merge::{self, Merged};
use serde_json::{Map, Value};

/// The step that is taken in place of `step`.
pub(super) fn allowed(claimed: &Claimed, seen: &Seen, step: Step) -> Result<Step, Unmappable> {
    if claimed.link.leaving || claimed.link.departing {
        return Ok(step);
    }
    match claimed.connection.direction {
        Direction::Both => Ok(step),
        Direction::In => only_in(claimed, seen, step),
        Direction::Out => Ok(only_out(claimed, seen, step)),
    }
}

/// What is recorded in place of `outcome`.
pub(super) fn taken(claimed: &Claimed, outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Synced {
            google,
            mut base_google,
            mut merged,
            reread,
            unfinished,
        } if claimed.connection.direction == Direction::Out => {
            // What Google itself makes of our own writes, such as a link to a meeting, is no edit.
            merged.retain(|unit, _| unit.direction() == map::Direction::FromGoogle);
            keep_differences(claimed, &mut base_google);
            Outcome::Synced {
                google,
                base_google,
                merged,
                unfinished,
                reread,
            }
        }
        outcome @ (Outcome::Synced { .. }
        | Outcome::Deleted { .. }
        | Outcome::Erased { .. }
        | Outcome::Revived { .. }
        | Outcome::Regenerate { .. }
        | Outcome::Moved { .. }
        | Outcome::Kept
        | Outcome::Elsewhere
        | Outcome::Nothing
        | Outcome::Retry { .. }
        | Outcome::Failed { .. }) => outcome,
    }
}

/// A change of Google's that is not taken over stays a difference to the base, for the day on which it
/// may be.
fn keep_differences(claimed: &Claimed, base_google: &mut Map<String, Value>) {
    let (Some(row), Some(old)) = (&claimed.row, &claimed.link.base_google) else {
        return;
    };
    let ours = merge::crm_changed_units(row, claimed.link.base_crm.as_ref());
    for unit in Unit::ALL.into_iter().filter(|unit| !ours.contains(unit)) {
        if let Some(known) = old.get(unit) {
            base_google.insert(unit.name().to_owned(), known.clone());
        }
    }
}

/// Nothing is sent; what Google shows is taken over.
fn only_in(claimed: &Claimed, seen: &Seen, step: Step) -> Result<Step, Unmappable> {
    let is_live = claimed.link.state == LinkState::Live;
    match (step, seen) {
        (Step::Write(write), Seen::Event(event)) => match write.method {
            Method::Patch(_) => Ok(Step::Record(
                synced(event, &write.merged, false)?,
                note("note", "the calendar is only read"),
            )),
            Method::Restore(_) if is_live => Ok(erased(seen)),
            Method::Insert | Method::Restore(_) | Method::Delete(..) => Ok(nothing()),
        },
        (Step::Write(_), Seen::Base | Seen::Absent) => Ok(nothing()),
        (Step::Record(Outcome::Regenerate { .. }, _), _) if is_live => Ok(erased(seen)),
        (step @ (Step::Read | Step::Record(..)), _) => Ok(step),
    }
}

/// Nothing of Google's is taken over.
fn only_out(claimed: &Claimed, seen: &Seen, step: Step) -> Step {
    match (step, seen) {
        (Step::Record(Outcome::Erased { by, single }, _), _) => {
            let proof = Proof::Confirmed;
            let outcome = Outcome::Deleted { by, proof, single };
            Step::Record(outcome, note("deleted", "google"))
        }
        (Step::Record(Outcome::Revived { .. }, _), Seen::Event(event)) => match &event.etag {
            Some(etag) => Step::Write(Write {
                method: Method::Delete(etag.clone(), DeletedBy::Crm),
                body: Map::new(),
                merged: Merged::default(),
            }),
            None => Step::Read,
        },
        (Step::Record(outcome, notes), _) => Step::Record(taken(claimed, outcome), notes),
        (step @ (Step::Read | Step::Write(_)), _) => step,
    }
}

fn nothing() -> Step {
    Step::Record(Outcome::Nothing, Vec::new())
}
