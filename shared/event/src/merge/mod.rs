//! The three-way merge of one event, by group. Each side is compared with its own base: a provider
//! normalises what it is sent, so one base for both would differ for ever. What was never seen in full is
//! never written over.

mod changes;
mod guests;

#[cfg(test)]
mod tests;

pub use changes::{crm_changed_groups, remote_changed_groups};
pub use guests::merge as merge_guests;

use crate::{
    Access, Attendees, Change, Context, Direction, EventFields, EventPatch, Group, GroupValue,
    RemoteFields, Unmappable, is_conference_request,
};
use changes::Changes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The two sides and their bases.
#[derive(Debug, Clone, Copy)]
pub struct MergeInput<'a> {
    /// The row as loaded.
    pub row: &'a EventFields,
    /// The row as last recorded; none if it never was.
    pub base_crm: Option<&'a EventFields>,
    /// What the provider shows now; its base where it was not read.
    pub remote: &'a RemoteFields,
    /// What the provider showed at the last record.
    pub base_remote: Option<&'a RemoteFields>,
    /// Rows of unacknowledged attempts that the provider's version may already contain, oldest first.
    pub landed: &'a [&'a EventFields],
    /// Who wins a conflict.
    pub policy: Policy,
    /// Addresses of guests that the provider shows by another one.
    pub aliases: &'a BTreeMap<String, String>,
    /// When fields of the row changed, by their names.
    pub changed_at: &'a BTreeMap<String, DateTime<Utc>>,
    /// When the provider's version was made.
    pub remote_updated: Option<DateTime<Utc>>,
    /// When a group of it got its value, where that was earlier.
    pub remote_times: &'a BTreeMap<Group, DateTime<Utc>>,
    /// Whether the row is the newest that was ever sent.
    pub freshness: Freshness,
    /// What can be written.
    pub access: Access,
    /// It names the row, whose references it carries.
    pub is_linked_back: bool,
    /// For the mapping.
    pub context: &'a Context,
}

/// Who wins where both sides changed a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The later change of that group; the CRM where that is not known.
    #[default]
    Latest,
    /// The CRM.
    Crm,
    /// The provider.
    Google,
}

/// Whether the row is the newest that was ever sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Freshness {
    /// It is.
    #[default]
    Current,
    /// The provider holds a later write of ours than the database remembers, which was restored from a
    /// backup: what the row says is old.
    Outdated,
}

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The row.
    Crm,
    /// The provider.
    Google,
}

/// What a merge comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Merged {
    /// Groups to write to the provider.
    pub to_remote: Vec<Group>,
    /// Groups to write to the row, with their values in `row`.
    pub to_crm: Vec<Group>,
    /// Groups that both sides had changed.
    pub conflicts: Vec<Conflict>,
    /// Changes of the row that only the organizer could make: the row gets the provider's value back.
    pub refused: Vec<Group>,
    /// Changes of the row to what the provider has not shown in full. They are neither sent nor
    /// recorded, see [`Merged::base_crm`]: read the event, and decide again.
    pub unsent: Vec<Group>,
    /// The row with `to_crm` in it: what the provider is to show.
    pub row: EventFields,
    /// The write that `to_remote` comes to.
    pub patch: EventPatch,
}

/// A group that both sides changed to different values.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// Which.
    pub group: Group,
    /// The row's value, as the provider would show it.
    pub crm: Value,
    /// The provider's.
    pub remote: Value,
    /// Who won.
    pub winner: Side,
}

impl Conflict {
    /// As the history keeps it, with both values.
    pub fn detail(&self) -> Value {
        json!({"group": self.group, "crm": self.crm, "google": self.remote, "won": self.winner})
    }
}

impl Merged {
    /// The row to record once both sides agree: of what was not sent, it keeps what was recorded before,
    /// so that the change is still one.
    pub fn base_crm(&self, before: Option<&EventFields>) -> EventFields {
        let nothing = EventFields::default();
        let mut base = self.row.clone();
        for group in &self.unsent {
            base.set(*group, before.unwrap_or(&nothing));
        }
        base
    }

    fn take(&mut self, value: &GroupValue) {
        self.row.apply(value);
        self.to_crm.push(value.group());
    }
}

/// Merges the two sides.
///
/// # Errors
/// [`Unmappable`] where the row lacks what every event needs.
pub fn merge(input: &MergeInput<'_>) -> Result<Merged, Unmappable> {
    let mut merged = Merged {
        row: input.row.clone(),
        ..Merged::default()
    };
    let changes = Changes::of(input)?;
    for group in Group::ALL {
        let Some(remote) = input.remote.get(group) else {
            if changes.says_unseen(input, group) {
                unseen(input, group, &mut merged);
            }
            continue;
        };
        let crm_changed = changes.crm(group);
        let crm = changes::said(input, group)?;
        if crm_changed && group.direction() != Direction::FromRemote && input.access != Access::Full
        {
            restricted(input, &crm, remote, &mut merged);
            continue;
        }
        let has_landed = changes.remote(group) && !input.landed.is_empty();
        if let (GroupValue::Attendees(theirs), true) = (remote, crm_changed || has_landed) {
            merge_attendees(input, theirs, changes.remote(group), &mut merged);
            continue;
        }
        match (
            direction(group, input.row),
            crm_changed,
            changes.remote(group),
        ) {
            (_, false, false) | (Direction::FromRemote, _, false) => {}
            (Direction::ToRemote, false, true) if !carries(input, group) => {}
            (Direction::Both | Direction::ToRemote, true, false)
            | (Direction::ToRemote, _, true) => {
                if crm != *remote {
                    merged.to_remote.push(group);
                }
            }
            (Direction::Both, false, true) | (Direction::FromRemote, _, true) => {
                merged.take(remote);
            }
            (Direction::Both, true, true) if crm == *remote => {}
            (Direction::Both, true, true) => {
                let decided = changes.decided_with(group);
                conflict(input, &decided, &crm, remote, &mut merged);
            }
        }
    }
    merged.patch = patch(input, &merged);
    Ok(merged)
}

/// Takes into the row what the provider makes by itself when it is written to: organizer and files, a
/// new conference, guests' roles; and of an occurrence what it inherits from its series.
/// Returns the groups that this changes.
pub fn take_server_made(
    row: &mut EventFields,
    remote: &RemoteFields,
    inherited: &[Group],
) -> Vec<Group> {
    let mut taken = Vec::new();
    for value in remote.iter() {
        let group = value.group();
        let made_there = if let GroupValue::Attendees(guests) = value {
            row.attendees.differs_in_roles(guests)
        } else if let GroupValue::Conference(conference) = value {
            conference.is_some()
        } else {
            group.direction() == Direction::FromRemote || inherited.contains(&group)
        };
        let before = row.clone();
        if made_there {
            row.apply(value);
        }
        if row.differs(&before, group) {
            taken.push(group);
        }
    }
    taken
}

/// What only the row says is written again where the provider comes to show something else.
fn carries(input: &MergeInput<'_>, group: Group) -> bool {
    let is_current = input.freshness == Freshness::Current;
    input.is_linked_back && is_current && input.access.allows(group)
}

/// Of a conference only two wishes go to the provider, see [`is_conference_request`].
fn direction(group: Group, row: &EventFields) -> Direction {
    match (group, &row.conference) {
        (Group::Conference, Some(conference)) if !is_conference_request(conference) => {
            Direction::FromRemote
        }
        _ => group.direction(),
    }
}

fn conflict(
    input: &MergeInput<'_>,
    decided_together: &[Group],
    crm: &GroupValue,
    remote: &GroupValue,
    merged: &mut Merged,
) {
    let winner = match input.policy {
        Policy::Crm => Side::Crm,
        Policy::Google => Side::Google,
        Policy::Latest => later(input, decided_together),
    };
    match winner {
        Side::Crm => merged.to_remote.push(remote.group()),
        Side::Google => merged.take(remote),
    }
    merged.conflicts.push(Conflict {
        group: remote.group(),
        crm: crm.to_json(),
        remote: remote.to_json(),
        winner,
    });
}

/// By the time the groups changed on each side; a tie, or a time that nobody knows, is the CRM's.
fn later(input: &MergeInput<'_>, groups: &[Group]) -> Side {
    let fields = groups.iter().flat_map(|group| group.fields());
    let crm = fields.filter_map(|field| input.changed_at.get(field.name));
    let known = groups
        .iter()
        .filter_map(|group| input.remote_times.get(group));
    match (crm.max(), known.max().or(input.remote_updated.as_ref())) {
        (Some(crm), Some(remote)) if crm < remote => Side::Google,
        (Some(_) | None, Some(_) | None) => Side::Crm,
    }
}

/// The row wants what a guest cannot have: it gets the provider's value back. A guest's own copy has some
/// groups that are theirs, and of the guest list their own answer. References that a copy cannot carry stay
/// with the CRM, which they are for.
fn restricted(input: &MergeInput<'_>, crm: &GroupValue, remote: &GroupValue, merged: &mut Merged) {
    let group = remote.group();
    match (input.access.allows(group), remote) {
        (true, GroupValue::Attendees(theirs)) => {
            let answered = theirs.clone().answered_as(&input.row.attendees).canonical();
            if answered != *theirs {
                merged.to_remote.push(group);
            }
            if crm != remote {
                merged.take(&GroupValue::Attendees(answered));
            }
        }
        (true, _) if crm != remote => merged.to_remote.push(group),
        (false, _) if crm != remote && group != Group::References => {
            merged.take(remote);
            merged.refused.push(group);
        }
        (true | false, _) => {}
    }
}

/// The row changed what the provider does not show. Whoever may not change it gets back what both sides last
/// agreed on, as they get back what is shown.
fn unseen(input: &MergeInput<'_>, group: Group, merged: &mut Merged) {
    let may = input.access.allows(group) || group == Group::References;
    match input.base_crm.filter(|_| !may) {
        Some(base) => {
            merged.row.set(group, base);
            merged.to_crm.push(group);
            merged.refused.push(group);
        }
        None => merged.unsent.push(group),
    }
}

/// `remote_changed`: since its base, and not by one of our own attempts.
fn merge_attendees(
    input: &MergeInput<'_>,
    theirs: &Attendees,
    remote_changed: bool,
    merged: &mut Merged,
) {
    let known = |guests: &Attendees| guests.by_address(input.aliases, theirs);
    let row = known(&input.row.attendees);
    let base_crm = changes::crm_base(input, Group::Attendees);
    let mut base_crm = base_crm.map_or_else(Attendees::default, |base| {
        known(&base.attendees).canonical()
    });
    // Whom an attempt of ours invited and the row does not name any more was dropped.
    for (email, guest) in input.landed.iter().flat_map(|row| row.attendees.iter()) {
        if theirs.contains(email) && !row.contains(email) {
            base_crm.insert(email, guest.canonical(email));
        }
    }
    let base_remote = if remote_changed {
        input.base_remote.and_then(RemoteFields::attendees)
    } else {
        Some(theirs)
    };
    let both = merge_guests(
        &reached(input, &base_crm, theirs),
        &row,
        &base_remote.map_or_else(Attendees::default, |base| reached(input, base, theirs)),
        theirs,
    );
    if both != *theirs {
        merged.to_remote.push(Group::Attendees);
    }
    if both != input.row.attendees.canonical() {
        merged.take(&GroupValue::Attendees(both));
    }
}

/// A base without those whom our last write left out: nobody else has dropped them.
fn reached(input: &MergeInput<'_>, base: &Attendees, theirs: &Attendees) -> Attendees {
    let written = input.landed.last().map(|row| &row.attendees);
    let written = written.map(|guests| guests.by_address(input.aliases, theirs));
    let is_left_out = |email: &str| {
        let mut written = written.iter();
        !theirs.contains(email) && written.any(|guests| !guests.contains(email))
    };
    let all = base.iter().filter(|(email, _)| !is_left_out(email));
    all.map(|(email, guest)| (email.to_owned(), guest.clone()))
        .collect()
}

/// A series needs the zone of its times, which a single event may have been made without.
fn patch(input: &MergeInput<'_>, merged: &Merged) -> EventPatch {
    let mut patch = EventPatch::of(&merged.to_remote, &merged.row);
    let remote = input.remote.time();
    let has_zone = remote.is_some_and(|time| time.is_all_day() || time.start_zone().is_some());
    if !patch.recurrence.is_keep() && merged.row.is_series() && !has_zone {
        patch.change(Group::Time, &merged.row);
    }
    // Of what lost a conflict no half stays: what the row leaves unsaid is as it was.
    let is_conflict = |conflict: &Conflict| conflict.group == Group::Time;
    let before = input.base_remote.and_then(|base| base.time());
    let before = before.filter(|_| merged.conflicts.iter().any(is_conflict));
    if let (Change::Set(time), Some(shown)) = (&patch.time, before.or(remote)) {
        let base = changes::crm_base(input, Group::Time).and_then(|base| base.time.as_ref());
        patch.time = Change::Set(time.with_unsaid_zones(base, shown));
    }
    patch
}
