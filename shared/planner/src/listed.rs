//! One listed version: taken where the row is clean, parked elsewhere.

use crate::added::{never_seen, new_link, new_member};
use crate::plan::{Plan, Task};
use crate::situation::Seen;
use crate::standing::{Proof, Standing};
use crate::state::{Link, Member};
use chrono::{DateTime, Utc};
use event::Group;
use provider::{Listed, RemoteEvent};
use std::collections::BTreeMap;
use store::{ConnectionId, EventId};

impl Plan<'_> {
    /// Takes a listed version where the row is clean, and parks it elsewhere.
    pub(crate) fn take_listed(&mut self, task: &mut Task) {
        let Some((listed, as_of)) = task.listed.clone() else {
            return;
        };
        let Ok(event) = &listed.event else {
            return;
        };
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let bases = link.standing.bases();
        let is_same = bases.is_some_and(|bases| bases.etag.is_some() && bases.etag == event.etag);
        if is_same && !matches!(link.standing, Standing::Deleted(_)) {
            let missed = bases.is_some_and(|bases| bases.missed.is_some());
            if missed
                && let Some(bases) = self.members[task.member].links[task.link]
                    .standing
                    .bases_mut()
            {
                bases.missed = None;
                self.put_link(task.member, task.link);
            }
            return self.unpark(task, event.etag.clone(), as_of);
        }
        if self.is_without_series(task.member) {
            return self.unpark(task, event.etag.clone(), as_of);
        }
        let is_clean = !member.is_dirty() && member.parked.is_empty() && link.recorded <= as_of;
        if !is_clean {
            return self.park_listed(task, &listed, as_of);
        }
        task.seen = Seen::Found(Box::new(event.clone()));
        match self.decide(task) {
            Ok(crate::step::Step::Settle(settlement)) => self.settle(task, settlement),
            Ok(crate::step::Step::Get | crate::step::Step::Write(_)) | Err(_) => {
                self.park_listed(task, &listed, as_of);
            }
        }
    }

    /// What is in the trash, or another user's: what of a series somebody has brought back stands by itself.
    pub(crate) fn is_series_gone(&self, link: usize) -> bool {
        let root = self.members.iter().find(|root| root.event == self.root);
        root.is_none_or(|root| {
            let is_gone = |link: &Link| matches!(link.standing, Standing::Deleted(_));
            let has_row =
                root.row.is_some() && root.links.get(link).is_some_and(|link| self.is_own(link));
            !has_row && root.links.get(link).is_none_or(is_gone)
        })
    }

    /// Whose a listed version of a linked event is.
    pub(crate) fn stands(&self, member: usize, link: usize, event: &RemoteEvent) -> Stands {
        let of = &self.members[member];
        let there = &of.links[link];
        let Standing::Deleted(deletion) = &there.standing else {
            return Stands::Here;
        };
        if event.is_cancelled {
            return Stands::Here;
        }
        if !self.is_own(there) {
            // Another user's row by now; a late insert of ours is to go all the same.
            return match deletion.proof {
                Proof::NeverSeen => Stands::Here,
                Proof::Confirmed => Stands::Alone,
            };
        }
        if of.event == self.root || of.row.is_some() || of.has_open_changes() {
            return Stands::Here;
        }
        let root = self.members.iter().find(|root| root.event == self.root);
        let series = root.and_then(|root| root.link_in(&there.connection));
        match series {
            Some(link) if self.is_series_gone(link) => Stands::Alone,
            Some(_) => Stands::Here,
            None => Stands::Alone,
        }
    }

    /// An exception without a row, for the day on which its series comes back.
    pub(crate) fn remember(
        &mut self,
        connection: &ConnectionId,
        new_id: &dyn Fn() -> uuid::Uuid,
        event: &RemoteEvent,
        original_start: String,
    ) {
        let mut known = self.members.iter();
        let is_it = |member: &Member| member.original_start.as_ref() == Some(&original_start);
        if known.any(|member| is_it(member) && (member.row.is_some() || !member.links.is_empty())) {
            return;
        }
        self.members.push(Member {
            links: vec![Link {
                standing: never_seen(),
                ..new_link(connection.clone(), event)
            }],
            ..new_member(EventId(new_id()), Some(original_start))
        });
        self.reached = self.members.len();
        self.put_link(self.members.len() - 1, 0);
    }

    /// What people do with an event that was taken out is known under its row.
    pub(crate) fn carry_over(&mut self, member: usize, link: usize, to: &ConnectionId) {
        self.ops.push(self.drop_link(member, link));
        self.members[member].links[link].connection = to.clone();
        self.put_link(member, link);
    }

    /// The event is another row's from now on.
    pub(crate) fn forget(&mut self, member: usize, link: usize) {
        self.ops.push(self.drop_link(member, link));
        self.members[member].links.remove(link);
    }

    /// An exception of a series that is not with the provider: what becomes of it comes with the series.
    pub(crate) fn is_without_series(&self, member: usize) -> bool {
        let root = self.members.iter().find(|root| root.event == self.root);
        self.members[member].event != self.root
            && root.is_none_or(|root| {
                let is_live = |link: &Link| matches!(link.standing, Standing::Live(_));
                root.row.is_none() || !root.links.iter().any(is_live)
            })
    }

    pub(crate) fn unpark(&mut self, task: &Task, etag: Option<String>, as_of: i64) {
        let link = &self.members[task.member].links[task.link];
        self.ops.push(store::Op::Unpark {
            connection: link.connection.clone(),
            remote: link.remote.clone(),
            etag,
            as_of,
        });
    }

    pub(crate) fn park_listed(&mut self, task: &Task, listed: &Listed, as_of: i64) {
        self.park(task, listed, as_of);
        self.read_again(task.member);
        self.wait_in(0.0, "it changed in Google".to_owned());
    }
}

/// Whose a listed version of a linked event is.
pub(crate) enum Stands {
    /// The linked row's.
    Here,
    /// That of a row of its own.
    Alone,
}

/// When the provider made the first listed version with the value that a group has now.
pub(crate) fn times(
    member: &Member,
    link: &Link,
    event: &RemoteEvent,
) -> BTreeMap<Group, DateTime<Utc>> {
    let mut earlier = member.parked.iter();
    let earlier =
        earlier.find(|parked| parked.connection == link.connection && parked.remote == link.remote);
    let fields: event::RemoteFields = earlier
        .and_then(|parked| serde_json::from_value(parked.item["fields"].clone()).ok())
        .unwrap_or_default();
    let known: BTreeMap<Group, DateTime<Utc>> = earlier
        .and_then(|parked| serde_json::from_value(parked.item["times"].clone()).ok())
        .unwrap_or_default();
    let bases = link.standing.bases();
    let changed = event.fields.iter().filter_map(|value| {
        let group = value.group();
        if fields.get(group) == Some(value) {
            return known.get(&group).map(|time| (group, *time));
        }
        let is_base = bases.is_some_and(|bases| bases.remote.get(group) == Some(value));
        event.updated.filter(|_| !is_base).map(|time| (group, time))
    });
    changed.collect()
}
