//! What is asked for, and what of it was granted: a user may untick single boxes, and Google may name
//! an equal or broader scope in place of the one that was asked.
//!
//! Source: Google's pages "OAuth 2.0 Scopes for Google APIs" and "How to handle granular permissions".

/// Who the account is.
pub const OPENID: &str = "openid";
/// Its address.
pub const EMAIL: &str = "email";
/// Its events: read, write, watch.
pub const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
/// Its calendars, to choose from.
pub const CALENDAR_LIST: &str = "https://www.googleapis.com/auth/calendar.calendarlist.readonly";

/// Each scope that is asked for, with what includes it.
const ASKED: [(&str, &[&str]); 4] = [
    (OPENID, &[]),
    (EMAIL, &["https://www.googleapis.com/auth/userinfo.email"]),
    (EVENTS, &["https://www.googleapis.com/auth/calendar"]),
    (
        CALENDAR_LIST,
        &[
            "https://www.googleapis.com/auth/calendar.calendarlist",
            "https://www.googleapis.com/auth/calendar.readonly",
            "https://www.googleapis.com/auth/calendar",
        ],
    ),
];

/// All scopes that are asked for, separated by spaces, `openid` first as Google advises.
pub fn asked() -> String {
    ASKED.map(|(scope, _)| scope).join(" ")
}

/// What was asked for and is not in `granted`, a text separated by spaces.
pub fn missing(granted: &str) -> Vec<&'static str> {
    let has = |scope: &str| granted.split_whitespace().any(|g| g == scope);
    ASKED
        .iter()
        .filter(|(scope, broader)| !has(scope) && !broader.iter().any(|b| has(b)))
        .map(|(scope, _)| *scope)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_granted_scope_includes_is_missing() {
        let check = |granted: &str, expected: &[&str]| {
            assert_eq!(missing(granted), expected, "{granted}");
        };
        check(&asked(), &[]);
        check("", &[OPENID, EMAIL, EVENTS, CALENDAR_LIST]);
        check(
            "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/calendar",
            &[],
        );
        check(
            "openid email https://www.googleapis.com/auth/calendar.readonly",
            &[EVENTS],
        );
        check(
            "openid  email\thttps://www.googleapis.com/auth/calendar.events",
            &[CALENDAR_LIST],
        );
        check(
            "openid email https://www.googleapis.com/auth/calendar.events.readonly https://www.googleapis.com/auth/calendar.calendarlist",
            &[EVENTS],
        );
    }
}
