//! Quotas: sliding windows per user and project, and limits that protect people.
//!
//! Numbers and answers follow the Calendar API guide, quotas, and the Workspace help page on
//! Calendar use limits; each limit is a dial.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::ApiError;
use crate::http_api::{Call, Caller, Route};
use crate::switches::{Dial, Switch};
use crate::world::World;

const MINUTE: TimeDelta = TimeDelta::minutes(1);
const DAY: TimeDelta = TimeDelta::days(1);

/// Events of the recent past by key.
#[derive(Debug, Default)]
pub(crate) struct Windows(BTreeMap<String, VecDeque<(DateTime<Utc>, u64)>>);

impl Windows {
    /// Adds `units` when the window stays within `limit`; 0 is no limit.
    fn admit(
        &mut self,
        key: String,
        now: DateTime<Utc>,
        window: TimeDelta,
        units: u64,
        limit: i64,
    ) -> bool {
        let Some(limit) = u64::try_from(limit).ok().filter(|limit| *limit > 0) else {
            return true;
        };
        let entries = self.0.entry(key).or_default();
        while entries
            .front()
            .is_some_and(|(at, _)| *at + window <= now || *at > now)
        {
            entries.pop_front();
        }
        let used: u64 = entries.iter().map(|(_, units)| units).sum();
        if used + units > limit {
            return false;
        }
        entries.push_back((now, units));
        true
    }
}

impl World {
    /// Charges a call to its user and project, and a write to its calendar.
    pub(crate) fn charge(
        &mut self,
        caller: &Caller,
        call: &Call,
        route: &Route,
    ) -> Result<(), ApiError> {
        let now = self.time.now();
        let patch = route.method.ends_with(".patch");
        let units = if patch && self.switches.is(Switch::PatchCost, "three") {
            3
        } else {
            1
        };
        let charged = call
            .header("x-goog-quota-user")
            .or_else(|| call.query.filled("quotaUser"))
            .unwrap_or(&caller.email);
        let project = &caller.project;
        let per_user = self.switches.number(Dial::UserPerMinute);
        let per_project = self.switches.number(Dial::ProjectPerMinute);
        let user_key = format!("user {project} {charged}");
        if !self.windows.admit(user_key, now, MINUTE, units, per_user) {
            return Err(self.rate_limited(true));
        }
        if !self.windows.admit(
            format!("project {project}"),
            now,
            MINUTE,
            units,
            per_project,
        ) {
            return Err(self.rate_limited(false));
        }
        let writes = route.method.starts_with("events.")
            && matches!(call.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
            && !route.method.ends_with(".watch");
        if let (true, Some(calendar)) = (writes, &route.calendar) {
            let key = format!("calendar {}", self.calendar_id(calendar, &caller.email));
            let limit = self.switches.number(Dial::WritesPerMinute);
            if !self.windows.admit(key, now, MINUTE, 1, limit) {
                return Err(usage(403, "rateLimitExceeded", "Rate Limit Exceeded"));
            }
        }
        Ok(())
    }

    /// Counts invitations to people outside; too many within a day is `quotaExceeded`.
    pub(crate) fn charge_guests(&mut self, email: &str, guests: usize) -> Result<(), ApiError> {
        let limit = self.switches.number(Dial::GuestsPerDay);
        let guests = u64::try_from(guests).unwrap_or(u64::MAX);
        self.charge_day(format!("guests {email}"), guests, limit)
    }

    /// Counts a new calendar; too many within a day is `quotaExceeded`.
    pub(crate) fn charge_calendar(&mut self, email: &str) -> Result<(), ApiError> {
        let limit = self.switches.number(Dial::CalendarsPerDay);
        self.charge_day(format!("calendars {email}"), 1, limit)
    }

    fn charge_day(&mut self, key: String, units: u64, limit: i64) -> Result<(), ApiError> {
        if units == 0 || self.windows.admit(key, self.time.now(), DAY, units, limit) {
            return Ok(());
        }
        Err(usage(
            403,
            "quotaExceeded",
            "Calendar usage limits exceeded.",
        ))
    }

    fn rate_limited(&self, user: bool) -> ApiError {
        match (self.switches.get(Switch::RateLimit), user) {
            ("429", _) => usage(429, "rateLimitExceeded", "Rate Limit Exceeded"),
            ("403", true) => usage(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
            _ => usage(403, "rateLimitExceeded", "Rate Limit Exceeded"),
        }
    }
}

fn usage(status: u16, reason: &'static str, message: &'static str) -> ApiError {
    ApiError::new(status, "usageLimits", reason, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides() {
        let mut windows = Windows::default();
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut admit = |second: i64| {
            let now = start + TimeDelta::seconds(second);
            windows.admit("k".into(), now, MINUTE, 1, 2)
        };
        assert!(admit(0) && admit(30) && !admit(59));
        assert!(admit(60));
        assert!(!admit(61) && admit(90));
    }
}
