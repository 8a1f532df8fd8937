//! Whether what is in trouble leaves Google alone: calls for one event that do not succeed.

use chrono::{DateTime, TimeDelta, Utc};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use store::{AccountId, RemoteId};

/// Calls within an hour, none of which succeeds.
const MOST: usize = 20;
const WITHIN: TimeDelta = TimeDelta::hours(1);

/// A series or a single event, as one account sees it.
type Seat = (AccountId, String, String);

/// What it has seen.
#[derive(Default)]
pub(crate) struct Patience {
    /// When calls failed since one succeeded.
    failed: RefCell<BTreeMap<Seat, VecDeque<DateTime<Utc>>>>,
    lost: RefCell<Vec<String>>,
}

impl Patience {
    /// A call for an event was answered, well or not; occurrences count for their series.
    pub(crate) fn answered(
        &self,
        account: &AccountId,
        (calendar, event): (String, RemoteId),
        now: DateTime<Utc>,
        is_well: bool,
    ) {
        let id = event.0.split('_').next().unwrap_or_default().to_owned();
        let seat = (account.clone(), calendar, id);
        let mut failed = self.failed.borrow_mut();
        if is_well {
            failed.remove(&seat);
            return;
        }
        let times = failed.entry(seat.clone()).or_default();
        times.push_back(now);
        while times.front().is_some_and(|time| now - *time > WITHIN) {
            times.pop_front();
        }
        if times.len() > MOST {
            let found = format!("{} calls in vain within an hour: {seat:?}", times.len());
            self.lost.borrow_mut().push(found);
        }
    }

    /// Where it was lost since this was last called.
    pub(crate) fn take(&self) -> Vec<String> {
        self.lost.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(patience: &Patience, seconds: impl Iterator<Item = i64>) -> usize {
        let account = AccountId(uuid::Uuid::nil());
        for second in seconds {
            let now = DateTime::from_timestamp(second, 0).unwrap();
            let event = ("primary".to_owned(), RemoteId("event_20310303".to_owned()));
            patience.answered(&account, event, now, false);
        }
        patience.take().len()
    }

    #[test]
    fn more_than_twenty_calls_in_vain_within_an_hour_are_too_many() {
        assert_eq!(calls(&Patience::default(), (0..20).map(|at| at * 60)), 0);
        assert_eq!(calls(&Patience::default(), (0..21).map(|at| at * 60)), 1);
        assert_eq!(calls(&Patience::default(), (0..100).map(|at| at * 200)), 0);
    }
}
