//! Exceptions: occurrences that differ from their series.

use crate::deleted::{deleted, recreate_row};
use crate::situation::{Decision, Seen, Situation};
use crate::standing::{DeletedBy, Proof, Standing};
use crate::state::Row;
use crate::step::{Method, Settlement, Step, Write};
use crate::write::{is_edited_by_remote, restore, synced};
use event::{Access, EventFields, Group, Merged, Status, Unmappable};
use provider::RemoteEvent;

/// The series has no such occurrence: one that is cancelled needs none.
pub(crate) fn not_planned(situation: &Situation<'_>, row: &Row) -> Step {
    if row.fields.is_cancelled() {
        return deleted(DeletedBy::Crm, Proof::NeverSeen);
    }
    let start = situation
        .member
        .original_start
        .as_deref()
        .unwrap_or_default();
    Step::Settle(Settlement::Refused(format!(
        "the series has no occurrence planned for {start}; set original_start to one of its starts, or delete this exception"
    )))
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
