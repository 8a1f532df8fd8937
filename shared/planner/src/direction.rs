//! What the direction that a user chose leaves of a decision. Where one side is not written to, the
//! other one wins every conflict.

use crate::choices::Direction;
use crate::deleted::{delete_found, deleted};
use crate::situation::{Seen, Situation};
use crate::standing::{Bases, DeletedBy, Proof, Standing};
use crate::state::Row;
use crate::step::{Method, Settlement, Step};
use crate::write::synced;
use event::{Group, Merged, Unmappable};

/// The step that is taken in place of `step`.
pub(crate) fn allowed(situation: &Situation<'_>, step: Step) -> Result<Step, Unmappable> {
    let leaves = match &situation.link.standing {
        Standing::Leaving(_) => true,
        Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Deleted(_) => false,
    };
    match situation.choices.direction {
        _ if leaves => Ok(step),
        Direction::Both => Ok(step),
        Direction::In => Ok(only_in(situation, step)),
        Direction::Out => Ok(only_out(situation, step)),
    }
}

/// Nothing is sent; what the provider shows is taken over.
fn only_in(situation: &Situation<'_>, step: Step) -> Step {
    let is_live = situation.link.standing.is_there();
    match (step, situation.seen) {
        (Step::Write(write), Seen::Found(event)) => match write.method {
            Method::Patch { .. } => synced(event, unsent(write.merged)),
            Method::Restore { .. } if is_live => Step::Settle(Settlement::DeletedByRemote),
            Method::Insert
            | Method::Restore { .. }
            | Method::Cancel { .. }
            | Method::Delete { .. } => Step::Settle(Settlement::Nothing),
        },
        (Step::Write(write), Seen::NotRead | Seen::NotFound) => match write.method {
            Method::Patch { .. } => Step::Get,
            Method::Insert
            | Method::Restore { .. }
            | Method::Cancel { .. }
            | Method::Delete { .. } => Step::Settle(Settlement::Nothing),
        },
        (Step::Settle(Settlement::NewId), _) if is_live => {
            Step::Settle(Settlement::DeletedByRemote)
        }
        (step @ (Step::Get | Step::Settle(_)), _) => step,
    }
}

/// What is not sent stays a difference to the base, for the day on which it may be.
pub(crate) fn unsent(mut merged: Merged) -> Merged {
    let kept = std::mem::take(&mut merged.to_remote);
    merged.unsent.extend(kept);
    merged
}

/// Nothing of the provider's is taken over.
fn only_out(situation: &Situation<'_>, step: Step) -> Step {
    match (step, situation.seen) {
        (Step::Settle(Settlement::DeletedByRemote), _) => {
            deleted(DeletedBy::Remote, Proof::Confirmed)
        }
        (Step::Settle(Settlement::RowRecreated { .. }), Seen::Found(event)) => {
            delete_found(event, DeletedBy::Crm)
        }
        (step @ (Step::Get | Step::Write(_) | Step::Settle(_)), _) => step,
    }
}

/// A change of the provider's that is not taken over stays a difference to the base, for the day on
/// which it may be.
pub(crate) fn keep_differences(
    bases: Option<&Bases>,
    row: Option<&Row>,
    shown: &mut event::RemoteFields,
    merged: &mut Merged,
) {
    let (taken, left): (Vec<_>, Vec<_>) = std::mem::take(&mut merged.to_crm)
        .into_iter()
        .partition(|group| group.direction() == event::Direction::FromRemote);
    merged.to_crm = taken;
    if let Some(row) = row {
        left.iter()
            .for_each(|group| merged.row.set(*group, &row.fields));
    }
    let Some(bases) = bases else {
        return;
    };
    let ours = event::merge::crm_changed_groups(&merged.row, Some(&bases.crm));
    for group in Group::ALL {
        let known = bases.remote.get(group);
        if let Some(known) = known.filter(|_| !ours.contains(&group)) {
            shown.insert(known.clone());
        }
    }
}
