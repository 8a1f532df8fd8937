//! Which occurrence of which series an event is.

use crate::EventId;
use crate::event::EventTime;
use chrono::{NaiveDate, NaiveDateTime};
use event::OriginalStart;

/// The planned start of an exception: one form for one moment, whatever the calendar's offset. None of a time
/// without an offset.
pub fn original_start(time: &EventTime) -> Option<OriginalStart> {
    match time {
        EventTime::Date { date } => Some(OriginalStart::Date(*date)),
        EventTime::DateTime { .. } => time.instant().map(OriginalStart::instant),
    }
}

/// The series and the planned start in the id of an occurrence: `_20310303T090000Z`, or `_20310303`
/// of an all-day series. Other ids hold an underscore too.
pub fn occurrence_of(id: &EventId) -> Option<(EventId, OriginalStart)> {
    let (series, suffix) = id.as_str().rsplit_once('_')?;
    let start = match NaiveDateTime::parse_from_str(suffix, "%Y%m%dT%H%M%SZ") {
        Ok(time) => OriginalStart::Instant(time.and_utc()),
        Err(_) if suffix.len() == 8 => {
            OriginalStart::Date(NaiveDate::parse_from_str(suffix, "%Y%m%d").ok()?)
        }
        Err(_) => return None,
    };
    Some((EventId::from(series), start))
}

/// The series was split off another one in the web interface: its id is the other one's, `_R` and its start. Ids of
/// its occurrences were seen to be the other one's with their start (odoo/odoo#287171), so they are asked for.
pub fn is_split_off(series: &EventId) -> bool {
    let range = series.as_str().rsplit_once("_R").map(|(_, start)| start);
    range.is_some_and(|start| {
        let is_day = start.len() == 8 && NaiveDate::parse_from_str(start, "%Y%m%d").is_ok();
        is_day || NaiveDateTime::parse_from_str(start, "%Y%m%dT%H%M%S").is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, expected: Option<(&str, &str)>) {
        let found = occurrence_of(&EventId::from(id));
        let found = found
            .as_ref()
            .map(|(series, start)| (series.as_str(), start.to_string()));
        let expected = expected.map(|(series, start)| (series, start.to_owned()));
        assert_eq!(found, expected, "{id}");
    }

    #[test]
    fn an_occurrence_says_in_its_id_which_one_it_is() {
        check(
            "abc_20310303T090000Z",
            Some(("abc", "2031-03-03T09:00:00Z")),
        );
        check("abc_20310303", Some(("abc", "2031-03-03")));
        check(
            "abc_R20310101T090000_20310303T090000Z",
            Some(("abc_R20310101T090000", "2031-03-03T09:00:00Z")),
        );
    }

    #[test]
    fn other_ids_with_an_underscore_say_nothing() {
        for id in [
            "abc",
            "_60q30c1g60o30e1i60o4ac1g60rj8gpl",
            "abc_R20310303T090000",
            "abc_20311303",
            "abc_203103",
            "abc_",
            "_",
        ] {
            check(id, None);
        }
    }

    #[test]
    fn a_series_that_was_split_off_says_so_in_its_id() {
        let is = |id: &str| is_split_off(&EventId::from(id));
        assert!(is("abc_R20310303T090000") && is("abc_R20310303"));
        assert!(!is("abc") && !is("abc_R2031") && !is("abc_20310303T090000Z") && !is("abc_Room"));
    }

    #[test]
    fn one_moment_is_one_start() {
        let timed = |text: &str| EventTime::DateTime {
            date_time: text.to_owned(),
            time_zone: None,
        };
        let start = |text| original_start(&timed(text)).map(|start| start.to_string());
        let expected = Some("2031-03-03T09:00:00Z".to_owned());
        assert_eq!(start("2031-03-03T10:00:00+01:00"), expected);
        assert_eq!(start("2031-03-03T09:00:00Z"), expected);
        assert_eq!(start("2031-03-03T09:00:00"), None);
    }
}
