//! How long to wait before the next attempt.

use chrono::TimeDelta;

/// After so many failures of its own an event waits for a change or a person.
pub const MOST_ATTEMPTS: u32 = 10;

/// The wait after the `attempt`-th failure: 5, 10, 20, … seconds up to an hour, of which a random half is
/// taken off so that failures of one moment do not come back together. `fraction` is from 0 to 1.
pub fn backoff(attempt: u32, fraction: f64) -> TimeDelta {
    backoff_up_to(TimeDelta::hours(1), attempt, fraction)
}

/// The same, up to another wait.
pub fn backoff_up_to(longest: TimeDelta, attempt: u32, fraction: f64) -> TimeDelta {
    let doublings = attempt.saturating_sub(1).min(20);
    let longest = longest.num_seconds() as f64;
    let full = (5.0 * 2.0_f64.powi(doublings.cast_signed())).min(longest);
    TimeDelta::milliseconds((full * (0.5 + fraction / 2.0) * 1000.0) as i64)
}

/// Between calls for an account that the provider has refused as a whole, `troubles` times in a row.
pub fn trouble_wait(troubles: u32, fraction: f64) -> TimeDelta {
    backoff_up_to(TimeDelta::hours(2), troubles.saturating_add(4), fraction)
}

/// Before a family that met a quota is tried again, which it has met `times` before.
pub fn quota_wait(times: u32, fraction: f64) -> TimeDelta {
    backoff_up_to(TimeDelta::hours(4), times.saturating_add(9), fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let check =
            |attempt, seconds| assert_eq!(backoff(attempt, 1.0), TimeDelta::seconds(seconds));
        check(1, 5);
        check(2, 10);
        check(5, 80);
        check(11, 3600);
        check(4_000_000_000, 3600);
        assert_eq!(backoff(1, 0.0), TimeDelta::milliseconds(2500));
        let longest = TimeDelta::hours(6);
        assert_eq!(backoff_up_to(longest, 50, 1.0), longest);
    }
}
