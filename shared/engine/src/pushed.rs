//! What came of a push, and what it leaves for its next round.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use store::{Commit, Committed, EventId, FamilyCommit, Loaded, Outcome, WorkState};

/// What a push came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Families by what came of them.
    pub families: BTreeMap<&'static str, u64>,
    /// Why work is still open, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<String>,
    /// What the storage refused, for operators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

/// What a round leaves for the next one.
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) due: Vec<EventId>,
    /// Families that the storage did not take.
    pub(crate) refused: BTreeMap<EventId, Refusal>,
}

pub(crate) struct Refusal {
    pub(crate) message: String,
    /// It did not even take the telling of it.
    pub(crate) is_repeated: bool,
}

impl Pushed {
    pub(crate) fn skip(&mut self, loaded: &Loaded) {
        for skipped in &loaded.skipped {
            let what = match &skipped.why {
                store::Why::NotDue => "not due",
                store::Why::Leased => "leased",
                store::Why::Later { reason, .. } => {
                    self.waiting.push(reason.clone());
                    "later"
                }
            };
            self.count(what);
        }
    }

    /// What is due again at once.
    pub(crate) fn take(
        &mut self,
        committed: Committed,
        commit: &Commit,
        before: &BTreeMap<EventId, Refusal>,
    ) -> Again {
        let mut due = BTreeSet::new();
        due.extend(committed.freed);
        let mut refused = BTreeMap::new();
        for (family, asked) in committed.families.into_iter().zip(&commit.families) {
            self.count(outcome_name(&family.outcome, asked));
            let work = asked.work.as_ref();
            let open = work.filter(|work| work.state == WorkState::Open);
            let reason = open.and_then(|work| work.reason.clone());
            self.waiting.extend(reason);
            match family.outcome {
                Outcome::Stored { again: true } | Outcome::Stale => drop(due.insert(family.root)),
                Outcome::Refused {
                    code,
                    message,
                    transient,
                } => {
                    self.refused
                        .push(format!("the database refused tandem_commit ({code})"));
                    if !transient {
                        due.insert(family.root.clone());
                        let is_repeated = before.contains_key(&family.root);
                        let refusal = Refusal {
                            message,
                            is_repeated,
                        };
                        refused.insert(family.root, refusal);
                    }
                }
                Outcome::Stored { again: false } | Outcome::Fenced => {}
            }
        }
        let due = due.into_iter().collect();
        Again { due, refused }
    }

    fn count(&mut self, what: &'static str) {
        *self.families.entry(what).or_default() += 1;
    }
}

fn outcome_name(outcome: &Outcome, asked: &FamilyCommit) -> &'static str {
    match outcome {
        Outcome::Stored { .. } if asked.work.is_some() => "waiting",
        Outcome::Stored { .. } => "done",
        Outcome::Fenced => "fenced",
        Outcome::Stale => "stale",
        Outcome::Refused { .. } => "refused",
    }
}
