//! Until when an event can happen. An import begins at a moment, and what is over by then is left out.

use crate::zone::Zone;
use crate::{EventFields, EventTime};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// Dates have no zone: where they end last, the day is over half a day after UTC's.
const LAST_ZONE: TimeDelta = TimeDelta::hours(12);

/// The end of the event, of its last occurrence where it is a series; none where nobody knows, or
/// there is no last one. Never too early, sometimes too late.
pub fn ends(time: &EventTime, recurrence: &[String]) -> Option<DateTime<Utc>> {
    let (start, end) = match time {
        EventTime::AllDay { start, end, .. } => (midnight(*start)?, midnight(*end)?),
        EventTime::Timed { start, end, .. } => (*start, *end),
    };
    last_end(start, end, recurrence)
}

/// Whether the event, or the last occurrence of a series, is over at `now`. An all-day event is over at
/// midnight in its own zone, else the calendar's; where neither is known, where days end last.
pub fn is_over(
    time: &EventTime,
    recurrence: &[String],
    now: DateTime<Utc>,
    calendar_zone: &str,
) -> bool {
    let (start, end) = match time {
        EventTime::AllDay { start, end, zone } => {
            let zone = zone.as_deref().and_then(Zone::named);
            let zone = zone.or_else(|| Zone::named(calendar_zone));
            let begins = |date| zone.map_or_else(|| midnight(date), |zone| zone.midnight(date));
            match (begins(*start), begins(*end)) {
                (Some(start), Some(end)) => (start, end),
                (_, None) | (None, _) => return false,
            }
        }
        EventTime::Timed { start, end, .. } => (*start, *end),
    };
    last_end(start, end, recurrence).is_some_and(|end| end <= now)
}

impl EventFields {
    /// See [`ends`]; none without times.
    pub fn ends(&self) -> Option<DateTime<Utc>> {
        ends(self.time.as_ref()?, &self.recurrence)
    }

    /// See [`is_over`]; without times it is not.
    pub fn is_over(&self, now: DateTime<Utc>, calendar_zone: &str) -> bool {
        let time = self.time.as_ref();
        time.is_some_and(|time| is_over(time, &self.recurrence, now, calendar_zone))
    }
}

fn last_end(
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    recurrence: &[String],
) -> Option<DateTime<Utc>> {
    let mut last = end;
    for line in recurrence {
        let (name, value) = line.split_once(':')?;
        match name.split(';').next()?.to_ascii_uppercase().as_str() {
            "EXDATE" | "EXRULE" => {}
            "RRULE" => last = last.max(last_start(value, start)?.checked_add_signed(end - start)?),
            // Dates beyond the rule, in forms that nothing else here reads.
            _ => return None,
        }
    }
    Some(last)
}

fn midnight(date: NaiveDate) -> Option<DateTime<Utc>> {
    date.and_time(NaiveTime::MIN)
        .and_utc()
        .checked_add_signed(LAST_ZONE)
}

/// The latest start that a rule allows.
fn last_start(rule: &str, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let part = |wanted: &str| {
        let mut parts = rule.split(';').filter_map(|part| part.split_once('='));
        parts
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    if let Some(until) = part("UNTIL") {
        return moment_of(until);
    }
    let count: u64 = part("COUNT")?.parse().ok()?;
    // A rule of days or weeks may skip none; months and years have dates that not all of them have.
    let skips = ["BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"]
        .into_iter()
        .any(|name| part(name).is_some());
    let days: u64 = match part("FREQ")?.to_ascii_uppercase().as_str() {
        "DAILY" if part("BYDAY").is_none() && !skips => 1,
        "WEEKLY" if !skips => 7,
        _ => return None,
    };
    let interval: u64 = part("INTERVAL").unwrap_or("1").parse().ok()?;
    let span = days.checked_mul(interval)?.checked_mul(count)?;
    start.checked_add_days(Days::new(span))
}

/// iCalendar's forms: `20310303`, `20310303T090000`, `20310303T090000Z`.
fn moment_of(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ") {
        return Some(time.and_utc());
    }
    let (date, _) = text.split_once('T').unwrap_or((text, ""));
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    midnight(date.succ_opt()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lines(recurrence: &[&str]) -> Vec<String> {
        recurrence.iter().map(|line| (*line).to_owned()).collect()
    }

    fn check(time: &Value, recurrence: &[&str], expected: Option<&str>) {
        let time: EventTime = serde_json::from_value(time.clone()).unwrap();
        let expected = expected.map(|time| time.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(ends(&time, &lines(recurrence)), expected, "{recurrence:?}");
    }

    fn timed() -> Value {
        json!({"start": "2031-03-03T08:00:00Z", "end": "2031-03-03T09:00:00Z", "start_zone": "Europe/Berlin"})
    }

    #[test]
    fn a_single_event_ends_at_its_end() {
        check(&timed(), &[], Some("2031-03-03T09:00:00Z"));
        let days = json!({"start": "2031-03-03", "end": "2031-03-05"});
        check(&days, &[], Some("2031-03-05T12:00:00Z"));
        assert_eq!(EventFields::default().ends(), None);
    }

    #[test]
    fn a_series_ends_with_its_last_occurrence_at_the_latest() {
        for (rule, end) in [
            (
                "RRULE:FREQ=DAILY;UNTIL=20310310T080000Z",
                Some("2031-03-10T09:00:00Z"),
            ),
            (
                "RRULE:FREQ=WEEKLY;UNTIL=20310310",
                Some("2031-03-11T13:00:00Z"),
            ),
            ("rrule:freq=daily;count=10", Some("2031-03-13T09:00:00Z")),
            (
                "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2;BYDAY=MO,WE",
                Some("2031-03-31T09:00:00Z"),
            ),
            ("RRULE:FREQ=DAILY", None),
            ("RRULE:FREQ=MONTHLY;COUNT=3;BYMONTHDAY=31", None),
            ("RRULE:FREQ=DAILY;COUNT=3;BYDAY=MO", None),
            ("RRULE:FREQ=DAILY;COUNT=99999999999999999999", None),
            ("RRULE:FREQ=DAILY;COUNT=9999999999999", None),
            ("RRULE:FREQ=DAILY;UNTIL=soon", None),
            ("nonsense", None),
        ] {
            check(&timed(), &[rule], end);
        }
        let rule = "RRULE:FREQ=DAILY;UNTIL=20310310T080000Z";
        check(
            &timed(),
            &[rule, "EXDATE:20310304T080000Z"],
            Some("2031-03-10T09:00:00Z"),
        );
        check(&timed(), &[rule, "RDATE:20320101T080000Z"], None);
        // A rule that ends before its first occurrence, which counts all the same.
        let early = "RRULE:FREQ=DAILY;UNTIL=20310101T080000Z";
        check(&timed(), &[early], Some("2031-03-03T09:00:00Z"));
    }

    fn check_over(time: &Value, recurrence: &[&str], calendar_zone: &str, end: &str) {
        let time: EventTime = serde_json::from_value(time.clone()).unwrap();
        let end: DateTime<Utc> = end.parse().unwrap();
        let over = |now| is_over(&time, &lines(recurrence), now, calendar_zone);
        assert!(over(end) && !over(end - TimeDelta::seconds(1)), "{end}");
    }

    #[test]
    fn an_event_is_over_in_its_own_zone_or_the_calendars() {
        check_over(&timed(), &[], "UTC", "2031-03-03T09:00:00Z");
        let days = |zone: Value| json!({"start": "2031-03-03", "end": "2031-03-05", "zone": zone});
        let los_angeles = "America/Los_Angeles";
        check_over(&days(json!(null)), &[], los_angeles, "2031-03-05T08:00:00Z");
        let tokyo = days(json!("Asia/Tokyo"));
        check_over(&tokyo, &[], los_angeles, "2031-03-04T15:00:00Z");
        let unknown = days(json!("Mars/Olympus"));
        check_over(&unknown, &[], los_angeles, "2031-03-05T08:00:00Z");
        check_over(&unknown, &[], "", "2031-03-05T12:00:00Z");
    }

    #[test]
    fn a_series_is_over_after_its_last_occurrence() {
        let rule = "RRULE:FREQ=DAILY;UNTIL=20310310T080000Z";
        check_over(&timed(), &[rule], "UTC", "2031-03-10T09:00:00Z");
        let time: EventTime = serde_json::from_value(timed()).unwrap();
        let far = "2099-01-01T00:00:00Z".parse().unwrap();
        assert!(!is_over(&time, &lines(&["RRULE:FREQ=DAILY"]), far, "UTC"));
    }
}
