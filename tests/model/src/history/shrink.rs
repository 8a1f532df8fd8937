//! Makes a failing story smaller for as long as it breaks the same promise.

use super::field::Values;
use super::run::{Violation, live};
use super::step::{Act, Change, Step, Story};
use std::collections::BTreeMap;

/// Stories that are tried at most.
const TRIES: usize = 3_000;

struct Shrinking {
    story: Story,
    violation: Violation,
    tries: usize,
}

/// The smallest story found that breaks the same promise, and how it does.
pub fn shrink(story: Story, violation: Violation) -> (Story, Violation) {
    let mut shrinking = Shrinking {
        story,
        violation,
        tries: 0,
    };
    loop {
        let before = shrinking.story.clone();
        shrinking.put_back();
        shrinking.leave_out();
        shrinking.simplify();
        if shrinking.story == before || shrinking.tries >= TRIES {
            return (shrinking.story, shrinking.violation);
        }
    }
}

impl Shrinking {
    /// Puts the switches back to their first positions: all, then each.
    fn put_back(&mut self) {
        let mut switches = self.story.switches.clone();
        switches.clear();
        if self.story.switches == switches || self.tells(switches) {
            return;
        }
        for name in self.story.switches.clone().into_keys() {
            let mut fewer = self.story.switches.clone();
            fewer.remove(&name);
            self.tells(fewer);
        }
    }

    fn tells(&mut self, switches: BTreeMap<String, String>) -> bool {
        self.still_fails(Story {
            switches,
            ..self.story.clone()
        })
    }

    /// Leaves out as many steps in a row as possible, then fewer.
    fn leave_out(&mut self) {
        let mut many = self.story.steps.len().div_ceil(2);
        while many > 0 {
            let mut at = 0;
            while at < self.story.steps.len() {
                let mut steps = self.story.steps.clone();
                steps.drain(at..(at + many).min(steps.len()));
                if !self.fails(steps) {
                    at += many;
                }
            }
            many /= 2;
        }
    }

    fn simplify(&mut self) {
        let mut at = 0;
        while at < self.story.steps.len() {
            for simpler in simpler(&self.story.steps[at]) {
                let mut steps = self.story.steps.clone();
                steps[at] = simpler;
                if self.fails(steps) {
                    break;
                }
            }
            at += 1;
        }
    }

    fn fails(&mut self, steps: Vec<Step>) -> bool {
        self.still_fails(Story {
            steps,
            ..self.story.clone()
        })
    }

    fn still_fails(&mut self, story: Story) -> bool {
        if self.tries >= TRIES {
            return false;
        }
        self.tries += 1;
        match live(&story) {
            Err(violation) if violation.promise == self.violation.promise => {
                self.story = story;
                self.violation = violation;
                true
            }
            Err(_) | Ok(_) => false,
        }
    }
}

/// Steps that do less.
fn simpler(step: &Step) -> Vec<Step> {
    match step {
        Step::Crm(changes) => fewer(changes).into_iter().map(Step::Crm).collect(),
        Step::CrmOf(user, changes) => {
            let fewer = fewer(changes).into_iter();
            fewer.map(|changes| Step::CrmOf(*user, changes)).collect()
        }
        Step::GoogleOf(user, act) => {
            let less = less_of(act).into_iter();
            less.map(|act| Step::GoogleOf(*user, act)).collect()
        }
        Step::Google(act) => less_of(act).into_iter().map(Step::Google).collect(),
        Step::Notify { times, reversed } if *times > 1 || *reversed => vec![Step::Notify {
            times: 1,
            reversed: false,
        }],
        Step::Wait(seconds) if *seconds > 1 => [60, 3_600, seconds / 2]
            .iter()
            .filter(|less| *less < seconds)
            .map(|less| Step::Wait(*less))
            .collect(),
        Step::Fault(fault) if fault.count > 1 => {
            let mut once = fault.clone();
            once.count = 1;
            vec![Step::Fault(once)]
        }
        Step::Notify { .. }
        | Step::Wait(_)
        | Step::Fault(_)
        | Step::Poke(_)
        | Step::Tick
        | Step::Fate(..)
        | Step::Resume
        | Step::Land
        | Step::Revoke(_)
        | Step::Share(_)
        | Step::Admit(_)
        | Step::Away(_)
        | Step::Back(_)
        | Step::Remove(_)
        | Step::Settle => Vec::new(),
    }
}

fn fewer(changes: &[Change]) -> Vec<Vec<Change>> {
    let mut all = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        if changes.len() > 1 {
            let mut fewer = changes.to_vec();
            fewer.remove(at);
            all.push(fewer);
        }
        for less in less(change) {
            let mut changed = changes.to_vec();
            changed[at] = less;
            all.push(changed);
        }
    }
    all
}

fn less(change: &Change) -> Vec<Change> {
    let mut all = Vec::new();
    if let Change::Insert { set, .. } | Change::Edit { set, .. } | Change::Split { set, .. } =
        change
    {
        for field in set.keys() {
            let mut less = change.clone();
            if let Change::Insert { set, .. }
            | Change::Edit { set, .. }
            | Change::Split { set, .. } = &mut less
            {
                set.remove(field);
            }
            all.push(less);
        }
    }
    all
}

fn less_of(act: &Act) -> Vec<Act> {
    let mut all = Vec::new();
    let mut whole = act.clone();
    for field in values(&mut whole)
        .into_iter()
        .flatten()
        .map(|(field, _)| *field)
    {
        let mut less = act.clone();
        if let Some(set) = values(&mut less) {
            set.remove(&field);
        }
        all.push(less);
    }
    all
}

fn values(act: &mut Act) -> Option<&mut Values> {
    match act {
        Act::Create { set, .. } | Act::Edit { set, .. } | Act::Split { set, .. } => Some(set),
        Act::Forge(forge) => Some(&mut forge.set),
        Act::Forged { set, .. } => set.as_mut(),
        Act::Delete(_) | Act::Restore(_) | Act::Answer(..) | Act::Copy { .. } | Act::Move(..) => {
            None
        }
    }
}
