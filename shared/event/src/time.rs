//! Start, end, all-day and zones.

use crate::{OriginalStart, iana_name};
use chrono::{DateTime, Days, NaiveDate, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// When an event takes place, or the first occurrence of a series. Ends are exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EventTime {
    /// Dates, the same for every reader.
    AllDay {
        /// The first day.
        start: NaiveDate,
        /// The day after the last.
        end: NaiveDate,
        /// The zone of the row's midnights; providers need none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    /// Points in time. A series is expanded in the zone of its start.
    Timed {
        /// The start.
        start: DateTime<Utc>,
        /// The end.
        end: DateTime<Utc>,
        /// An IANA name as it came; none takes the calendar's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start_zone: Option<String>,
        /// Where it differs from the start's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end_zone: Option<String>,
    },
}

impl EventTime {
    /// Points in time, with an end zone only where it differs.
    pub fn timed(
        start: DateTime<Utc>,
        end: DateTime<Utc>,
        start_zone: Option<String>,
        end_zone: Option<String>,
    ) -> Self {
        Self::Timed {
            start,
            end,
            end_zone: end_zone.filter(|zone| start_zone.as_ref() != Some(zone)),
            start_zone,
        }
    }

    /// Whether it is dates.
    pub fn is_all_day(&self) -> bool {
        match self {
            Self::AllDay { .. } => true,
            Self::Timed { .. } => false,
        }
    }

    /// The zone of the start.
    pub fn start_zone(&self) -> Option<&str> {
        match self {
            Self::AllDay { zone, .. } => zone.as_deref(),
            Self::Timed { start_zone, .. } => start_zone.as_deref(),
        }
    }

    /// As a provider shows it: to the second, zones by their IANA names, the calendar's where it has none, and none
    /// of dates.
    pub fn shown(&self, calendar_zone: &str) -> Self {
        match self {
            Self::AllDay { start, end, .. } => Self::AllDay {
                start: *start,
                end: *end,
                zone: None,
            },
            Self::Timed {
                start,
                end,
                start_zone,
                end_zone,
            } => {
                let named = |zone: &str| iana_name(zone).unwrap_or_else(|| zone.to_owned());
                let start_zone = start_zone.as_deref().unwrap_or(calendar_zone);
                Self::timed(
                    start.trunc_subsecs(0),
                    end.trunc_subsecs(0),
                    Some(named(start_zone)),
                    end_zone.as_deref().map(named),
                )
            }
        }
    }

    /// As a row holds what is shown, instead of `current`: no end before the start, and a day at least; zones by
    /// their IANA names, since databases turn the sign of an offset round, and none that has no such name. An all-day
    /// event keeps the zone that its row has: dates need none, the row's midnights do.
    pub fn for_row(&self, current: Option<&Self>) -> Self {
        match self {
            Self::AllDay { start, end, .. } => Self::AllDay {
                start: *start,
                end: start
                    .checked_add_days(Days::new(1))
                    .map_or(*end, |next| next.max(*end)),
                zone: current.and_then(Self::start_zone).map(str::to_owned),
            },
            Self::Timed {
                start,
                end,
                start_zone,
                end_zone,
            } => Self::timed(
                *start,
                *end.max(start),
                start_zone.as_deref().and_then(iana_name),
                end_zone.as_deref().and_then(iana_name),
            ),
        }
    }

    /// With the zones that `shown` has, where neither this nor `base` names any: a row that has no place
    /// for a zone, or whose database does not know it, says nothing about it.
    pub fn with_unsaid_zones(&self, base: Option<&Self>, shown: &Self) -> Self {
        let (
            Self::Timed {
                start,
                end,
                start_zone,
                end_zone,
            },
            Self::Timed {
                start_zone: shown_start,
                end_zone: shown_end,
                ..
            },
        ) = (self, shown)
        else {
            return self.clone();
        };
        let (base_start, base_end) = match base {
            Some(Self::Timed {
                start_zone,
                end_zone,
                ..
            }) => (start_zone.as_ref(), end_zone.as_ref()),
            Some(Self::AllDay { zone, .. }) => (zone.as_ref(), None),
            None => return self.clone(),
        };
        let keeps_start = start_zone.is_none() && base_start.is_none();
        let same_start = keeps_start || start_zone == shown_start;
        let keeps_end = same_start && end_zone.is_none() && base_end.is_none();
        let kept = |keeps, shown: Option<&String>, own: Option<&String>| {
            if keeps { shown.cloned() } else { own.cloned() }
        };
        Self::timed(
            *start,
            *end,
            kept(keeps_start, shown_start.as_ref(), start_zone.as_ref()),
            kept(keeps_end, shown_end.as_ref(), end_zone.as_ref()),
        )
    }

    /// The plain occurrence that this series has at `original`: as long as the series' first.
    pub fn occurrence(&self, original: OriginalStart) -> Self {
        match original {
            OriginalStart::Date(date) => {
                let days = match self {
                    Self::AllDay { start, end, .. } => (*end - *start).max(TimeDelta::days(1)),
                    Self::Timed { .. } => TimeDelta::days(1),
                };
                Self::AllDay {
                    start: date,
                    end: date.checked_add_signed(days).unwrap_or(NaiveDate::MAX),
                    zone: self.start_zone().map(str::to_owned),
                }
            }
            OriginalStart::Instant(time) => {
                let (length, end_zone) = match self {
                    Self::AllDay { .. } => (TimeDelta::hours(1), None),
                    Self::Timed {
                        start,
                        end,
                        end_zone,
                        ..
                    } => (
                        end.trunc_subsecs(0) - start.trunc_subsecs(0),
                        end_zone.clone(),
                    ),
                };
                let end = time
                    .checked_add_signed(length)
                    .unwrap_or(DateTime::<Utc>::MAX_UTC);
                Self::timed(time, end, self.start_zone().map(str::to_owned), end_zone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn time(json: Value) -> EventTime {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_occurrence_is_as_long_as_the_series_first() {
        let series = time(json!({
            "start": "2031-03-03T09:00:00.5Z", "end": "2031-03-03T10:30:00Z", "start_zone": "Europe/Berlin",
            "end_zone": "America/New_York",
        }));
        let original = "2031-03-10T09:00:00Z".parse().unwrap();
        let expected = json!({
            "start": "2031-03-10T09:00:00Z", "end": "2031-03-10T10:30:00Z", "start_zone": "Europe/Berlin",
            "end_zone": "America/New_York",
        });
        assert_eq!(json!(series.occurrence(original)), expected);
        let days = time(json!({"start": "2031-03-03", "end": "2031-03-05"}));
        let original = "2031-03-10".parse().unwrap();
        let expected = json!({"start": "2031-03-10", "end": "2031-03-12"});
        assert_eq!(json!(days.occurrence(original)), expected);
        let none = time(json!({"start": "2031-03-03", "end": "2031-03-03"}));
        let expected = json!({"start": "2031-03-10", "end": "2031-03-11"});
        assert_eq!(json!(none.occurrence(original)), expected);
    }

    #[test]
    fn what_ends_before_it_starts_gets_an_end_that_a_row_can_hold() {
        for end in ["2031-03-03", "2031-03-01"] {
            let day = time(json!({"start": "2031-03-03", "end": end}));
            let expected = json!({"start": "2031-03-03", "end": "2031-03-04"});
            assert_eq!(json!(day.for_row(None)), expected);
        }
        let back = time(json!({"start": "2031-03-03T09:00:00Z", "end": "2031-03-03T08:00:00Z"}));
        let expected = json!({"start": "2031-03-03T09:00:00Z", "end": "2031-03-03T09:00:00Z"});
        assert_eq!(json!(back.for_row(None)), expected);
    }

    #[test]
    fn an_all_day_event_keeps_its_rows_zone() {
        let row =
            time(json!({"start": "2031-03-03", "end": "2031-03-04", "zone": "Europe/Berlin"}));
        let moved = time(json!({"start": "2031-03-05", "end": "2031-03-06"}));
        assert_eq!(
            moved.for_row(Some(&row)).start_zone(),
            Some("Europe/Berlin")
        );
        assert_eq!(row.shown("UTC").start_zone(), None);
    }

    #[test]
    fn an_end_zone_is_kept_only_where_it_differs() {
        let start: DateTime<Utc> = "2031-03-03T09:00:00Z".parse().unwrap();
        let zone = |name: &str| Some(name.to_owned());
        let same = EventTime::timed(start, start, zone("UTC"), zone("UTC"));
        assert_eq!(same, EventTime::timed(start, start, zone("UTC"), None));
        // The row without a zone takes the calendar's, which its end may have by name.
        let row = EventTime::timed(start, start, None, zone("UTC"));
        assert_eq!(row.shown("UTC"), same);
    }
}
