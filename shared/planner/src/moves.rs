//! An event that moved between two calendars of one account: same id, the old copy cancelled.

use crate::listing::Page;
use crate::plan::Plan;
use crate::standing::Standing;
use crate::state::Link;
use crate::task::Task;
use event::RemoteFields;
use provider::{Listed, RemoteEvent};
use store::{Connection, ConnectionState, Parked, ParkedState, RemoteId};

impl Plan<'_> {
    /// A copy in another of the user's calendars that a listing has shown: the row goes there if its own is
    /// known to be gone. Else its own is read first.
    pub(crate) fn follow_move(&mut self, at: usize) {
        let links = self.members[at].links.clone();
        let is_of = |link: &Link, parked: &Parked| {
            link.remote == parked.remote
                && (link.connection == parked.connection
                    || !matches!(link.standing, Standing::Deleted(_)))
        };
        let is_other = |parked: &Parked| !links.iter().any(|link| is_of(link, parked));
        self.read_parked_again(at, is_other);
        let member = &self.members[at];
        let elsewhere = member.parked.iter().position(|parked| {
            parked.event.as_ref() == Some(&member.event)
                && parked.state == ParkedState::Waiting
                && member.link_in(&parked.connection).is_none()
        });
        if elsewhere.is_some() {
            self.members[at].must_read = true;
        }
    }

    /// Where a listing has shown another copy of the link's event.
    pub(crate) fn moved_to(&self, task: &Task) -> Option<usize> {
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let mut parked = member.parked.iter();
        parked.position(|parked| {
            self.is_own(link)
                && parked.remote == link.remote
                && parked.connection != link.connection
                && member.link_in(&parked.connection).is_none()
        })
    }

    /// An event that somebody else made under the same id is no copy of it.
    pub(crate) fn is_anothers(&self, task: &Task, parked: usize) -> bool {
        let member = &self.members[task.member];
        let bases = member.links[task.link].standing.bases();
        let before = bases.and_then(|bases| creator(&bases.remote));
        let there = member.parked[parked].item["creator"].as_str();
        there
            .zip(before)
            .is_some_and(|(there, before)| there != before)
    }

    /// The row goes with its event to another calendar; what is there is read next.
    pub(crate) fn take_along(&mut self, task: &mut Task, parked: usize) {
        let at = task.member;
        self.ops.push(self.drop_link(at, task.link));
        let parked = self.members[at].parked.remove(parked);
        self.ops.push(store::Op::Unpark {
            connection: parked.connection.clone(),
            remote: parked.remote.clone(),
            etag: parked.etag,
            as_of: self.world.as_of,
        });
        let left = self.members[at].links[task.link].connection.clone();
        for member in 0..self.members.len() {
            self.drop_parked_in(member, &left);
            let Some(link) = self.members[member].link_in(&left) else {
                continue;
            };
            if member != at {
                self.ops.push(self.drop_link(member, link));
                // Of an occurrence that its user is invited to, a guest's copy stays.
                self.look_again(member, link);
                // Where its user was invited to it, a row of its own may have it there, and gives way.
                let remote = self.members[member].links[link].remote.clone();
                let there = self.to_be_read(parked.connection.clone(), remote);
                self.instead.push(there);
                let member = &mut self.members[member];
                if member.row.is_none() && !member.links[link].standing.is_there() {
                    member.links.remove(link);
                    continue;
                }
            }
            let moved: &mut Link = &mut self.members[member].links[link];
            moved.connection = parked.connection.clone();
            if let Standing::Live(bases) = &mut moved.standing {
                bases.etag = None;
                bases.missed = None;
            }
            self.members[member].must_read = true;
            self.put_link(member, link);
        }
        let note = serde_json::json!({"what": "moved to another calendar"});
        self.note(at, "note", note);
        task.seen = crate::situation::Seen::NotRead;
    }

    /// Both copies live: the other one gets a row of its own, with the next listing of its calendar.
    pub(crate) fn set_apart(&mut self, task: &Task, parked: usize) {
        let mut parked = self.members[task.member].parked.remove(parked);
        parked.event = None;
        parked.state = ParkedState::Read;
        parked.item = serde_json::json!({"apart": true});
        let connection = parked.connection.clone();
        self.ops.push(store::Op::Park { parked });
        self.ops.push(store::Op::List { connection });
    }

    /// Its row names another series by now, with whose family it comes.
    pub(crate) fn is_of_another_series(&self, at: usize) -> bool {
        let row = self.members[at].row.as_ref();
        row.and_then(|row| row.series.as_ref())
            .is_some_and(|series| *series != self.root)
    }

    /// What an exception was in the series that it has left is not what it is in this one.
    pub(crate) fn leave_series(&mut self, at: usize, series: &Link) {
        let is_of_before = |link: &Link| {
            let uids = link.ical_uid.as_ref().zip(series.ical_uid.as_ref());
            uids.is_some_and(|(before, now)| before != now)
        };
        while let Some(link) = self.members[at].links.iter().position(is_of_before) {
            self.look_again(at, link);
            self.forget(at, link);
            self.drop_parked(at);
            // Its attempts were of the id before.
            self.forget_attempts(at);
        }
    }
}

impl Page<'_> {
    /// A copy of an event that is linked in another of the user's calendars has been seen here.
    pub(crate) fn is_moving_here(&self, id: &RemoteId) -> bool {
        let here = |parked: &Parked| {
            parked.connection == self.input.connection.id
                && parked.remote == *id
                && parked.state == ParkedState::Waiting
        };
        self.find_elsewhere(id).is_some_and(|(plan, member)| {
            let plan = &self.plans[plan];
            let parks = |op: &store::Op| matches!(op, store::Op::Park { parked } if here(parked));
            plan.members[member].parked.iter().any(here) || plan.ops.iter().any(parks)
        })
    }

    /// A copy of what lives on in another of the user's calendars is read next, to get a row of its own.
    pub(crate) fn is_apart(&self, id: &RemoteId) -> bool {
        let mut parked = self.input.loaded.parked.iter();
        parked.any(|parked| parked.remote == *id && parked.item["apart"] == true)
    }

    /// A guest's copy of what another of the user's calendars organizes: the event itself is there.
    pub(crate) fn is_invitation_of_own(&self, event: &RemoteEvent) -> bool {
        let here = self.input.connection;
        let organizes = |one: &Connection| {
            one.user == here.user
                && one.id != here.id
                && one.state == ConnectionState::Active
                && Some(&one.calendar) == event.organizer.as_ref()
        };
        !event.is_organizer && self.world.connections.iter().any(organizes)
    }

    /// The same event in another of the user's calendars: its copy there is read before the row follows.
    pub(crate) fn park_move(
        &mut self,
        plan: usize,
        member: usize,
        item: &Listed,
        event: &RemoteEvent,
    ) {
        self.count("moved");
        let of = self.plans[plan].members[member].event.clone();
        let parked = self.parked(item, event, Some(of));
        let plan = &mut self.plans[plan];
        plan.ops.push(store::Op::Park { parked });
        plan.read_again(member);
        plan.wait_in(0.0, "it is in another calendar, too".to_owned());
    }
}

/// The address of whoever made what a link shows.
pub(crate) fn creator(fields: &RemoteFields) -> Option<String> {
    fields.creator()?.email.as_deref().map(str::to_lowercase)
}
