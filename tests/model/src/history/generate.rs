//! Random stories.

use super::drawn::{numbers, positions};
use super::field::{Field, Values};
use super::plot::changed;
use super::random::Random;
use super::step::{Act, Change, Scope, Step, Story, Which};

/// The story of a seed.
pub fn story(seed: u64, scope: Scope) -> Story {
    let mut plot = Plot {
        random: Random::new(seed),
        scope,
        steps: Vec::new(),
        events: Vec::new(),
        forged: Vec::new(),
        is_admitted: false,
        code: 0,
    };
    for _ in 0..=plot.random.below(3) {
        for _ in 0..3 + plot.random.below(8) {
            plot.beat();
        }
        plot.steps.push(Step::Settle);
    }
    // The end of a run is a settlement anyway.
    plot.steps.pop();
    let mut steps = plot.steps;
    steps.iter_mut().for_each(keep_visibility);
    Story {
        about: String::new(),
        seed,
        scope,
        switches: match scope.switches {
            true => positions(seed)
                .into_iter()
                .chain(numbers(scope, seed))
                .collect(),
            false => Default::default(),
        },
        steps,
    }
}

/// An occurrence's visibility is its whole series' in Google, so a side that sets it edits more than it
/// says.
pub(crate) fn keep_visibility(step: &mut Step) {
    let of_occurrence = |event: &Which, set: &mut Values| {
        if matches!(event, Which::Occurrence(..)) {
            set.remove(&Field::Visibility);
        }
    };
    if let Step::Google(Act::Edit { event, set }) | Step::GoogleOf(_, Act::Edit { event, set }) =
        step
    {
        of_occurrence(event, set);
    }
    if let Step::Crm(changes) | Step::CrmOf(_, changes) = step {
        for change in changes {
            if let Change::Insert { event, set, .. } | Change::Edit { event, set } = change {
                of_occurrence(event, set);
            }
        }
    }
}

/// What the plot knows of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) number: u32,
    pub(crate) series: bool,
}

pub(super) struct Plot {
    pub(super) random: Random,
    pub(super) scope: Scope,
    pub(super) steps: Vec<Step>,
    pub(crate) events: Vec<Known>,
    /// The numbers of forged ones.
    pub(crate) forged: Vec<u32>,
    /// The stranger may write to the shared calendar.
    pub(crate) is_admitted: bool,
    pub(crate) code: u32,
}

#[derive(Clone, Copy)]
pub(crate) enum Beat {
    Crm,
    Person,
    /// Both edit one event before either hears of the other.
    Both,
    /// Another user than its owner works with an event.
    Other,
    Share,
    /// A calendar goes away, or comes back.
    Lose,
    Forge,
    Fault,
    Tick,
    Notify,
    Wait,
    Revoke,
}

impl Plot {
    pub(crate) fn beat(&mut self) {
        self.late();
        let beats = [
            (10, Beat::Crm),
            (9, Beat::Person),
            (3, Beat::Both),
            (4, Beat::Fault),
            (2, Beat::Tick),
            (3, Beat::Notify),
            (3, Beat::Wait),
            (u32::from(self.random.once_in(4)), Beat::Revoke),
            (if self.scope.several_users { 4 } else { 0 }, Beat::Other),
            (u32::from(self.scope.shared), Beat::Share),
            (u32::from(self.scope.several_calendars), Beat::Lose),
            (if self.scope.forgery { 2 } else { 0 }, Beat::Forge),
        ];
        match self.random.weighted(&beats).unwrap_or(Beat::Tick) {
            Beat::Crm => self.crm(),
            Beat::Person => {
                let act = self.act();
                self.steps.push(Step::Google(act));
                self.fate(8);
                self.notify();
            }
            Beat::Both => self.both(),
            Beat::Fault => self.fault(),
            Beat::Tick => {
                self.fate(10);
                self.steps.push(Step::Tick);
            }
            Beat::Notify => {
                self.fate(8);
                self.notify();
            }
            Beat::Wait => self.wait(),
            Beat::Revoke => self.revoke(),
            Beat::Other => self.other(),
            Beat::Share => self.share(),
            Beat::Lose => self.lose(),
            Beat::Forge => self.forge(),
        }
    }

    pub(crate) fn other(&mut self) {
        let Some(known) = self.known() else {
            return self.crm();
        };
        let (event, user) = (self.which(known), self.user());
        let mut set = self.set(false);
        self.turn(event, &mut set);
        let step = match self.random.below(10) {
            0..3 => Step::CrmOf(user, vec![Change::Edit { event, set }]),
            3 => Step::CrmOf(user, vec![Change::Delete(event)]),
            4 if self.scope.opt_out => Step::CrmOf(
                user,
                vec![Change::Enable(
                    Which::Event(known.number),
                    self.random.once_in(2),
                )],
            ),
            4..7 => Step::GoogleOf(user, Act::Answer(event, self.random.below(3))),
            7 => Step::GoogleOf(user, Act::Delete(event)),
            8 => Step::GoogleOf(user, Act::Restore(event)),
            _ => Step::GoogleOf(user, Act::Edit { event, set }),
        };
        self.steps.push(step);
        self.fate(8);
        self.notify();
    }

    pub(crate) fn both(&mut self) {
        let Some(known) = self.known() else {
            return self.crm();
        };
        let event = self.which(known);
        let (mut here, mut there) = (self.set(false), self.set(false));
        if let (Some(field), true) = (here.keys().next().copied(), self.random.once_in(2)) {
            there.insert(field, self.code());
        }
        self.turn(event, &mut here);
        self.turn(event, &mut there);
        let crm = Step::Crm(vec![match self.random.below(8) {
            0 => Change::Delete(event),
            _ => Change::Edit { event, set: here },
        }]);
        let google = Step::Google(match self.random.below(8) {
            0 => Act::Delete(event),
            _ => Act::Edit { event, set: there },
        });
        let crm_first = self.random.once_in(2);
        self.steps.extend(if crm_first {
            [crm, google]
        } else {
            [google, crm]
        });
        self.fate(8);
        if self.random.once_in(2) {
            self.steps.push(Step::Poke(event));
        }
        self.notify();
    }

    pub(crate) fn crm(&mut self) {
        let mut changes = Vec::new();
        for _ in 0..self.random.weighted(&[(8, 1), (2, 2), (1, 3)]).unwrap_or(1) {
            let change = self.change();
            changes.push(change);
        }
        let poked: Vec<Which> = changes.iter().map(changed).collect();
        self.steps.push(Step::Crm(changes));
        for event in poked {
            for _ in 0..self.random.below(3) {
                self.fate(6);
                self.steps.push(Step::Poke(event));
            }
        }
    }

    pub(crate) fn change(&mut self) -> Change {
        let Some(known) = self.known() else {
            return self.insert();
        };
        let event = self.which(known);
        let opt_out = u32::from(self.scope.opt_out) * 2;
        let series = u32::from(self.scope.series && matches!(event, Which::Occurrence(..)));
        let give = u32::from(self.scope.several_users);
        match self.random.weighted(&[
            (5, 0),
            (8, 1),
            (3, 2),
            (opt_out, 3),
            (3 * series, 4),
            (series, 5),
            (give, 6),
            (1, 7),
        ]) {
            Some(0) | None => self.insert(),
            Some(1) => self.edit(event),
            Some(2) => Change::Delete(event),
            Some(3) => Change::Enable(Which::Event(known.number), self.random.once_in(2)),
            Some(4) => match self.random.below(3) {
                0 => Change::Cancel(event),
                _ => Change::Insert {
                    event,
                    user: 0,
                    set: self.set(false),
                },
            },
            Some(5) => Change::Split {
                at: event,
                rest: self.number(true),
                set: self.set(false),
            },
            Some(6) => Change::Give(Which::Event(known.number), self.random.below(3) as usize),
            Some(_) => Change::Insert {
                event: Which::Event(known.number),
                user: 0,
                set: self.set(true),
            },
        }
    }

    pub(crate) fn edit(&mut self, event: Which) -> Change {
        let mut set = self.set(false);
        if self.scope.references && self.random.once_in(6) {
            set = Values::from([(Field::Deal, self.code())]);
        }
        self.turn(event, &mut set);
        Change::Edit { event, set }
    }

    /// A single event may become a series, a series a single event or one of another rule.
    pub(crate) fn turn(&mut self, event: Which, set: &mut Values) {
        if self.scope.series && matches!(event, Which::Event(_)) && self.random.once_in(6) {
            let rule = if self.random.once_in(3) {
                0
            } else {
                1 + self.random.below(20)
            };
            set.insert(Field::Rule, rule);
        }
    }

    pub(crate) fn insert(&mut self) -> Change {
        let series = self.scope.series && self.random.once_in(2);
        let mut set = self.set(true);
        if series {
            set.insert(Field::Rule, 1 + self.random.below(20));
        }
        Change::Insert {
            event: Which::Event(self.number(series)),
            user: self.user(),
            set,
        }
    }

    pub(crate) fn act(&mut self) -> Act {
        let known = self.known().filter(|_| !self.random.once_in(4));
        let Some(known) = known else {
            let series = self.scope.series && self.random.once_in(2);
            let mut set = self.set(true);
            if series {
                set.insert(Field::Rule, 1 + self.random.below(20));
            }
            let event = self.number(series);
            let (user, calendar) = (self.user(), self.calendar());
            return Act::Create {
                event,
                user,
                calendar,
                set,
            };
        };
        let event = self.which(known);
        let moves = u32::from(self.scope.several_calendars) * 2;
        let splits = u32::from(matches!(event, Which::Occurrence(..)));
        match self.random.weighted(&[
            (8, 0),
            (3, 1),
            (2, 2),
            (2, 3),
            (1, 4),
            (moves, 5),
            (splits, 6),
        ]) {
            Some(0) | None => {
                let mut set = self.set(false);
                self.turn(event, &mut set);
                Act::Edit { event, set }
            }
            Some(1) => Act::Delete(event),
            Some(2) => Act::Restore(event),
            Some(3) => Act::Answer(event, self.random.below(3)),
            Some(4) => Act::Copy {
                event: known.number,
                copy: self.number(known.series),
            },
            Some(5) => Act::Move(known.number, self.calendar()),
            Some(_) => Act::Split {
                at: event,
                rest: self.number(true),
                set: self.set(false),
            },
        }
    }
}
