//! The IANA time zone database, in the form that `build.rs` writes.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};

static NAMES: &[(&str, usize)] = include!(concat!(env!("OUT_DIR"), "/zones.rs"));
static TABLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/zones.bin"));

/// A zone of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedZone {
    /// Where it begins in the table.
    place: usize,
}

impl NamedZone {
    /// Of a name in any case.
    pub fn find(name: &str) -> Option<Self> {
        let mut names = NAMES.iter();
        let (_, place) = names.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(Self { place: *place })
    }

    /// A name as the database spells it, of one in any case.
    pub fn spelling(name: &str) -> Option<&'static str> {
        let mut names = NAMES.iter();
        let (known, _) = names.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(known)
    }

    /// The first moment at which clocks show `local`; none where they leave it out.
    pub fn first(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let local = local.and_utc().timestamp();
        // Clocks change at most once within two days, so no other offset can be in force.
        let before = self.offset(local - 86_400);
        let after = self.offset(local + 86_400);
        let mut moments = [local - before.max(after), local - before.min(after)].into_iter();
        let moment = moments.find(|moment| *moment + self.offset(*moment) == local)?;
        DateTime::from_timestamp(moment, 0)
    }

    /// Seconds east of UTC at a moment, which is in seconds since 1970.
    fn offset(self, moment: i64) -> i64 {
        let mut table = Reader(&TABLE[self.place..]);
        let mut offset = table.number();
        let mut change = 0;
        for _ in 0..table.number() {
            change += table.number();
            if moment < change {
                return offset;
            }
            offset = table.number();
        }
        if table.number() == 0 {
            return offset;
        }
        let (standard, summer) = (table.number(), table.number());
        let year = DateTime::from_timestamp(moment + standard, 0).map_or(1970, |at| at.year());
        let begins = table.moment(year) - standard;
        let ends = table.moment(year) - summer;
        let is_summer = if begins < ends {
            (begins..ends).contains(&moment)
        } else {
            !(ends..begins).contains(&moment)
        };
        if is_summer { summer } else { standard }
    }
}

/// Reads the table from its beginning.
struct Reader(&'static [u8]);

impl Reader {
    fn number(&mut self) -> i64 {
        let (mut number, mut bits) = (0, 0);
        while let Some((byte, rest)) = self.0.split_first() {
            self.0 = rest;
            number |= i64::from(byte & 0x7f) << bits;
            bits += 7;
            if *byte < 0x80 {
                break;
            }
        }
        let unit = if number & 1 == 0 { 900 } else { 1 };
        let number = number >> 1;
        ((number >> 1) ^ -(number & 1)) * unit
    }

    /// When in a year clocks change, in the seconds that they show.
    fn moment(&mut self, year: i32) -> i64 {
        let mut small = || u8::try_from(self.number()).unwrap_or_default();
        let (month, week, weekday) = (small(), small(), small());
        let time = self.number();
        let weekday = Weekday::try_from((weekday + 6) % 7).unwrap_or(Weekday::Sun);
        // The fifth is the last, which may be the fourth.
        let day = [week, week - 1].into_iter().find_map(|week| {
            NaiveDate::from_weekday_of_month_opt(year, month.into(), weekday, week)
        });
        let day = day.unwrap_or_default().and_time(NaiveTime::MIN);
        day.and_utc().timestamp() + time
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    /// The first of all moments that have this local time; offsets are whole quarters of an hour.
    fn first(named: NamedZone, local: i64) -> Option<i64> {
        let mut moments = (local - 15 * 3600..=local + 15 * 3600).step_by(900);
        moments.find(|moment| moment + named.offset(*moment) == local)
    }

    /// jiff has the same release of the database, and reads it by itself.
    #[test]
    fn all_zones_are_as_jiff_reads_them() {
        let second = |text: &str| text.parse::<Timestamp>().unwrap();
        let (begin, end) = (
            second("1800-01-01T00:00:00Z"),
            second("2100-01-01T00:00:00Z"),
        );
        let searched = second("2025-06-01T00:00:00Z")..second("2026-06-01T00:00:00Z");
        for (name, _) in NAMES {
            let zone = TimeZone::get(name).unwrap();
            let named = NamedZone::find(name).unwrap();
            let changes = zone.following(begin).map(|change| change.timestamp());
            let changes = changes.take_while(|at| *at < end).chain([begin, end]);
            for at in changes {
                let moment = at.as_second();
                for moment in [moment - 1, moment, moment + 1] {
                    let expected = zone.to_offset(Timestamp::from_second(moment).unwrap());
                    let expected = i64::from(expected.seconds());
                    assert_eq!(named.offset(moment), expected, "{at} {name}");
                }
                if !searched.contains(&at) {
                    continue;
                }
                for quarter in (-12..12).step_by(4) {
                    let local = moment + named.offset(moment) + quarter * 900;
                    let time = DateTime::from_timestamp(local, 0).unwrap().naive_utc();
                    let found = named.first(time).map(|at| at.timestamp());
                    assert_eq!(found, first(named, local), "{time} {name}");
                }
            }
        }
    }

    #[test]
    fn rules_hold_for_ever() {
        let berlin = NamedZone::find("europe/berlin").unwrap();
        let offset = |at: &str| berlin.offset(at.parse::<DateTime<Utc>>().unwrap().timestamp());
        assert_eq!(offset("2099-07-01T00:00:00Z"), 7200);
        assert_eq!(offset("2099-12-31T23:30:00Z"), 3600);
        let sydney = NamedZone::find("Australia/Sydney").unwrap();
        let offset = |at: &str| sydney.offset(at.parse::<DateTime<Utc>>().unwrap().timestamp());
        assert_eq!(offset("2099-01-01T00:00:00Z"), 39_600);
        assert_eq!(offset("2099-07-01T00:00:00Z"), 36_000);
    }
}
