//! What goes wrong in random stories.

use super::generate::Plot;
use super::step::{Fault, FaultKind, Role, Step};
use crate::Fate;

/// Methods that faults are for, with how often.
const METHODS: [(u32, &str); 9] = [
    (4, "events.insert"),
    (4, "events.patch"),
    (3, "events.delete"),
    (3, "events.list"),
    (3, "events.get"),
    (4, "events.*"),
    (1, "oauth.token"),
    (1, "channels.*"),
    (1, "events.watch"),
];
const FAULTS: [(u32, FaultKind); 8] = [
    (2, FaultKind::Rate429),
    (2, FaultKind::Rate403),
    (3, FaultKind::Error503Before),
    (3, FaultKind::Error500After),
    (3, FaultKind::CutBefore),
    (4, FaultKind::CutAfter),
    (1, FaultKind::ExpiredToken),
    (1, FaultKind::SyncTokenGone),
];

impl Plot {
    /// Often nothing; otherwise one of the next instance's first calls goes wrong.
    pub(super) fn fate(&mut self, calls: u32) {
        if !self.random.once_in(3) {
            return;
        }
        let late = if self.scope.late { 1 } else { 0 };
        let fates = [
            (2, Fate::KilledBefore),
            (3, Fate::KilledAfter),
            (late, Fate::HeldBefore),
            (late, Fate::HeldAfter),
            (late, Fate::Late),
        ];
        let fate = self.random.weighted(&fates).unwrap_or(Fate::KilledAfter);
        let call = self.random.below(calls);
        self.steps.push(Step::Fate(call, fate));
    }

    pub(super) fn notify(&mut self) {
        let often = [(5, Some(1)), (2, Some(2)), (1, Some(0)), (6, None)];
        if let Some(times) = self.random.weighted(&often).flatten() {
            let reversed = self.random.once_in(4);
            self.steps.push(Step::Notify { times, reversed });
        }
    }

    /// What stood still or was late goes on, or arrives.
    pub(super) fn late(&mut self) {
        if self.scope.late && self.random.once_in(8) {
            let resumes = self.random.once_in(2);
            self.steps
                .push(if resumes { Step::Resume } else { Step::Land });
        }
    }

    pub(super) fn fault(&mut self) {
        let method = self.random.weighted(&METHODS).unwrap_or("events.*");
        let kind = self.random.weighted(&FAULTS);
        self.steps.push(Step::Fault(Fault {
            method: method.to_owned(),
            kind: kind.unwrap_or(FaultKind::CutAfter),
            count: 1 + self.random.below(3),
        }));
    }

    pub(super) fn wait(&mut self) {
        let longest = [10, 90, 600, 4_000, 30_000, 900_000];
        let longest = self.random.one_of(&longest).unwrap_or(10);
        let seconds = 1 + self.random.below(longest);
        self.steps.push(Step::Wait(seconds));
    }

    pub(super) fn revoke(&mut self) {
        let users = if self.scope.several_users { 3 } else { 1 };
        let user = self.random.below(users) as usize;
        self.steps.push(Step::Revoke(user));
    }

    pub(super) fn lose(&mut self) {
        let user = self.user();
        let steps = [
            (4, Step::Away as fn(usize) -> Step),
            (4, Step::Back),
            (1, Step::Remove),
        ];
        let step = self.random.weighted(&steps).unwrap_or(Step::Back);
        self.steps.push(step(user));
    }

    pub(super) fn share(&mut self) {
        let roles = [(2, Role::Writer), (1, Role::Reader), (1, Role::None)];
        let role = self.random.weighted(&roles).unwrap_or(Role::Writer);
        self.steps.push(Step::Share(role));
    }
}
