//! Time zones by name, as forgiving as calendars are.

mod named;

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use named::NamedZone;

/// A zone whose midnights can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Named(NamedZone),
    Fixed(FixedOffset),
}

impl Zone {
    /// Of a name in any case, or of an offset as in `GMT+02:00` and `(GMT-05:00) Eastern Time`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let named = NamedZone::find(name).map(Self::Named);
        named.or_else(|| offset(name).map(Self::Fixed))
    }

    /// The beginning of a day: where there is no midnight, the first moment after it.
    pub fn midnight(self, date: NaiveDate) -> Option<DateTime<Utc>> {
        let midnight = date.and_time(NaiveTime::MIN);
        let shifts = [0, 30, 60, 120, 24 * 60];
        let mut tries = shifts
            .into_iter()
            .map(|minutes| midnight.checked_add_signed(TimeDelta::minutes(minutes)));
        tries.find_map(|local| self.first(local?))
    }

    fn first(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        match self {
            Self::Named(zone) => zone.first(local),
            Self::Fixed(offset) => Some(offset.from_local_datetime(&local).earliest()?.to_utc()),
        }
    }
}

/// The IANA name of a zone that is named in any case, or by an offset of whole hours: `Europe/Berlin` of
/// `europe/berlin`, `Etc/GMT-2` of `GMT+02:00` (the signs of those names are turned round).
pub fn iana_name(name: &str) -> Option<String> {
    let name = name.trim();
    if let Some(known) = NamedZone::spelling(name) {
        return Some(known.to_owned());
    }
    let seconds = offset(name)?.local_minus_utc();
    let hours = (seconds % 3600 == 0).then_some(-seconds / 3600)?;
    if hours == 0 {
        return Some("UTC".to_owned());
    }
    NamedZone::spelling(&format!("Etc/GMT{hours:+}")).map(str::to_owned)
}

fn offset(name: &str) -> Option<FixedOffset> {
    let text = name.trim_start_matches('(');
    let text = text.split(')').next()?;
    let text = text
        .strip_prefix("GMT")
        .or_else(|| text.strip_prefix("UTC"))?;
    let (sign, text) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = text.split_once(':').unwrap_or((text, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours
        .checked_mul(60)?
        .checked_add(minutes)?
        .checked_mul(60)?;
    FixedOffset::east_opt(sign * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, date: &str, expected: &str) {
        let midnight = Zone::named(zone).unwrap().midnight(date.parse().unwrap());
        assert_eq!(midnight, Some(expected.parse().unwrap()), "{zone}");
    }

    #[test]
    fn a_day_begins_in_its_zone() {
        check("Europe/Berlin", "2031-03-03", "2031-03-02T23:00:00Z");
        check("europe/berlin", "2031-07-03", "2031-07-02T22:00:00Z");
        check("GMT+02:00", "2031-03-03", "2031-03-02T22:00:00Z");
        check(
            "(GMT-05:00) Eastern Time",
            "2031-03-03",
            "2031-03-03T05:00:00Z",
        );
        // In Beirut the clocks go from 00:00 to 01:00.
        check("Asia/Beirut", "2031-03-30", "2031-03-29T22:00:00Z");
    }

    #[test]
    fn a_name_is_spelled_as_the_database_does() {
        for (name, expected) in [
            ("Europe/Berlin", Some("Europe/Berlin")),
            ("europe/berlin", Some("Europe/Berlin")),
            (" UTC ", Some("UTC")),
            ("GMT+02:00", Some("Etc/GMT-2")),
            ("UTC-11", Some("Etc/GMT+11")),
            ("GMT+00:00", Some("UTC")),
            ("(GMT-05:00) Eastern Time", Some("Etc/GMT+5")),
            ("GMT+05:30", None),
            ("GMT+15:00", None),
            ("Mars/Olympus", None),
            ("", None),
        ] {
            assert_eq!(iana_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_names_no_zone_is_none() {
        for name in [
            "",
            "Mars/Olympus",
            "GMT+",
            "GMT*3",
            "GMT+99",
            "(",
            "GMT+99999999999",
        ] {
            assert_eq!(Zone::named(name), None, "{name}");
        }
    }
}
