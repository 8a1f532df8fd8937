//! Which links of a family there is something to decide about: the master first, then its exceptions.

use crate::deleted::KnownBy;
use crate::failed::connect_again;
use crate::plan::Plan;
use crate::standing::{DeletedBy, Proof, Standing};
use crate::state::{Link, Member};
use crate::task::Task;
use event::OriginalStart;
use std::cmp::Reverse;
use store::{ConnectionState, LinkState, RemoteId, Side, SyncState};

/// Why the account or the calendar cannot work now.
pub(crate) enum Blocked {
    /// Everything waits for this.
    Waits(String),
    /// The connection has ended.
    Ended,
}

impl Plan<'_> {
    /// Makes the tasks of a member.
    pub(crate) fn reach(&mut self, member: usize) {
        if self.members[member].event == self.root {
            self.reach_root(member);
        } else {
            self.reach_exception(member);
        }
    }

    /// Something happened to it that cannot be done until it, or what Google shows, changes again.
    fn is_refused(&self, member: usize) -> bool {
        let member = &self.members[member];
        let refused = self.notes.refused.get(&member.event.0);
        let may_write = |link: &Link| {
            let connection = self.world.connection(&link.connection);
            self.is_own(link) && connection.is_some_and(crate::act::can_write)
        };
        refused.is_some_and(|refused| {
            let can_go_on = refused.read_only && member.links.iter().any(may_write);
            refused.rev >= member.rev && !can_go_on && member.parked.is_empty()
        })
    }

    pub(crate) fn is_own(&self, link: &Link) -> bool {
        let connection = self.world.connection(&link.connection);
        connection.is_some_and(|connection| Some(&connection.user) == self.owner.as_ref())
    }

    fn reach_root(&mut self, at: usize) {
        if self.is_refused(at) {
            return;
        }
        self.follow_move(at);
        let (own, others): (Vec<_>, Vec<_>) = (0..self.members[at].links.len())
            .partition(|link| self.is_own(&self.members[at].links[*link]));
        let is_for_somebody = self.members[at].row.as_ref().is_some_and(|row| row.enabled);
        let is_nowhere = own.is_empty() && !is_for_somebody;
        if own.is_empty() && is_for_somebody {
            self.unlinked(at);
        }
        // Of several calendars that something was taken out of, the one that showed it last.
        let mut own = own;
        own.sort_unstable_by_key(|link| (Reverse(self.members[at].links[*link].recorded), *link));
        for link in own {
            self.stay(at, link);
            if !self.is_blocked(at, link) {
                self.last(Task::new(at, link));
            }
        }
        // The new copy first, then the one that the event has left.
        let mut goes = false;
        for link in others {
            self.leave(at, link);
            if !self.may_be_there(at, link) {
                let connection = self.members[at].links[link].connection.clone();
                self.read_parked_again(at, |parked| parked.connection == connection);
                self.give_back(at, link);
                continue;
            }
            goes = true;
            if !self.is_blocked(at, link) {
                self.last(Task::new(at, link));
            }
        }
        if is_nowhere && !goes {
            self.unlinked(at);
        }
    }

    /// What was to go stays where the row came back to.
    fn stay(&mut self, at: usize, link: usize) {
        let has_row = self.members[at].row.is_some();
        let there = &mut self.members[at].links[link];
        let connection = self.world.connection(&there.connection);
        let is_active =
            connection.is_some_and(|connection| connection.state == ConnectionState::Active);
        if let (true, Standing::Leaving(bases)) = (is_active && has_row, &there.standing) {
            let mut bases = bases.clone();
            bases.etag = None;
            bases.is_recalled = true;
            there.standing = Standing::Live(bases);
            self.put_link(at, link);
        }
    }

    /// A row that no calendar is there for.
    fn unlinked(&mut self, at: usize) {
        if self.members[at].row.is_none() {
            self.delete_exceptions(DeletedBy::Crm, KnownBy::Reading);
        }
        self.show(at, SyncState::None, None, None);
        self.drop_parked(at);
        self.acknowledge(at);
    }

    fn is_blocked(&mut self, at: usize, link: usize) -> bool {
        let leaves = self.members[at].links[link].standing.state() == LinkState::Leaving;
        match self.blocked(at, link) {
            None => false,
            Some(Blocked::Ended) if leaves => {
                self.ops.push(self.drop_link(at, link));
                true
            }
            Some(Blocked::Ended) => {
                self.keep_for_later(at, link);
                self.unlinked(at);
                true
            }
            Some(Blocked::Waits(reason)) => {
                self.wait(chrono::TimeDelta::zero(), reason);
                self.ending.stops = !leaves;
                true
            }
        }
    }

    /// When the row changed is asked on the day on which the calendar is connected again.
    fn keep_for_later(&mut self, at: usize, link: usize) {
        let member = &mut self.members[at];
        let changed = member.changed.clone();
        let bases = member.links[link].standing.bases_mut();
        if let Some(bases) = bases.filter(|_| !changed.is_empty() && member.row.is_some()) {
            bases.unsent.extend(changed);
            self.put_link(at, link);
        }
    }

    fn blocked(&self, at: usize, link: usize) -> Option<Blocked> {
        let link = &self.members[at].links[link];
        let Some(connection) = self.world.connection(&link.connection) else {
            return Some(Blocked::Ended);
        };
        let account = self.world.account(connection);
        let leaves = link.standing.state() == LinkState::Leaving;
        match connection.state {
            ConnectionState::Disconnected => return Some(Blocked::Ended),
            ConnectionState::Disconnecting if !leaves => return Some(Blocked::Ended),
            ConnectionState::Paused => return Some(Blocked::Waits("sync is paused".to_owned())),
            ConnectionState::Unreachable => {
                let reason = "the calendar cannot be reached; it may have been unshared or deleted";
                return Some(Blocked::Waits(reason.to_owned()));
            }
            ConnectionState::Active | ConnectionState::Disconnecting => {}
        }
        match account.map(|account| account.state) {
            Some(store::AccountState::Active | store::AccountState::Disconnecting) => {}
            Some(store::AccountState::ReconnectNeeded) => {
                let why = account.and_then(|account| account.reason.as_deref());
                let why = why.unwrap_or("access was withdrawn");
                return Some(Blocked::Waits(connect_again(why)));
            }
            Some(store::AccountState::Disconnected) | None => return Some(Blocked::Ended),
        }
        if connection.imported_at.is_none() && !leaves {
            let reason = "waiting for the first import of the calendar";
            return Some(Blocked::Waits(reason.to_owned()));
        }
        let paused = account.and_then(|account| account.paused_until);
        if paused.is_some_and(|until| until > self.world.now) {
            let why = account.and_then(|account| account.reason.clone());
            return Some(Blocked::Waits(
                why.unwrap_or_else(|| "waiting for Google's quota".to_owned()),
            ));
        }
        None
    }

    fn reach_exception(&mut self, at: usize) {
        if self.is_refused(at) || self.members[at].is_new || self.is_of_another_series(at) {
            return;
        }
        let Some(root) = self.master() else {
            return self.without_series(at);
        };
        let home = root.links.iter().find(|link| self.is_own(link));
        let home_connection = home.map(|home| home.connection.clone());
        let is_gone = root.row.is_none();
        let is_there = home.map(|home| home.standing.state());
        let missed = home.and_then(|home| home.standing.bases()?.missed);
        let is_missed = missed.is_some();
        let is_opted_out = root.row.as_ref().is_some_and(|row| !row.enabled);
        // What nothing here takes is read by its calendar's next listing.
        let links = self.members[at].links.clone();
        let series = home.map(|home| home.remote.clone());
        self.read_parked_again(at, |parked| {
            let is_at_home = Some(&parked.connection) == home_connection.as_ref();
            let mut here = links
                .iter()
                .filter(|link| link.connection == parked.connection);
            let is_taken = match here.next() {
                Some(link) => link.remote == parked.remote,
                None => parked.series == series,
            };
            !is_at_home || !is_taken
        });
        let root = &self.members[0];
        match is_there {
            None if is_gone && root.deleted.is_none() && root.links.is_empty() => {
                self.without_series(at)
            }
            None | Some(LinkState::Deleted) if is_gone => self.delete_member(at, DeletedBy::Crm),
            None => self.not_there(at),
            Some(LinkState::Deleted | LinkState::Kept) => self.not_there(at),
            // It waits for its series, whose work is open.
            Some(LinkState::Reserved | LinkState::Leaving) => {}
            Some(LinkState::Live) if is_gone || is_opted_out || is_missed => {}
            Some(LinkState::Live) => self.reach_occurrence(at),
        }
    }

    fn without_series(&mut self, at: usize) {
        if self.members[at].row.is_none() {
            return self.acknowledge(at);
        }
        let reason =
            "recurring_event_id names no event of its owner; set it to the series' id, or to null";
        self.refuse(at, reason.to_owned());
    }

    /// Its series is not with the provider, so neither is it.
    fn not_there(&mut self, at: usize) {
        for link in 0..self.members[at].links.len() {
            let there = &self.members[at].links[link];
            if !there.standing.is_there() {
                continue;
            }
            if self.was_single(&there.connection) && self.members[at].row.is_some() {
                return self.last(Task::new(at, link));
            }
            self.set_deleted(at, link, DeletedBy::OptOut, Proof::Confirmed);
        }
        self.show(at, SyncState::None, None, None);
        self.notes.reads.remove(&self.members[at].event.0);
        self.read_parked_again(at, |_| true);
        self.acknowledge(at);
    }

    /// What had been its series was a single event when it was taken out, and took no exceptions along.
    fn was_single(&self, connection: &store::ConnectionId) -> bool {
        let root = &self.members[0];
        let link = root.link_in(connection).map(|link| &root.links[link]);
        let gone = link.filter(|link| link.standing.state() == LinkState::Deleted);
        gone.and_then(|link| link.standing.bases()?.shows_series()) == Some(false)
    }

    fn reach_occurrence(&mut self, at: usize) {
        let Some(root_link) = self.members[0]
            .links
            .iter()
            .find(|link| self.is_own(link))
            .cloned()
        else {
            return;
        };
        self.leave_series(at, &root_link);
        // What a series has left behind went with it there.
        for link in 0..self.members[at].links.len() {
            let there = &self.members[at].links[link];
            if there.connection != root_link.connection && there.standing.is_there() {
                // Unless it was no series any more when it went.
                self.look_again(at, link);
                self.set_deleted(at, link, DeletedBy::Crm, Proof::Confirmed);
            }
        }
        if self.has_successor(at, &root_link) {
            if self.members[at].link_in(&root_link.connection).is_none() {
                self.acknowledge(at);
            }
            return;
        }
        if let Some(link) = self.members[at].link_in(&root_link.connection) {
            return self.last(Task::new(at, link));
        }
        if self.members[at]
            .row
            .as_ref()
            .is_some_and(|row| !row.enabled)
        {
            self.show(at, SyncState::None, None, None);
            return self.acknowledge(at);
        }
        let start = self.members[at]
            .original_start
            .as_deref()
            .map(str::parse::<OriginalStart>);
        let Some(Ok(start)) = start else {
            if self.members[at].row.is_none() {
                return self.acknowledge(at);
            }
            let reason = "original_start is missing; set it to one of the series' starts";
            return self.refuse(at, reason.to_owned());
        };
        let remote = RemoteId(format!("{}_{}", root_link.remote, start.instance_suffix()));
        let link = self.hand_over(at, &root_link.connection).unwrap_or(Link {
            connection: root_link.connection,
            remote,
            origin: Side::Crm,
            ical_uid: root_link.ical_uid,
            standing: Standing::Reserved,
            synced_rev: 0,
            recorded: 0,
        });
        self.members[at].links.push(link);
        let link = self.members[at].links.len() - 1;
        self.last(Task::new(at, link));
    }

    /// Its row was deleted, and another one inserted for the same occurrence, which takes over the link that
    /// it may have.
    fn has_successor(&self, at: usize, series: &Link) -> bool {
        let member = &self.members[at];
        let is_there = |of: &Member| of.link_in(&series.connection).is_some();
        let takes_over = |other: &Member| {
            other.row.as_ref().is_some_and(|row| row.enabled)
                && other.event != self.root
                && other.original_start == member.original_start
                && !(is_there(other) && is_there(member))
        };
        member.row.is_none()
            && member.original_start.is_some()
            && self.members.iter().any(takes_over)
    }

    /// A row that was deleted and inserted anew for the same occurrence goes on where the old one stood.
    fn hand_over(&mut self, at: usize, connection: &store::ConnectionId) -> Option<Link> {
        let start = &self.members[at].original_start;
        let before = (0..self.members.len()).find(|other| {
            let of = &self.members[*other];
            let is_it = of.event != self.root && of.original_start == *start;
            *other != at && is_it && of.row.is_none() && of.link_in(connection).is_some()
        })?;
        let link = self.members[before].link_in(connection)?;
        self.ops.push(self.drop_link(before, link));
        let mut link = self.members[before].links.remove(link);
        if let Some(bases) = link.standing.bases_mut() {
            bases.etag = None;
        }
        self.acknowledge(before);
        Some(link)
    }
}
