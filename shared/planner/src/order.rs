//! What of a family waits for something else in it.

use crate::plan::{Mode, Plan};
use crate::standing::Standing;
use crate::state::Link;
use crate::step::{Method, Write};
use crate::task::Task;
use event::Group;
use store::LinkState;

impl Plan<'_> {
    /// Whether something else comes before this link. A later plan decides about it.
    pub(crate) fn waits_for_another(&mut self, task: &Task) -> bool {
        if self.members[task.member].event != self.root {
            let goes_by_itself = self.is_series_opted_out(task.member);
            return self.mode == Mode::Write && !goes_by_itself && !self.has_series_there(task);
        }
        if self.is_second_copy(task.member, task.link) {
            self.ops.push(self.drop_link(task.member, task.link));
            if self.members[task.member].links[task.link].standing != Standing::Reserved {
                self.look_again(task.member, task.link);
            }
            return true;
        }
        self.is_left_too_early(task)
    }

    /// The copy of the owner before goes when the new owner has one.
    fn is_left_too_early(&self, task: &Task) -> bool {
        let member = &self.members[task.member];
        let leaves = member.links[task.link].standing.state() == LinkState::Leaving;
        let mut own = member.links.iter().filter(|link| self.is_own(link));
        let is_to_be_there = member.is_for_provider() && own.clone().next().is_some();
        leaves && is_to_be_there && !own.any(|link| link.standing.is_there())
    }

    /// What was taken out, or is to be made anew, and whose row has another copy by now, stands by itself.
    pub(crate) fn is_second_copy(&self, member: usize, link: usize) -> bool {
        let member = &self.members[member];
        let link = &member.links[link];
        let is_live = |other: &Link| matches!(other.standing, Standing::Live(_));
        let mut others = member.links.iter().filter(|other| *other != link);
        member.event == self.root
            && self.is_own(link)
            && matches!(link.standing, Standing::Deleted(_) | Standing::Reserved)
            && others.any(|other| self.is_own(other) && is_live(other))
    }

    /// An exception's series is where the exception is to be, as far as is known.
    fn has_series_there(&self, task: &Task) -> bool {
        let connection = &self.members[task.member].links[task.link].connection;
        let Some(root) = self.master() else {
            return true;
        };
        let link = root.link_in(connection).map(|link| &root.links[link]);
        link.is_some_and(|link| match &link.standing {
            Standing::Live(bases) => bases.missed.is_none(),
            Standing::Reserved
            | Standing::Kept(_)
            | Standing::Leaving(_)
            | Standing::Deleted(_) => false,
        })
    }

    /// An occurrence is brought back only in a series that is there: else it would stand by itself where its
    /// series was deleted, or was moved from.
    pub(crate) fn is_of_unread_series(&self, task: &Task, write: &Write) -> bool {
        let is_exception = self.members[task.member].event != self.root;
        let restores = matches!(write.method, Method::Restore { .. });
        is_exception && restores && self.master().is_some_and(|root| !root.was_read)
    }

    /// An occurrence that was never written shows something else than its series last did, or is cancelled: one of
    /// them was edited or taken away, and which one is not known yet.
    pub(crate) fn is_of_changed_series(&self, task: &Task) -> bool {
        let member = &self.members[task.member];
        let link = &member.links[task.link];
        let (Some(event), Some(root)) = (Self::found(task), self.master()) else {
            return false;
        };
        let is_first = member.event != self.root && matches!(link.standing, Standing::Reserved);
        let series = root.link_in(&link.connection);
        let series = series.and_then(|link| root.links[link].standing.bases());
        // It may have gone with its series, which was moved.
        let is_gone = event.is_cancelled;
        is_first
            && !root.was_read
            && series.is_some_and(|series| {
                let authored = event.fields.iter().map(|value| value.group());
                let mut authored = authored.filter(|group| {
                    group.is_authored() && *group != Group::Recurrence && *group != Group::Time
                });
                is_gone || authored.any(|group| event.fields.get(group) != series.remote.get(group))
            })
    }

    /// Reads the series, then goes on; where the series was not shown, its next look decides.
    pub(crate) fn read_series_first(&mut self, task: &Task) {
        if task.is_after_series {
            return self.wait_in(30.0, "waiting for its series to be shown".to_owned());
        }
        let connection = self.members[task.member].links[task.link]
            .connection
            .clone();
        self.first(Task {
            is_after_series: true,
            ..task.clone()
        });
        let root = &mut self.members[0];
        if let Some(link) = root.link_in(&connection) {
            root.must_read = true;
            self.first(Task::new(0, link));
        }
    }
}
