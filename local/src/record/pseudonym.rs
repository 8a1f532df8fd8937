//! Pseudonyms: the same original has the same one within a recording, of a similar form, and without the
//! recording's key nobody can tell whether a guess is right.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// The letters of event ids (RFC 4648 base32hex, lower case).
const BASE32HEX: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
/// Shorter ids could meet by chance.
const SHORTEST_ID: usize = 16;
/// The longest id and the longest text that Google takes.
const LONGEST_ID: usize = 1024;
const LONGEST_TEXT: usize = 16_384;
/// Domains below which Google keeps calendars that are no person's.
const CALENDARS: [&str; 4] = [
    "group.calendar.google.com",
    "group.v.calendar.google.com",
    "import.calendar.google.com",
    "resource.calendar.google.com",
];

/// The key of one recording. It is never written.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pseudonyms").finish_non_exhaustive()
    }
}

impl Pseudonyms {
    /// With a random key.
    #[must_use]
    pub fn random() -> Self {
        let mut key = [0; 32];
        for half in key.chunks_mut(16) {
            half.copy_from_slice(Uuid::new_v4().as_bytes());
        }
        Self(key)
    }

    /// As many bytes of the keyed hash as there are asked for.
    fn bytes(&self, kind: &str, original: &str, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 32);
        for block in 0_u32.. {
            if bytes.len() >= count {
                break;
            }
            #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
            let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key");
            mac.update(format!("{block} {kind} ").as_bytes());
            mac.update(original.as_bytes());
            bytes.extend_from_slice(&mac.finalize().into_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    fn letters(&self, kind: &str, original: &str, count: usize) -> String {
        let letter = |byte: u8| char::from(BASE32HEX[usize::from(byte % 32)]);
        let bytes = self.bytes(kind, original, count);
        bytes.into_iter().map(letter).collect()
    }

    fn digits(&self, kind: &str, original: &str, count: usize) -> String {
        let bytes = self.bytes(kind, original, count);
        let digit = |byte: u8| char::from(b'0' + byte % 10);
        bytes.into_iter().map(digit).collect()
    }

    /// An address, in whatever case it is written; a calendar's keeps the domain that says so.
    #[must_use]
    pub fn email(&self, original: &str) -> String {
        let lower = original.trim().to_lowercase();
        let domain = lower.rsplit_once('@').map(|(_, domain)| domain);
        let kept = domain.and_then(|domain| CALENDARS.iter().find(|known| **known == domain));
        let (letter, domain) = kept.map_or(('p', "example.com"), |domain| ('c', *domain));
        format!("{letter}{}@{domain}", self.letters("email", &lower, 15))
    }

    /// A calendar's id: an address, or the word for one's own.
    #[must_use]
    pub fn calendar(&self, original: &str) -> String {
        match original {
            "primary" => original.to_owned(),
            _ if original.contains('@') => self.email(original),
            _ => self.opaque(original),
        }
    }

    /// An event's id: a leading `_` and the times at its end stay, so an occurrence still shows its series.
    #[must_use]
    pub fn id(&self, original: &str) -> String {
        let (lead, rest) = match original.strip_prefix('_') {
            Some(rest) => ("_", rest),
            None => ("", original),
        };
        let (base, times) = without_times(rest);
        if base.is_empty() && times.is_empty() {
            return lead.to_owned();
        }
        let length = base.chars().count().clamp(SHORTEST_ID, LONGEST_ID);
        format!("{lead}{}{times}", self.letters("id", base, length))
    }

    /// An iCalendar UID; Google's own begin with an event's id.
    #[must_use]
    pub fn uid(&self, original: &str) -> String {
        match original.rsplit_once('@') {
            Some((id, "google.com")) => format!("{}@google.com", self.id(id)),
            Some(_) => format!("{}@uid.example.com", self.opaque(original)),
            None => self.id(original),
        }
    }

    /// An entity tag, or a list of them.
    #[must_use]
    pub fn etag(&self, original: &str) -> String {
        let one = |tag: &str| match tag.trim() {
            "*" => "*".to_owned(),
            tag => {
                let (weak, tag) = match tag.strip_prefix("W/") {
                    Some(tag) => ("W/", tag),
                    None => ("", tag),
                };
                format!(
                    "{weak}\"{}\"",
                    self.digits("etag", tag.trim_matches('"'), 16)
                )
            }
        };
        let tags: Vec<String> = original.split(',').map(one).collect();
        tags.join(", ")
    }

    /// A string that only its maker can read, such as a sync token.
    #[must_use]
    pub fn opaque(&self, original: &str) -> String {
        match original {
            "" => String::new(),
            _ => format!("o{}", self.letters("opaque", original, 23)),
        }
    }

    /// A link: of what kind it is stays.
    #[must_use]
    pub fn link(&self, original: &str) -> String {
        let (scheme, rest) = original.split_once(':').unwrap_or_default();
        match scheme {
            "tel" => format!("tel:+1555{}", self.digits("link", rest, 12)),
            "mailto" => format!("mailto:{}", self.email(rest)),
            "sip" => format!("sip:{}", self.email(rest)),
            "http" | "https" => {
                let path = self.letters("link", rest, 24);
                format!("{scheme}://example.com/{path}")
            }
            _ => self.text(original),
        }
    }

    /// Free text: whether it is empty, its length up to a power of two, and what in it is hard to carry stay.
    /// An address is one here, too.
    #[must_use]
    pub fn text(&self, original: &str) -> String {
        if original.is_empty() {
            return String::new();
        }
        if is_address(original) {
            return self.email(original);
        }
        let length = original.chars().count().next_power_of_two();
        let mut text = marks(original);
        let missing = length
            .min(LONGEST_TEXT)
            .saturating_sub(text.chars().count());
        // One or two letters would be the same for different texts.
        text.insert_str(0, &self.letters("text", original, missing.max(SHORTEST_ID)));
        if original.starts_with(char::is_whitespace) {
            text.insert(0, ' ');
        }
        if original.ends_with(char::is_whitespace) {
            text.push(' ');
        }
        text
    }
}

/// What an id has before the times at its end, and these: `_R20300107T090000`, `_20300107T090000Z`, `_20300107`.
fn without_times(id: &str) -> (&str, &str) {
    let mut end = id.len();
    while let Some(at) = id[..end].rfind('_') {
        if !is_time(&id[at + 1..end]) {
            break;
        }
        end = at;
    }
    id.split_at(end)
}

fn is_time(text: &str) -> bool {
    let text = text.strip_prefix('R').unwrap_or(text);
    let text = text.strip_suffix('Z').unwrap_or(text);
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    match text.split_once('T') {
        Some((date, time)) => digits(date, 8) && digits(time, 6),
        None => digits(text, 8),
    }
}

fn is_address(text: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    text.split_once('@')
        .is_some_and(|(local, domain)| plain(local) && plain(domain) && !domain.contains('@'))
}

/// A sign for each kind of letter that clients have trouble with.
fn marks(text: &str) -> String {
    let control = text
        .chars()
        .find(|c| c.is_control() && !"\n\r\t".contains(*c));
    let has_tag = text
        .split_once('<')
        .is_some_and(|(_, rest)| rest.contains('>'));
    let mut marks = String::new();
    let mut add = |has: bool, mark: &str| {
        if has {
            marks.push_str(mark);
        }
    };
    add(has_tag, "<b>b</b>");
    add(text.contains('\n'), "\nn");
    add(text.contains('\r'), "\rr");
    add(text.contains('\t'), "\tt");
    add(text.contains(|c| ('\u{80}'..='\u{ffff}').contains(&c)), "é");
    add(text.contains(|c| c > '\u{ffff}'), "😀");
    if let Some(control) = control {
        marks.push(control);
        marks.push('c');
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: fn(&Pseudonyms, &str) -> String, original: &str, form: &str) {
        let pseudonyms = Pseudonyms([7; 32]);
        let pseudonym = name(&pseudonyms, original);
        assert_eq!(name(&pseudonyms, original), pseudonym);
        let (before, after) = form.split_once('~').unwrap_or((form, ""));
        let middle = pseudonym.strip_prefix(before);
        let middle = middle.and_then(|rest| rest.strip_suffix(after));
        let middle = middle.unwrap_or_else(|| panic!("{original}: {pseudonym}"));
        assert_eq!(form.contains('~'), middle.len() >= 12, "{pseudonym}");
        if !middle.is_empty() {
            let other = name(&Pseudonyms([8; 32]), original);
            assert_ne!(other, pseudonym, "it depends on the key");
            assert!(middle.bytes().all(|b| BASE32HEX.contains(&b)), "{middle}");
        }
    }

    #[test]
    fn a_pseudonym_has_the_form_of_the_original() {
        check(Pseudonyms::email, "ann@acme.test", "p~@example.com");
        let team = "ab12@group.calendar.google.com";
        check(Pseudonyms::email, team, "c~@group.calendar.google.com");
        check(Pseudonyms::calendar, "primary", "primary");
        check(Pseudonyms::calendar, "ann@acme.test", "p~@example.com");
        check(Pseudonyms::calendar, "en.usa#holiday", "o~");
        check(Pseudonyms::id, "lunch", "~");
        check(Pseudonyms::id, "_6gq3abcd", "_~");
        check(
            Pseudonyms::id,
            "lunch_20300107T090000Z",
            "~_20300107T090000Z",
        );
        check(Pseudonyms::id, "lunch_20300107", "~_20300107");
        check(
            Pseudonyms::id,
            "lunch_R20300107T090000",
            "~_R20300107T090000",
        );
        check(
            Pseudonyms::id,
            "a_R20300107_20300114",
            "~_R20300107_20300114",
        );
        check(Pseudonyms::id, "lunch_ann", "~");
        check(Pseudonyms::uid, "lunch@google.com", "~@google.com");
        check(
            Pseudonyms::uid,
            "a_R20300107@google.com",
            "~_R20300107@google.com",
        );
        check(Pseudonyms::uid, "40C2-11@acme.test", "~@uid.example.com");
        check(Pseudonyms::etag, "\"3456\"", "\"~\"");
        check(Pseudonyms::etag, "W/\"3456\"", "W/\"~\"");
        check(Pseudonyms::etag, "*", "*");
        check(Pseudonyms::opaque, "CPjtoK", "o~");
        check(Pseudonyms::opaque, "", "");
        check(
            Pseudonyms::link,
            "https://meet.test/abc-def",
            "https://example.com/~",
        );
        check(Pseudonyms::link, "tel:+49-30-123456", "tel:+1555~");
        check(
            Pseudonyms::link,
            "mailto:ann@acme.test",
            "mailto:p~@example.com",
        );
        check(Pseudonyms::link, "acme.test/abc", "~");
        check(Pseudonyms::text, "", "");
        check(Pseudonyms::text, "Lunch with Bob", "~");
        check(Pseudonyms::text, "Ann@acme.test", "p~@example.com");
        check(Pseudonyms::text, " Lunch", " ~");
        check(Pseudonyms::text, "Lunch\u{1}", "~\u{1}c");
        check(Pseudonyms::text, "<i>Lunch</i>\nat noon", "~<b>b</b>\nn");
        check(Pseudonyms::text, "Küche", "~é");
    }

    #[test]
    fn what_belongs_together_still_does() {
        let p = Pseudonyms::random();
        assert_eq!(p.email("Ann@Acme.test"), p.email("ann@acme.test"));
        assert_eq!(p.text("ann@acme.test"), p.email("ann@acme.test"));
        assert_eq!(
            p.uid("lunch@google.com"),
            format!("{}@google.com", p.id("lunch"))
        );
        assert_eq!(
            p.id("lunch_20300107"),
            format!("{}_20300107", p.id("lunch"))
        );
        assert_ne!(p.id("lunch"), p.id("dinner"));
        assert_ne!(p.text("a"), p.text("b"));
    }

    #[test]
    fn a_text_is_as_long_as_the_next_power_of_two() {
        let length = |count| {
            Pseudonyms::random()
                .text(&"a".repeat(count))
                .chars()
                .count()
        };
        assert_eq!(
            [1, 17, 1000, 1024, 8192].map(length),
            [16, 32, 1024, 1024, 8192]
        );
        assert_eq!(length(70_000), 16_384);
    }
}
