//! What a decision writes.

use crate::direction::unsent;
use crate::situation::{Seen, Situation};
use crate::standing::Bases;
use crate::state::Row;
use crate::step::{Method, Settlement, Step, Write};
use chrono::{DateTime, Utc};
use event::merge::{Freshness, MergeInput, crm_changed_groups, remote_changed_groups};
use event::{
    Access, Change, Direction, EventFields, EventPatch, Group, Merged, RemoteFields, Status,
    Unmappable,
};
use provider::{LinkBack, RemoteEvent};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) fn insert(row: &Row) -> Step {
    whole(Method::Insert, row, &writable())
}

/// What the row changed, on the version that is known: `If-Match` says whether it still is the newest.
pub(crate) fn push_changes(
    situation: &Situation<'_>,
    row: &Row,
    bases: &Bases,
) -> Result<Step, Unmappable> {
    if crm_changed_groups(&row.fields, Some(&bases.crm)).is_empty() {
        return Ok(Step::Settle(Settlement::Nothing));
    }
    let Some(etag) = &bases.etag else {
        return Ok(Step::Get);
    };
    let mut merged = event::merge(&MergeInput {
        row: &row.fields,
        base_crm: Some(&bases.crm),
        remote: &bases.remote,
        base_remote: Some(&bases.remote),
        landed: &[],
        policy: situation.choices.policy,
        aliases: situation.aliases(),
        changed_at: &situation.member.changed,
        remote_updated: bases.updated,
        remote_times: &BTreeMap::new(),
        freshness: Freshness::Current,
        access: situation.access(),
        is_linked_back: !bases.has_foreign_link_back,
        context: &situation.context(),
    })?;
    cancel_only(situation, &mut merged);
    // Never seen in full, refused, or said in another way only: what is shown now decides.
    let is_settled = merged.to_remote.is_empty() || !merged.refused.is_empty();
    if is_settled || !merged.unsent.is_empty() {
        return Ok(Step::Get);
    }
    let method = Method::Patch { etag: etag.clone() };
    Ok(Step::Write(Box::new(Write { method, merged })))
}

/// Three-way merge with what the provider shows.
pub(crate) fn merge_with(
    situation: &Situation<'_>,
    row: &Row,
    event: &RemoteEvent,
) -> Result<Step, Unmappable> {
    let mut merged = with_input(situation, &row.fields, event, event::merge)?;
    if situation.is_exception() {
        edit_outlives_cancellation(event, &mut merged);
    }
    cancel_only(situation, &mut merged);
    // What may be on its way is not to find the version that it is for.
    let outdates = situation.was_given_back() && situation.access_to(event) != Access::Read;
    match &event.etag {
        Some(etag) if outdates || !merged.to_remote.is_empty() => {
            let method = Method::Patch { etag: etag.clone() };
            Ok(Step::Write(Box::new(Write { method, merged })))
        }
        // Without a version nothing is written.
        None => Ok(synced(event, unsent(merged))),
        Some(_) => Ok(synced(event, merged)),
    }
}

pub(crate) fn synced(event: &RemoteEvent, merged: Merged) -> Step {
    Step::Settle(Settlement::Synced {
        event: Box::new(event.clone()),
        merged: Box::new(merged),
    })
}

/// An occurrence that the row cancels while somebody edits it with the provider takes place.
fn edit_outlives_cancellation(event: &RemoteEvent, merged: &mut Merged) {
    let cancels = merged.row.is_cancelled() && merged.to_remote.contains(&Group::Status);
    if cancels && merged.to_crm.iter().any(|group| group.is_authored()) {
        merged.to_remote.retain(|group| *group != Group::Status);
        merged.row.status = Status::Confirmed;
        let shown = event.fields.get(Group::Status);
        shown
            .into_iter()
            .for_each(|status| merged.row.apply(status));
        merged.to_crm.push(Group::Status);
        merged.patch.status = Change::Keep;
    }
}

/// Nobody sees what else a cancelled occurrence says, and its visibility would become that of its series.
fn cancel_only(situation: &Situation<'_>, merged: &mut Merged) {
    let cancels = merged.row.is_cancelled() && merged.to_remote.contains(&Group::Status);
    if situation.is_exception() && cancels {
        merged.to_remote = vec![Group::Status];
        merged.patch = EventPatch::of(&merged.to_remote, &merged.row);
    }
}

/// Brings a deleted event back with everything that the row says.
pub(crate) fn restore(situation: &Situation<'_>, row: &Row, event: &RemoteEvent) -> Step {
    let Some(etag) = event.etag.clone() else {
        return Step::Settle(Settlement::NewId);
    };
    let mut groups = writable();
    // A guest list that was never seen in full is not written over.
    let base = situation.base_remote();
    let knows_guests = base.is_none_or(|base| base.attendees().is_some());
    // An occurrence has its series' visibility, and would make the series as private as itself.
    let inherits = situation.is_exception()
        && situation
            .base_crm()
            .is_some_and(|base| !row.fields.differs(&base, Group::Visibility));
    // The trash has kept its conference.
    let asks = row.fields.conference.as_ref();
    let asks = asks.is_some_and(event::is_conference_request);
    groups.retain(|group| {
        (asks || *group != Group::Conference)
            && (knows_guests || *group != Group::Attendees)
            && !(inherits && *group == Group::Visibility)
    });
    whole(Method::Restore { etag }, row, &groups)
}

/// What both sides agree on with what an attempt has written; none where no attempt has.
///
/// # Errors
/// [`Unmappable`].
pub(crate) fn agreed(
    situation: &Situation<'_>,
    row: &Row,
) -> Result<Option<Box<(EventFields, RemoteFields)>>, Unmappable> {
    let (Seen::Found(event), Some(bases)) = (situation.seen, situation.link.standing.bases())
    else {
        return Ok(None);
    };
    if event.is_cancelled || situation.landed(event).is_empty() {
        return Ok(None);
    }
    let merged = with_input(situation, &row.fields, event, event::merge)?;
    let differs = |group: &Group| {
        let mut open = [
            &merged.to_crm,
            &merged.to_remote,
            &merged.refused,
            &merged.unsent,
        ]
        .into_iter();
        open.any(|groups| groups.contains(group))
    };
    let (mut crm, mut remote) = (bases.crm.clone(), bases.remote.clone());
    for group in Group::ALL.into_iter().filter(|group| !differs(group)) {
        crm.set(group, &row.fields);
        event
            .fields
            .get(group)
            .into_iter()
            .for_each(|value| remote.insert(value.clone()));
    }
    Ok(Some(Box::new((crm, remote))))
}

fn writable() -> Vec<Group> {
    let all = Group::ALL.into_iter();
    all.filter(|group| group.direction() != Direction::FromRemote)
        .collect()
}

fn whole(method: Method, row: &Row, groups: &[Group]) -> Step {
    let merged = Merged {
        to_remote: groups.to_vec(),
        patch: EventPatch::of(groups, &row.fields),
        row: row.fields.clone(),
        ..Merged::default()
    };
    Step::Write(Box::new(Write { method, merged }))
}

/// Whether somebody edited on the provider's side what people author.
///
/// # Errors
/// [`Unmappable`].
pub(crate) fn is_edited_by_remote(
    situation: &Situation<'_>,
    event: &RemoteEvent,
) -> Result<bool, Unmappable> {
    let base = situation.base_crm().map(Cow::into_owned);
    let deleted = situation.member.deleted.as_ref();
    let Some(row) = base.or_else(|| deleted.map(|row| row.fields.clone())) else {
        return Ok(false);
    };
    let changed = with_input(situation, &row, event, remote_changed_groups)?;
    Ok(event.is_organizer && changed.iter().any(|group| group.is_authored()))
}

/// Gathers what a merge compares, and hands it over.
pub(crate) fn with_input<T>(
    situation: &Situation<'_>,
    row: &EventFields,
    event: &RemoteEvent,
    then: impl FnOnce(&MergeInput<'_>) -> Result<T, Unmappable>,
) -> Result<T, Unmappable> {
    let (base_crm, base_remote) = (situation.base_crm(), situation.base_remote());
    let landed = situation.landed(event);
    let landed: Vec<&EventFields> = landed.iter().filter_map(|one| one.row.as_ref()).collect();
    let stamped = situation.stamped_rev(event);
    let is_outdated = stamped.is_some_and(|rev| rev > situation.member.rev);
    then(&MergeInput {
        row,
        base_crm: base_crm.as_deref(),
        base_remote: base_remote.as_deref(),
        remote: &event.fields,
        landed: &landed,
        policy: situation.choices.policy,
        aliases: situation.aliases(),
        changed_at: &situation.changed_at(),
        remote_updated: event.updated,
        remote_times: &times_of(situation, event),
        freshness: if is_outdated {
            Freshness::Outdated
        } else {
            Freshness::Current
        },
        access: situation.access_to(event),
        is_linked_back: event.link_back == LinkBack::Row(situation.member.event.0),
        context: &situation.context(),
    })
}

/// When groups got their values, as far as listings have shown it.
fn times_of(situation: &Situation<'_>, event: &RemoteEvent) -> BTreeMap<Group, DateTime<Utc>> {
    let mut parked = situation.member.parked.iter();
    let parked = parked
        .find(|parked| parked.connection == situation.link.connection && parked.etag == event.etag);
    parked
        .and_then(|parked| serde_json::from_value(parked.item.get("times")?.clone()).ok())
        .unwrap_or_default()
}
