//! One listed version: taken where the row is clean, parked elsewhere.

use crate::added::{never_seen, new_link, new_member};
use crate::plan::Plan;
use crate::situation::Seen;
use crate::standing::{Proof, Standing};
use crate::state::{Link, Member};
use crate::task::Task;
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
            // A deletion that the provider refuses brings the series back, and this with it.
            return match self.master().is_some_and(|root| root.deleted.is_some()) {
                true => self.park_listed(task, &listed, as_of),
                false => self.unpark(task, event.etag.clone(), as_of),
            };
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
        let root = self.master();
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
        if self.is_second_copy(member, link) && !event.is_cancelled {
            return Stands::Alone;
        }
        if self.is_second_copy(member, link) || self.has_left(member, link) {
            return match event.is_cancelled {
                true => Stands::Nowhere,
                false => Stands::Anew,
            };
        }
        if event.is_cancelled {
            return Stands::Here;
        }
        if of.event == self.root && !of.has_had_row() && there.standing == never_seen() {
            return Stands::Remembered;
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
        let root = self.master();
        let series = root.and_then(|root| root.link_in(&there.connection));
        match series {
            Some(link) if self.is_series_gone(link) => Stands::Alone,
            Some(_) => Stands::Here,
            None => Stands::Alone,
        }
    }

    /// An exception's link to where its series is not: what is there belongs to the series that it was of.
    fn has_left(&self, member: usize, link: usize) -> bool {
        let of = &self.members[member];
        let root = self.master().filter(|root| root.event != of.event);
        let is_home = |link: &&Link| self.is_own(link) && link.standing.is_there();
        root.and_then(|root| root.links.iter().find(is_home))
            .is_some_and(|home| home.connection != of.links[link].connection)
    }

    /// An exception without a row, for the day on which its series comes back.
    pub(crate) fn remember(
        &mut self,
        connection: &ConnectionId,
        new_id: &dyn Fn() -> uuid::Uuid,
        event: &RemoteEvent,
        original_start: String,
    ) {
        let link = Link {
            standing: never_seen(),
            ..new_link(connection.clone(), event)
        };
        let root = self.root.clone();
        let known = self.members.iter().position(|member| {
            member.event != root && member.original_start.as_ref() == Some(&original_start)
        });
        let at = known.unwrap_or_else(|| {
            let member = new_member(EventId(new_id()), Some(original_start));
            self.members.push(member);
            self.reached = self.members.len();
            self.members.len() - 1
        });
        if self.members[at].link_in(connection).is_none() {
            self.members[at].links.push(link);
            self.put_link(at, self.members[at].links.len() - 1);
        }
    }

    /// What people do with an event that was taken out is known under its row, in whichever calendar.
    pub(crate) fn know_there(&mut self, member: usize, link: usize, connection: &ConnectionId) {
        let links = &mut self.members[member].links;
        let mut known = links[link].clone();
        known.connection = connection.clone();
        links.push(known);
        let link = links.len() - 1;
        self.put_link(member, link);
    }

    /// The same with a row that has nothing else.
    pub(crate) fn give_way(&mut self, member: usize, link: usize, what: &str) {
        self.forget(member, link);
        self.note(member, "note", serde_json::json!({"what": what}));
        self.delete_row(member);
    }

    /// The event is another row's from now on.
    pub(crate) fn forget(&mut self, member: usize, link: usize) {
        self.ops.push(self.drop_link(member, link));
        self.members[member].links.remove(link);
    }

    /// A series that was only remembered for its exceptions is here: what became of them is read.
    pub(crate) fn forget_all(&mut self, connection: &ConnectionId) {
        for at in 0..self.members.len() {
            if let Some(link) = self.members[at].link_in(connection) {
                if self.members[at].event != self.root {
                    self.look_again(at, link);
                }
                self.forget(at, link);
            }
        }
    }

    /// An exception of a series that is not with the provider: what becomes of it comes with the series.
    pub(crate) fn is_without_series(&self, member: usize) -> bool {
        let root = self.master();
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
    /// Its old series', which is not where its row is.
    Anew,
    /// That of a row of its own.
    Alone,
    /// Nobody's: it is gone from where its row was.
    Nowhere,
    /// Nobody's yet: only its exceptions were known.
    Remembered,
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
    let mut times = BTreeMap::new();
    times.extend(changed);
    times
}
