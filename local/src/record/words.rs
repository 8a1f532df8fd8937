//! What may be written as it is: a string of the form that its place asks for.

use super::known;
use super::pseudonym::Pseudonyms;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;

fn made_of(text: &str, most: usize, signs: &str) -> bool {
    text.len() <= most
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
}

/// The name of one of Google's fields.
pub fn is_name(text: &str) -> bool {
    made_of(text, 40, "") && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A word of the API's own.
pub fn is_word(text: &str) -> bool {
    made_of(text, 60, "#_-./:+") && !text.contains("//")
}

/// RFC 3339, or a date.
pub fn is_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || text.parse::<NaiveDate>().is_ok()
}

/// A name of the time zone database, or an offset such as `GMT+02:00`.
pub fn is_zone(text: &str) -> bool {
    let offset = text
        .strip_prefix("GMT")
        .or_else(|| text.strip_prefix("UTC"));
    let is_offset = |text: &str| text.bytes().all(|byte| b"+-:0123456789".contains(&byte));
    offset.is_some_and(is_offset) || text.parse::<Tz>().is_ok()
}

/// A line that has nothing but what RFC 5545 plans for it.
pub fn is_rule(line: &str) -> bool {
    let Some((head, value)) = line.rsplit_once(':') else {
        return false;
    };
    let mut head = head.split(';');
    let name = head.next().unwrap_or_default();
    let parameter = |part: &str| match part.split_once('=') {
        Some(("TZID", zone)) => is_zone(zone),
        Some(("VALUE", kind)) => ["DATE", "DATE-TIME", "PERIOD"].contains(&kind),
        _ => false,
    };
    let part = |part: &str| match part.split_once('=') {
        Some((name, value)) => known::RULE_PARTS.contains(&name) && is_rule_value(value),
        None => part.is_empty(),
    };
    let value_fits = match name {
        "RRULE" | "EXRULE" => value.split(';').all(part),
        "RDATE" | "EXDATE" => value
            .chars()
            .all(|c| c.is_ascii_digit() || ",TZPDHMSW/+".contains(c)),
        _ => false,
    };
    value_fits && head.all(parameter)
}

/// Words of a rule and days such as `-1MO` are short; all else is digits.
fn is_rule_value(value: &str) -> bool {
    let one = |item: &str| {
        let letters = item.chars().filter(char::is_ascii_alphabetic).count();
        let fits = letters <= 2 || known::FREQUENCIES.contains(&item);
        fits && made_of(item, 20, "+-")
    };
    value.split(',').all(one)
}

/// A list of the API's fields, as `fields` takes it.
pub fn is_selector(text: &str) -> bool {
    made_of(text, 500, "/(),*")
}

/// An error's message that quotes nothing.
pub fn is_message(text: &str) -> bool {
    known::MESSAGES.contains(&text)
}

/// An access rule's id, such as `user:ann@example.com`.
pub fn acl_rule(pseudonyms: &Pseudonyms, text: &str) -> String {
    match text.split_once(':') {
        Some((kind, value)) if known::SCOPE_TYPES.contains(&kind) => {
            format!("{kind}:{}", pseudonyms.text(value))
        }
        None if text == "default" => text.to_owned(),
        _ => pseudonyms.text(text),
    }
}

/// A list of OAuth scopes: Google's stay.
pub fn scopes(pseudonyms: &Pseudonyms, text: &str) -> String {
    let one = |scope: &str| match scope.strip_prefix(known::SCOPES) {
        Some(rest) if made_of(rest, 60, ".") => scope.to_owned(),
        None if known::SHORT_SCOPES.contains(&scope) => scope.to_owned(),
        _ => pseudonyms.text(scope),
    };
    let scopes: Vec<String> = text.split(' ').map(one).collect();
    scopes.join(" ")
}

/// `name=value`, both somebody's own.
pub fn property(pseudonyms: &Pseudonyms, text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    format!("{}={}", pseudonyms.text(name), pseudonyms.text(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fits: fn(&str) -> bool, texts: &[&str], expected: bool) {
        for text in texts {
            assert_eq!(fits(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_kept_has_the_form_of_its_place() {
        check(
            is_word,
            &[
                "confirmed",
                "calendar#event",
                "web_hook",
                "#9fe1e7",
                "image/svg+xml",
                "If-Match",
            ],
            true,
        );
        check(
            is_word,
            &[
                "Lunch with Bob",
                "ann@acme.test",
                "https://acme.test",
                "Gehälter",
            ],
            false,
        );
        check(
            is_time,
            &[
                "2030-01-07",
                "2030-01-07T12:00:00+01:00",
                "2030-01-07T12:00:00.123Z",
            ],
            true,
        );
        check(is_time, &["noon", "2030-01-07 with Bob", ""], false);
        check(
            is_zone,
            &[
                "Europe/Berlin",
                "UTC",
                "GMT+02:00",
                "America/Argentina/Buenos_Aires",
            ],
            true,
        );
        check(
            is_zone,
            &[
                "Bob's zone",
                "Ann/Home",
                "Europe/Bob",
                "Zanzibar",
                "GMT Bob",
            ],
            false,
        );
        check(is_message, &["Not Found"], true);
        check(is_message, &["Invalid value 'Bob'"], false);
        check(is_selector, &["items(id,summary),nextPageToken", "*"], true);
        check(is_selector, &["items(Bob's)"], false);
        check(is_name, &["newField2"], true);
        check(is_name, &["Bob", "new field", "bob@acme"], false);
    }

    #[test]
    fn a_line_of_recurrence_has_nothing_but_what_is_planned() {
        let kept = [
            "RRULE:FREQ=WEEKLY;BYDAY=MO,-1WE;UNTIL=20300201T225959Z;WKST=SU",
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;INTERVAL=2;COUNT=6;",
            "EXDATE;TZID=Europe/Berlin:20300114T090000,20300121T090000",
            "EXDATE;VALUE=DATE:20300114",
            "RDATE;VALUE=PERIOD:20300114T090000Z/PT1H",
        ];
        check(is_rule, &kept, true);
        let replaced = [
            "X-BOB:1",
            "RRULE:FREQ=WEEKLY;X-BOB=1",
            "RRULE:FREQ=BIANCHI",
            "EXDATE;X-BOB=1:20300114",
            "EXDATE;TZID=Bob:20300114",
            "EXDATE:with Bob",
            "with Bob",
        ];
        check(is_rule, &replaced, false);
    }
}
