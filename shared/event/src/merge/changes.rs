//! What each side changed since its base.

use super::{Freshness, MergeInput, direction};
use crate::{Direction, EventFields, Group, GroupValue, Unmappable};

/// A rule and the times it starts from.
pub(super) const RULE: [Group; 2] = [Group::Time, Group::Recurrence];

/// Groups that each side changed. Where either changed the rule of a series, rule and times are one
/// decision.
pub(super) struct Changes {
    crm: Vec<Group>,
    remote: Vec<Group>,
    joined: bool,
}

impl Changes {
    pub(super) fn of(input: &MergeInput<'_>) -> Result<Self, Unmappable> {
        let changed_here = |group: &Group| crm_changed(input, *group);
        let mut crm: Vec<Group> = Group::ALL.into_iter().filter(changed_here).collect();
        let mut remote = remote_changed_groups(input)?;
        let rule = Group::Recurrence;
        let joined = input.base_crm.is_some() && (crm.contains(&rule) || remote.contains(&rule));
        if joined {
            for side in [&mut crm, &mut remote] {
                if RULE.iter().any(|group| side.contains(group)) {
                    side.extend(RULE);
                }
            }
        }
        Ok(Self {
            crm,
            remote,
            joined,
        })
    }

    pub(super) fn crm(&self, group: Group) -> bool {
        self.crm.contains(&group)
    }

    pub(super) fn remote(&self, group: Group) -> bool {
        self.remote.contains(&group)
    }

    /// The groups that are decided together with one.
    pub(super) fn decided_with(&self, group: Group) -> Vec<Group> {
        if self.joined && RULE.contains(&group) {
            RULE.to_vec()
        } else {
            vec![group]
        }
    }

    /// Whether the row has an edit of a group that the provider does not show. What never was recorded is
    /// an edit where it says anything at all.
    pub(super) fn says_unseen(&self, input: &MergeInput<'_>, group: Group) -> bool {
        let nothing = EventFields::default();
        direction(group, input.row) != Direction::FromRemote
            && self.crm(group)
            && (input.base_crm.is_some() || input.row.differs(&nothing, group))
    }
}

/// Groups that the row changed since its base; all of them without a base. What changed is not what to
/// send: that is [`super::merge`]'s to say.
pub fn crm_changed_groups(row: &EventFields, base: Option<&EventFields>) -> Vec<Group> {
    let changed = |group: &Group| {
        direction(*group, row) != Direction::FromRemote
            && base.is_none_or(|base| row.differs(base, *group))
    };
    Group::ALL.into_iter().filter(changed).collect()
}

/// Groups that the provider changed since its base and that no attempt of ours explains.
///
/// # Errors
/// [`Unmappable`] where the row lacks what every event needs.
pub fn remote_changed_groups(input: &MergeInput<'_>) -> Result<Vec<Group>, Unmappable> {
    let mut changed = Vec::new();
    for value in input.remote.iter() {
        if remote_changed(input, value)? {
            changed.push(value.group());
        }
    }
    Ok(changed)
}

/// What the provider would show for the row, with what the row leaves unsaid as it is there.
pub(super) fn said(input: &MergeInput<'_>, group: Group) -> Result<GroupValue, Unmappable> {
    let expected = input.row.expected(group, input.context)?;
    let (GroupValue::Time(_), Some(time), Some(shown)) =
        (&expected, &input.row.time, input.remote.time())
    else {
        return Ok(expected);
    };
    let base = crm_base(input, group).and_then(|base| base.time.as_ref());
    let time = time.with_unsaid_zones(base, shown);
    Ok(GroupValue::Time(time.shown(&input.context.time_zone)))
}

fn crm_changed(input: &MergeInput<'_>, group: Group) -> bool {
    match input.freshness {
        Freshness::Outdated => false,
        Freshness::Current => {
            let base = crm_base(input, group);
            let is_changed = base.is_none_or(|base| input.row.differs(base, group));
            is_changed && !(group == Group::Time && is_unsaid(input))
        }
    }
}

/// The row only leaves the zones to the provider, which shows them as before, as far as is known.
fn is_unsaid(input: &MergeInput<'_>) -> bool {
    let known = input.base_remote.and_then(|known| known.time());
    let times = input.row.time.as_ref().zip(known);
    let times = times.filter(|_| landed_row(input, Group::Time).is_none());
    times.is_some_and(|(time, known)| {
        let base = input.base_crm.and_then(|base| base.time.as_ref());
        let time = time.with_unsaid_zones(base, known);
        time.shown(&input.context.time_zone) == *known
    })
}

/// What the row has changed from: the row of the attempt whose value the provider shows, also where it has
/// changed back since; else what was recorded.
pub(super) fn crm_base<'a>(input: &MergeInput<'a>, group: Group) -> Option<&'a EventFields> {
    landed_row(input, group).or(input.base_crm)
}

fn landed_row<'a>(input: &MergeInput<'a>, group: Group) -> Option<&'a EventFields> {
    let remote = input.remote.get(group)?;
    let known = input.base_remote.and_then(|base| base.get(group));
    if known.is_none_or(|known| known == remote) {
        return None;
    }
    let mut rows = input.landed.iter().rev().copied();
    rows.find(|row| is_explained_by(input, row, remote))
}

fn is_explained_by(input: &MergeInput<'_>, row: &EventFields, remote: &GroupValue) -> bool {
    let sent = row.expected(remote.group(), input.context);
    sent.is_ok_and(|sent| sent == *remote)
}

fn remote_changed(input: &MergeInput<'_>, remote: &GroupValue) -> Result<bool, Unmappable> {
    let group = remote.group();
    let differs = || Ok(input.row.expected(group, input.context)? != *remote);
    if input.freshness == Freshness::Outdated {
        return differs();
    }
    // What an attempt wrote is ours, even where its record was lost.
    let mut landed = input.landed.iter();
    if landed.any(|row| is_explained_by(input, row, remote)) {
        return Ok(false);
    }
    match input.base_remote.map(|base| base.get(group)) {
        Some(Some(known)) => Ok(known != remote),
        // Neither base knows it: they are older than its mapping.
        Some(None) if input.base_crm.is_some_and(|base| !base.knows(group)) => Ok(false),
        // Seen for the first time.
        Some(None) => differs(),
        // Never recorded: what differs from the row without an attempt to explain it is the provider's.
        None => Ok(!input.landed.is_empty() && differs()?),
    }
}
