//! Groups that Google refuses together are sent one by one: one value that it does not take holds up no other.

use crate::direction::unsent;
use crate::plan::Plan;
use crate::situation::Seen;
use crate::step::{Method, Write};
use crate::task::Task;
use event::{Change, EventPatch, Group};
use provider::{Cause, ProviderError};

/// What an event is not to be without, even for a moment; a rule goes with the time that it starts from.
const FIRST: [Group; 5] = [
    Group::Time,
    Group::Recurrence,
    Group::Status,
    Group::Visibility,
    Group::Transparency,
];
const RULE: [Group; 2] = [Group::Time, Group::Recurrence];

/// What came of sending groups one by one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Apart {
    /// Those that were refused.
    refused: Vec<Group>,
    /// Why the last one was, for people.
    reason: String,
}

impl Plan<'_> {
    /// A write that was refused for good.
    pub(crate) fn refuse_write(
        &mut self,
        mut task: Task,
        write: Option<&Write>,
        error: &ProviderError,
    ) {
        let reason = error.explanation.clone();
        let Some(write) = write.filter(|_| error.cause == Cause::Invalid) else {
            return self.rest_refused(&task, write, reason);
        };
        if matches!(write.merged.patch.conference, Change::Set(_)) && task.apart.is_none() {
            task.without_conference = true;
            return self.first(task);
        }
        let sent = write.merged.to_remote.clone();
        match task.apart.as_mut() {
            None if is_divisible(write) => task.apart = Some(Apart::default()),
            Some(apart) if write.method != Method::Insert => {
                apart.refused.extend(sent);
                apart.reason = reason;
            }
            None | Some(_) => return self.rest_refused(&task, Some(write), told(&sent, &reason)),
        }
        self.first(task);
    }

    /// What of a write is sent next; none where Google has refused all that is left.
    pub(crate) fn part(&mut self, task: &Task, mut write: Box<Write>) -> Option<Box<Write>> {
        if let Some(apart) = &task.apart {
            write = self.next_part(task, apart, write)?;
        }
        if task.without_conference {
            write.merged.patch.conference = Change::Keep;
        }
        Some(write)
    }

    fn next_part(
        &mut self,
        task: &Task,
        apart: &Apart,
        mut write: Box<Write>,
    ) -> Option<Box<Write>> {
        let Apart { refused, reason } = apart;
        let left = write.merged.to_remote.iter().copied();
        let left: Vec<Group> = left.filter(|group| !refused.contains(group)).collect();
        let next = next(&write.method, &left);
        if next.is_empty() {
            let reason = told(refused, reason);
            self.rest_refused(task, Some(&write), reason);
            return None;
        }
        let time = std::mem::take(&mut write.merged.patch.time);
        let mut merged = unsent(write.merged);
        merged.unsent.retain(|group| !next.contains(group));
        merged.patch = EventPatch::of(&next, &merged.row);
        if RULE.iter().any(|group| next.contains(group)) {
            merged.patch.time = time;
        }
        merged.to_remote = next;
        write.merged = merged;
        Some(write)
    }

    /// One part of a write is with Google: the next one.
    pub(crate) fn go_on_apart(&mut self, task: &Task, write: &Write) {
        if task.apart.is_some() && !write.merged.unsent.is_empty() {
            self.first(Task {
                seen: Seen::NotRead,
                ..task.clone()
            });
        }
    }

    /// What Google shows is taken although it refuses what the row says.
    fn rest_refused(&mut self, task: &Task, write: Option<&Write>, reason: String) {
        match (write, &task.seen) {
            (Some(write), Seen::Found(event)) if matches!(write.method, Method::Patch { .. }) => {
                let (event, merged) = (event.as_ref().clone(), unsent(write.merged.clone()));
                self.synced(task, event, merged, Some(reason));
            }
            _ => self.refuse(task.member, reason),
        }
    }
}

fn is_divisible(write: &Write) -> bool {
    let groups = &write.merged.to_remote;
    match write.method {
        Method::Insert | Method::Patch { .. } => next(&write.method, groups).len() < groups.len(),
        Method::Restore { .. } | Method::Cancel { .. } | Method::Delete { .. } => false,
    }
}

/// Guests come last, so that they hear of an event that is complete.
fn next(method: &Method, left: &[Group]) -> Vec<Group> {
    let together: &[Group] = match method {
        Method::Insert => &FIRST,
        Method::Patch { .. }
        | Method::Restore { .. }
        | Method::Cancel { .. }
        | Method::Delete { .. } => &RULE,
    };
    let (first, others): (Vec<Group>, Vec<Group>) =
        left.iter().partition(|group| together.contains(group));
    if !first.is_empty() {
        return first;
    }
    let others = others.into_iter();
    let next = others.min_by_key(|group| *group == Group::Attendees);
    next.into_iter().collect()
}

fn told(groups: &[Group], reason: &str) -> String {
    let names: Vec<&str> = groups.iter().map(|group| group.name()).collect();
    format!("{reason} It is about: {}.", names.join(", "))
}
