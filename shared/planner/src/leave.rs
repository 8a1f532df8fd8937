//! Copies in calendars of users whose row it is no more.

use crate::plan::Plan;
use crate::standing::{Proof, Standing};

impl Plan<'_> {
    /// Whether a link of another user's may be of something that has to go.
    pub(crate) fn may_be_there(&self, at: usize, link: usize) -> bool {
        let link = &self.members[at].links[link];
        match &link.standing {
            Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_) => {
                true
            }
            Standing::Deleted(deletion) => {
                let mut parked = self.members[at].parked.iter();
                deletion.proof == Proof::NeverSeen
                    && parked.any(|parked| parked.connection == link.connection)
            }
        }
    }

    /// What was taken out of a calendar before its row changed hands, and what people do with it there, is its
    /// user's.
    pub(crate) fn give_back(&mut self, at: usize, link: usize) {
        let member = &self.members[at];
        let is_confirmed = member.links[link].standing.was_there();
        if !is_confirmed || !member.changed.contains_key("owner") {
            return;
        }
        let connection = member.links[link].connection.clone();
        for at in 0..self.members.len() {
            let member = &self.members[at];
            let link = member.link_in(&connection);
            if let Some(link) = link.filter(|link| !member.links[*link].standing.is_there()) {
                self.ops.push(self.drop_link(at, link));
                self.look_again(at, link);
            }
        }
    }

    /// A link of another user's connection is to go, whatever the row says.
    pub(crate) fn leave(&mut self, at: usize, link: usize) {
        let standing = &mut self.members[at].links[link].standing;
        if let Standing::Live(bases) | Standing::Kept(bases) = standing {
            *standing = Standing::Leaving(bases.clone());
            self.put_link(at, link);
        }
    }
}
