//! The simulator's clock, the only source of time in this crate.

use chrono::{DateTime, TimeDelta, Utc};

/// Where time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock; it can still be moved, and then runs on from there.
    System,
    /// Stands still until it is moved.
    Fixed(DateTime<Utc>),
}

/// A movable clock.
#[derive(Debug)]
pub(crate) struct Time {
    /// `None` while running with the machine.
    fixed: Option<DateTime<Utc>>,
    offset: TimeDelta,
}

impl Time {
    pub(crate) fn new(clock: Clock) -> Self {
        let fixed = match clock {
            Clock::System => None,
            Clock::Fixed(at) => Some(at),
        };
        Self {
            fixed,
            offset: TimeDelta::zero(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.fixed.unwrap_or_else(|| {
            machine_now()
                .checked_add_signed(self.offset)
                .unwrap_or_default()
        })
    }

    pub(crate) fn running(&self) -> bool {
        self.fixed.is_none()
    }

    pub(crate) fn set(&mut self, to: DateTime<Utc>) {
        match &mut self.fixed {
            Some(at) => *at = to,
            None => self.offset = to - machine_now(),
        }
    }

    /// Moves the clock by a signed amount; an amount past the calendar's end does nothing.
    pub(crate) fn advance(&mut self, by: TimeDelta) {
        if let Some(to) = self.now().checked_add_signed(by) {
            self.set(to);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
fn machine_now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}
