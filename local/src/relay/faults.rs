//! What goes wrong between the database and the receivers, on demand.

use std::time::Duration;

/// How long requests are held back so that later ones overtake them.
pub const HOLD: Duration = Duration::from_millis(50);

/// Faults, all off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayFaults {
    /// How many of a hundred requests are never sent.
    pub drop_percent: u8,
    /// How many of a hundred requests are sent a second time after the first.
    pub double_percent: u8,
    /// How long every request waits before it is sent.
    pub delay: Duration,
    /// Requests that are made within some 50 ms are sent newest first, one after another.
    pub reorder: bool,
}

/// What is to happen to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How many times it is sent.
    pub times: u8,
    pub delay: Duration,
}

impl RelayFaults {
    /// Decides by two numbers below 100.
    pub fn fate(&self, dropping: u8, doubling: u8) -> Fate {
        let times = match (dropping < self.drop_percent, doubling < self.double_percent) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        };
        Fate {
            times,
            delay: self.delay,
        }
    }
}

/// Numbers that look random and are the same in every run (xorshift64).
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below 100.
    pub fn roll(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u8::try_from((self.0 >> 33) % 100).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_decide_how_often_a_request_is_sent() {
        let check = |drop_percent, double_percent, times| {
            let faults = RelayFaults {
                drop_percent,
                double_percent,
                ..RelayFaults::default()
            };
            assert_eq!(
                faults.fate(50, 50).times,
                times,
                "{drop_percent} {double_percent}"
            );
        };
        check(0, 0, 1);
        check(100, 0, 0);
        check(0, 100, 2);
        check(51, 51, 0);
        check(50, 51, 2);
    }

    #[test]
    fn the_dice_show_every_number() {
        let mut dice = Dice::new();
        let mut seen = [false; 100];
        for _ in 0..5000 {
            seen[usize::from(dice.roll())] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
    }
}
