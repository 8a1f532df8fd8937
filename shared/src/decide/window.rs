//! Until when an event can happen. An import begins at a moment, and what is over by then is left out;
//! Google's own filter holds for a full listing only, so that later ones are filtered here.

use crate::google::event::{Event, EventTime};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// Dates have no zone: where they end last, the day is over half a day after UTC's.
const LAST_ZONE: TimeDelta = TimeDelta::hours(12);

/// The end of the event, of its last occurrence where it is a series; none where nobody knows, or
/// there is no last one. Never too early, sometimes too late.
pub fn ends(event: &Event) -> Option<DateTime<Utc>> {
    let end = moment(event.end.as_ref()?)?;
    let lines = event.recurrence.as_deref().unwrap_or_default();
    if lines.is_empty() {
        return Some(end);
    }
    let start = moment(event.start.as_ref()?)?;
    let mut last = end;
    for line in lines {
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

fn moment(time: &EventTime) -> Option<DateTime<Utc>> {
    match time {
        EventTime::Date { date } => midnight(*date),
        EventTime::DateTime { .. } => time.instant(),
    }
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

    fn check(times: Value, recurrence: &[&str], expected: Option<&str>) {
        let mut event = times;
        event["id"] = json!("e");
        if !recurrence.is_empty() {
            event["recurrence"] = json!(recurrence);
        }
        let found = ends(&Event::read(&event.to_string()).unwrap());
        let expected = expected.map(|time| time.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(found, expected, "{event}");
    }

    fn timed() -> Value {
        let time = |text: &str| json!({"dateTime": text, "timeZone": "Europe/Berlin"});
        json!({"start": time("2031-03-03T09:00:00+01:00"), "end": time("2031-03-03T10:00:00+01:00")})
    }

    #[test]
    fn a_single_event_ends_at_its_end() {
        check(timed(), &[], Some("2031-03-03T09:00:00Z"));
        let days = json!({"start": {"date": "2031-03-03"}, "end": {"date": "2031-03-05"}});
        check(days, &[], Some("2031-03-05T12:00:00Z"));
        check(json!({}), &[], None);
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
            check(timed(), &[rule], end);
        }
        let rule = "RRULE:FREQ=DAILY;UNTIL=20310310T080000Z";
        check(
            timed(),
            &[rule, "EXDATE:20310304T080000Z"],
            Some("2031-03-10T09:00:00Z"),
        );
        check(timed(), &[rule, "RDATE:20320101T080000Z"], None);
        // A rule that ends before its first occurrence, which counts all the same.
        let early = "RRULE:FREQ=DAILY;UNTIL=20310101T080000Z";
        check(timed(), &[early], Some("2031-03-03T09:00:00Z"));
    }
}
