//! Deletions, and what comes back from them.

use crate::situation::{Decision, Situation};
use crate::standing::{DeletedBy, Proof};
use crate::step::{Method, Settlement, Step, Write};
use crate::write::{is_edited_by_remote, with_input};
use event::{Access, Direction, GroupValue, Merged, Unmappable};
use provider::{Kind, LinkBack, RemoteEvent};

/// How it is known that an event is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// A write of ours deleted it.
    Writing,
    /// It was found gone.
    Reading,
}

pub(crate) fn deleted(by: DeletedBy, proof: Proof) -> Step {
    Step::Settle(Settlement::Deleted { by, proof })
}

pub(crate) fn delete(etag: &str, by: DeletedBy) -> Step {
    Step::Write(Box::new(Write {
        method: Method::Delete {
            etag: etag.to_owned(),
            by,
        },
        merged: Merged::default(),
    }))
}

pub(crate) fn delete_found(event: &RemoteEvent, by: DeletedBy) -> Step {
    match &event.etag {
        Some(etag) => delete(etag, by),
        None => Step::Get,
    }
}

/// It is shown, though its row was deleted: an edit there brings the row back.
pub(crate) fn shown_though_unwanted(
    situation: &Situation<'_>,
    event: &RemoteEvent,
) -> Result<Step, Unmappable> {
    let comes_back = situation.decision == Some(Decision::Keep)
        || situation.access_to(event) == Access::Read
        || is_edited_by_remote(situation, event)?;
    if event.kind != Kind::Default && situation.decision != Some(Decision::Keep) {
        // It cannot be deleted from here, and nobody wants to see it in the CRM.
        Ok(deleted(DeletedBy::Crm, Proof::Confirmed))
    } else if comes_back {
        recreate_row(situation, event)
    } else {
        Ok(delete_found(event, DeletedBy::Crm))
    }
}

/// The row comes back with what the provider shows; what it had changed itself is still to be sent.
pub(crate) fn recreate_row(
    situation: &Situation<'_>,
    event: &RemoteEvent,
) -> Result<Step, Unmappable> {
    let deleted = situation.member.deleted.as_ref().map(|row| &row.fields);
    let known = situation.base_crm();
    let row = deleted.or(known.as_deref()).cloned();
    // Of what never had a row nothing is to be sent.
    let merged = row
        .as_ref()
        .map(|row| with_input(situation, row, event, event::merge));
    let to_send = merged
        .transpose()?
        .map(|merged| merged.to_remote)
        .unwrap_or_default();
    let row = row.unwrap_or_default();
    let (mut fields, mut base) = (row.clone(), row);
    let is_ours = event.link_back == LinkBack::Row(situation.member.event.0);
    for value in event.fields.iter() {
        let group = value.group();
        let is_own = is_ours && group.direction() == Direction::ToRemote;
        // A write whose answer was lost had told the provider of it.
        let told = situation.link.standing.deleted_row();
        let told = told.filter(|row| is_own && row.value(group).as_ref() == Some(value));
        if let Some(told) = told.filter(|_| deleted.is_none()) {
            fields.set(group, told);
            base.set(group, told);
            continue;
        }
        let is_outdated = is_own && fields.value(group).as_ref() != Some(value);
        if !to_send.contains(&group) && !is_outdated {
            fields.apply(value);
            base.apply(value);
        } else if let GroupValue::References(shown) = value {
            base.references.clone_from(shown);
        } else {
            base.apply(value);
        }
    }
    Ok(Step::Settle(Settlement::RowRecreated {
        event: Box::new(event.clone()),
        fields: Box::new(fields),
        base: Box::new(base),
    }))
}
