//! Where a request goes: its path and query without what is private in them, and the resource that it is about.

use super::form::{ACL_RULE, CALENDAR, Form, ID, Mask, SECRET, TEXT, WORD};
use super::resources as of;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::borrow::Cow;
use url::form_urlencoded;

/// What paths consist of beside ids.
const WORDS: [&str; 20] = [
    "acl",
    "batch",
    "calendar",
    "calendarList",
    "calendars",
    "channels",
    "clear",
    "colors",
    "events",
    "freeBusy",
    "instances",
    "me",
    "move",
    "revoke",
    "settings",
    "stop",
    "token",
    "users",
    "v3",
    "watch",
];

const FIXED: Form = Form::Kept(|_| true);

/// What a recording shows of a request's target.
#[derive(Clone, Debug)]
pub struct Address {
    /// With pseudonyms for the ids in it.
    pub path: String,
    /// Names and values, in their order.
    pub query: Vec<(String, String)>,
    /// What its messages hold.
    pub form: Form,
}

impl Address {
    /// Of the path and the query of a request, as they were sent.
    #[must_use]
    pub fn new(mask: Mask<'_>, path: &str, query: &str) -> Self {
        let segments: Vec<String> = path
            .split('/')
            .skip(1)
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let before = std::iter::once("").chain(segments.iter().copied());
        let shown: Vec<String> = before
            .zip(&segments)
            .map(|(before, segment)| mask.string(place(before, segment), segment))
            .collect();
        Self {
            path: format!("/{}", shown.join("/")),
            query: parameters(mask, query),
            form: form(&segments),
        }
    }

    /// The query as JSON.
    #[must_use]
    pub fn query(&self) -> Value {
        json!(self.query)
    }
}

fn parameters(mask: Mask<'_>, query: &str) -> Vec<(String, String)> {
    let one = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        let known = of::QUERY.iter().find(|field| field.0 == name);
        match known {
            Some((name, form)) => ((*name).to_owned(), mask.string(*form, &value)),
            None => (mask.string(TEXT, &name), mask.string(SECRET, &value)),
        }
    };
    form_urlencoded::parse(query.as_bytes()).map(one).collect()
}

/// The form of a segment: what comes after a collection's name is an id.
fn place(before: &str, segment: &str) -> Form {
    match (before, segment) {
        ("events", "import" | "quickAdd" | "watch") | ("acl" | "calendarList", "watch") => FIXED,
        ("calendars" | "calendarList", _) => CALENDAR,
        ("events", _) => ID,
        ("acl", _) => ACL_RULE,
        ("settings", _) => WORD,
        _ if WORDS.contains(&segment) => FIXED,
        _ => TEXT,
    }
}

/// The form of what is sent to a path and answered there.
fn form(segments: &[&str]) -> Form {
    match segments {
        ["token" | "revoke"] => of::OF_TOKENS,
        ["calendar", "v3", .., "watch"] | ["calendar", "v3", "channels", "stop"] => of::OF_CHANNELS,
        ["calendar", "v3", "calendars", _, "events", ..] => of::OF_EVENTS,
        ["calendar", "v3", "calendars", _, "acl", ..] => of::OF_ACL,
        ["calendar", "v3", "calendars"]
        | ["calendar", "v3", "calendars", _]
        | ["calendar", "v3", "users", "me", "calendarList", ..] => of::OF_CALENDARS,
        ["calendar", "v3", "users", "me", "settings", ..] => of::OF_SETTINGS,
        ["calendar", "v3", "colors"] => of::OF_COLORS,
        ["calendar", "v3", "freeBusy"] => of::OF_FREE_BUSY,
        _ => of::UNKNOWN,
    }
}
