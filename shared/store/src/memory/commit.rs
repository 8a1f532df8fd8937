//! `commit`: each family's part, all or nothing.

use super::state::{State, WorkRow, new_work};
use crate::sides::OpenWork;
use crate::{
    Commit, Committed, ConnectionId, EventId, FamilyCommit, FamilyOutcome, NewWork, Op, Outcome,
    ParkedState, StoreError, UserId, WorkState,
};
use std::collections::BTreeSet;

impl State {
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Committed, StoreError> {
        self.check_instance(&commit.instance)?;
        let listing = commit.listing.as_ref();
        if listing.is_some_and(|listing| !self.lists(&listing.connection, listing.fence)) {
            return Ok(self.fenced(commit));
        }
        for token in &commit.tokens {
            self.store_token(token);
        }
        for usage in &commit.usage {
            self.charge(&usage.account, usage.units);
        }
        for pause in &commit.pauses {
            self.pause(pause);
        }
        let page = listing.map(|listing| &listing.connection);
        let mut families = Vec::new();
        for part in &commit.families {
            let outcome = self.commit_family(part, page);
            self.park_instead(part, &outcome);
            families.push(FamilyOutcome {
                root: part.root.clone(),
                outcome,
            });
        }
        let (mut more, mut reads) = (false, Vec::new());
        if let Some(listing) = listing {
            (more, reads) = self.commit_page(listing);
        }
        let freed = self.free(commit.families.iter().map(|part| &part.root));
        self.tell_due(&mut families);
        Ok(Committed {
            fenced: false,
            families,
            freed,
            as_of: self.next(),
            more,
            reads,
        })
    }

    fn fenced(&mut self, commit: &Commit) -> Committed {
        let families = commit.families.iter().map(|part| FamilyOutcome {
            root: part.root.clone(),
            outcome: Outcome::Fenced,
        });
        Committed {
            fenced: true,
            families: families.collect(),
            freed: Vec::new(),
            as_of: self.next(),
            more: false,
            reads: Vec::new(),
        }
    }

    fn commit_family(&mut self, part: &FamilyCommit, page: Option<&ConnectionId>) -> Outcome {
        let held = match part.fence {
            Some(fence) => {
                let work = self.tables.works.get(&part.root);
                self.is_leased(&part.root) && work.is_some_and(|work| work.fence == fence)
            }
            None => !self.is_leased(&part.root),
        };
        if !held {
            return Outcome::Fenced;
        }
        if let Some(refusal) = self.tables.refusals.get(&part.root).cloned() {
            self.release(&part.root);
            let (code, message) = (refusal.code, refusal.message);
            return Outcome::Refused {
                code,
                message,
                transient: refusal.transient,
            };
        }
        let owners = self.owners_in(part, page);
        self.tables.begin();
        for op in &part.ops {
            if let Err(outcome) = self.apply(op, part, &owners) {
                self.tables.roll_back();
                if outcome == Outcome::Stale {
                    self.ask_for(&part.root, false);
                }
                self.release(&part.root);
                return outcome;
            }
        }
        self.remember_revs(&part.ops);
        self.tables.keep();
        self.settle(&part.root, part.work.as_ref());
        // Whether it is due is known when all families are stored.
        Outcome::Stored { again: false }
    }

    /// Parks what is not stored; in quarantine, where it would be refused again.
    fn park_instead(&mut self, part: &FamilyCommit, outcome: &Outcome) {
        let refused = match outcome {
            Outcome::Stored { .. } => return,
            Outcome::Refused {
                message,
                transient: false,
                ..
            } => Some(message),
            Outcome::Refused { .. } | Outcome::Fenced | Outcome::Stale => None,
        };
        for parked in &part.instead {
            let mut parked = parked.clone();
            if let Some(message) = refused {
                parked.state = ParkedState::Quarantined;
                parked.reason = Some(message.clone());
            }
            self.park(&parked, None);
        }
    }

    /// Whose rows the family's part may add: owners of the listing's connection, of those that the part
    /// puts links in, and of those that the root is linked in.
    fn owners_in(&self, part: &FamilyCommit, page: Option<&ConnectionId>) -> BTreeSet<UserId> {
        let put = part.ops.iter().filter_map(|op| {
            if let Op::PutLink { link } = op {
                Some(&link.connection)
            } else {
                None
            }
        });
        let linked = self.links_of(&part.root).map(|link| &link.connection);
        let all = put.chain(linked).chain(page);
        all.filter_map(|connection| self.user_of(connection))
            .cloned()
            .collect()
    }

    /// Ends a lease; a row without open work goes.
    fn release(&mut self, root: &EventId) {
        let Some(row) = self.tables.works.edit(root) else {
            return;
        };
        row.lease_until = None;
        if row.open.is_none() {
            self.tables.works.remove(root);
        }
    }

    /// What is open after a family's part.
    fn settle(&mut self, root: &EventId, new: Option<&NewWork>) {
        let now = self.now;
        let before = self.tables.works.get(root).cloned().unwrap_or_default();
        let bulk = before.open.as_ref().is_some_and(|open| open.bulk);
        let mut open = match new {
            Some(new) => Some(self.opened(new, bulk)),
            None if before.asked || self.has_more(root) => {
                Some(before.open.unwrap_or_else(|| new_work(now, false)))
            }
            None => None,
        };
        if let Some(open) = open.as_mut().filter(|_| before.asked) {
            open.at = open.at.min(now);
            if open.state == WorkState::Dead {
                open.state = WorkState::Open;
                open.attempts = 0;
            }
        }
        if open.is_none() {
            self.tables.works.remove(root);
            return;
        }
        let row = WorkRow {
            open,
            fence: before.fence,
            lease_until: None,
            asked: false,
        };
        self.tables.works.put(root.clone(), row);
    }

    fn opened(&self, new: &NewWork, bulk: bool) -> OpenWork {
        let waits = new.waits_for.as_ref().filter(|other| self.has_open(other));
        let at = if new.waits_for.is_some() && waits.is_none() {
            new.at.min(self.now)
        } else {
            new.at
        };
        OpenWork {
            state: new.state,
            at,
            attempts: new.attempts,
            waits_for: waits.cloned(),
            reason: new.reason.clone(),
            notes: new.notes.clone(),
            bulk,
        }
    }

    /// The family has changes that are not acknowledged, or versions that wait for it.
    fn has_more(&self, root: &EventId) -> bool {
        let events = self.events_of(root);
        let mut open = events.iter().filter(|event| self.tables.open.has(event));
        open.next().is_some() || self.is_awaited(&events)
    }

    /// The family has open work, be it held or dead, or changes that nobody has loaded.
    fn has_open(&self, root: &EventId) -> bool {
        self.tables
            .works
            .get(root)
            .is_some_and(|row| row.open.is_some())
            || self.has_queued(root)
    }

    fn has_queued(&self, root: &EventId) -> bool {
        self.events_of(root)
            .iter()
            .any(|event| self.queued(event).next().is_some())
    }

    /// Makes due what waited for one of these families, where nothing is open there any more.
    fn free<'a>(&mut self, roots: impl Iterator<Item = &'a EventId>) -> Vec<EventId> {
        let works = self.tables.works.iter();
        let waiting = works.filter_map(|(root, row)| {
            let other = row.open.as_ref()?.waits_for.as_ref()?;
            Some((other.clone(), root.clone()))
        });
        let waiting: BTreeSet<(EventId, EventId)> = waiting.collect();
        if waiting.is_empty() {
            return Vec::new();
        }
        let ended: BTreeSet<&EventId> = roots.filter(|root| !self.has_open(root)).collect();
        let freed = waiting
            .into_iter()
            .filter(|(other, _)| ended.contains(other));
        let freed: BTreeSet<EventId> = freed.map(|(_, root)| root).collect();
        let now = self.now;
        for root in &freed {
            if let Some(open) = self
                .tables
                .works
                .edit(root)
                .and_then(|row| row.open.as_mut())
            {
                open.at = open.at.min(now);
                open.waits_for = None;
            }
        }
        freed.into_iter().collect()
    }

    fn tell_due(&self, families: &mut [FamilyOutcome]) {
        for family in families {
            if let Outcome::Stored { again } = &mut family.outcome {
                let work = self.tables.works.get(&family.root);
                let open = work.and_then(|row| row.open.as_ref());
                let due =
                    open.is_some_and(|open| open.state == WorkState::Open && open.at <= self.now);
                *again = due || self.has_queued(&family.root);
            }
        }
    }
}
