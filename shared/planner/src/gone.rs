//! What goes, and what goes with it.

use crate::deleted::KnownBy;
use crate::plan::Plan;
use crate::standing::{Bases, DeletedBy, Deletion, Proof, Standing};
use store::LinkState;

impl Plan<'_> {
    /// Exceptions go with their series: rows and links. A deletion of ours takes them along, but for those of
    /// what was no series any more; what became of them where the series was found gone is looked for.
    pub(crate) fn delete_exceptions(&mut self, by: DeletedBy, known: KnownBy) {
        let root = self.master();
        let bases = root.and_then(|root| root.links.iter().find_map(|link| link.standing.bases()));
        let was_series = bases.and_then(Bases::shows_series) == Some(true);
        let outlive = !(known == KnownBy::Writing && was_series);
        for member in 0..self.members.len() {
            if self.members[member].event == self.root {
                continue;
            }
            for link in 0..self.members[member].links.len() {
                // One without a row was seen while its series was about to go.
                let standing = &self.members[member].links[link].standing;
                if outlive || !standing.is_there() && standing.bases().is_none() {
                    self.look_again(member, link);
                }
            }
            self.delete_member(member, by);
        }
    }

    pub(crate) fn delete_member(&mut self, at: usize, by: DeletedBy) {
        for link in 0..self.members[at].links.len() {
            if self.members[at].links[link].standing.state() != LinkState::Deleted {
                self.set_deleted(at, link, by, Proof::Confirmed);
            }
        }
        self.delete_row(at);
        self.notes.reads.remove(&self.members[at].event.0);
        self.read_parked_again(at, |_| true);
        self.acknowledge(at);
    }

    /// Stores that a link's event is gone.
    pub(crate) fn set_deleted(&mut self, at: usize, link: usize, by: DeletedBy, proof: Proof) {
        let member = &mut self.members[at];
        let row = member.row.as_ref().or(member.deleted.as_ref());
        let row = row.map(|row| row.fields.clone());
        let standing = &mut member.links[link].standing;
        let (known, bases, by) = match standing {
            Standing::Deleted(deletion) => {
                // Seen again: it is the same deletion where there was no row since.
                let by = row.as_ref().map_or(deletion.deleted_by, |_| by);
                (deletion.row.clone(), deletion.bases.clone(), by)
            }
            Standing::Reserved | Standing::Live(_) | Standing::Kept(_) | Standing::Leaving(_) => {
                (None, standing.bases().cloned(), by)
            }
        };
        *standing = Standing::Deleted(Box::new(Deletion {
            deleted_by: by,
            proof,
            confirmed_by_person: self.notes.decision.is_some(),
            row: row.or(known),
            bases,
        }));
        self.put_link(at, link);
    }
}
