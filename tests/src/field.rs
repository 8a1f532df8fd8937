//! The fields that histories vary: how each side writes a value, and one form in which both sides' can
//! be compared. A value is a number; each field makes something of it.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Values by field.
pub type Values = BTreeMap<Field, u32>;

/// A field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the fields")]
pub enum Field {
    Title,
    Description,
    Location,
    When,
    Color,
    Visibility,
    Transparency,
    Guests,
    /// The CRM's own; Google only carries it.
    Deal,
    /// The recurrence lines of a series.
    Rule,
    /// The user's own answer to an invitation, given in Google.
    Answer,
}

/// What both sides may edit.
pub const EDITABLE: [Field; 8] = [
    Field::Title,
    Field::Description,
    Field::Location,
    Field::When,
    Field::Color,
    Field::Visibility,
    Field::Transparency,
    Field::Guests,
];

impl Field {
    /// Every field.
    pub const ALL: [Self; 11] = [
        Self::Title,
        Self::Description,
        Self::Location,
        Self::When,
        Self::Color,
        Self::Visibility,
        Self::Transparency,
        Self::Guests,
        Self::Deal,
        Self::Rule,
        Self::Answer,
    ];

    /// The columns of a row and what SQL puts there; `inserts` where there is no row yet.
    pub fn columns(self, code: u32, inserts: bool) -> Vec<(&'static str, String)> {
        let one = |name| vec![(name, format!("'{}'", self.form(code)))];
        match self {
            Self::Title => one("title"),
            Self::Description => one("description"),
            Self::Location => one("location"),
            Self::Color => one("color"),
            Self::Visibility => one("visibility"),
            Self::Transparency => one("transparency"),
            Self::Deal => one("deal_id"),
            Self::When => {
                let (start, end) = span(code);
                let zone = zone(code).map_or_else(|| "null".to_owned(), |zone| format!("'{zone}'"));
                vec![
                    ("starts_at", format!("'{start}'")),
                    ("ends_at", format!("'{end}'")),
                    ("all_day", is_all_day(code).to_string()),
                    ("time_zone", zone),
                ]
            }
            Self::Guests => vec![("attendees", guests_sql(code, inserts))],
            Self::Rule => {
                let lines: Vec<String> =
                    rule(code).iter().map(|line| format!("'{line}'")).collect();
                let lines = format!("nullif(array[{}]::text[], '{{}}')", lines.join(","));
                vec![("recurrence", lines)]
            }
            Self::Answer => Vec::new(),
        }
    }

    /// What a person changes in Google.
    pub fn google(self, code: u32, own: &str) -> Map<String, Value> {
        let text = self.form(code);
        let one = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        match self {
            Self::Title => one("summary", json!(text)),
            Self::Description => one("description", json!(text)),
            Self::Location => one("location", json!(text)),
            Self::Color => one("colorId", json!(text)),
            Self::Visibility => one("visibility", json!(text)),
            Self::Transparency => one("transparency", json!(text)),
            Self::When => {
                let (start, end) = span(code);
                let time = |at: DateTime<Utc>| match zone(code) {
                    Some(zone) => {
                        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
                        json!({"dateTime": at, "timeZone": zone, "date": null})
                    }
                    None => json!({"date": at.date_naive(), "dateTime": null, "timeZone": null}),
                };
                Map::from_iter([
                    ("start".to_owned(), time(start)),
                    ("end".to_owned(), time(end)),
                ])
            }
            Self::Guests => {
                let mut guests: Vec<Value> = guests(code)
                    .iter()
                    .map(|email| json!({"email": email}))
                    .collect();
                if !guests.is_empty() {
                    guests.push(json!({"email": own, "responseStatus": "accepted"}));
                }
                one("attendees", Value::Array(guests))
            }
            Self::Rule => one("recurrence", json!(rule(code))),
            Self::Deal | Self::Answer => Map::new(),
        }
    }

    /// The comparable form of a value.
    pub fn form(self, code: u32) -> String {
        match self {
            Self::Title => format!("title {code}"),
            Self::Description => format!("<b>text</b> {code}"),
            Self::Location => format!("place {code}"),
            Self::Color => format!("{}", 1 + code % 11),
            Self::Visibility => ["default", "public", "private"][code as usize % 3].to_owned(),
            Self::Transparency => ["opaque", "transparent"][code as usize % 2].to_owned(),
            Self::Deal => format!("deal-{code}"),
            Self::When => {
                let (start, end) = span(code);
                when_form(is_all_day(code), start, end, zone(code))
            }
            Self::Guests => guests(code).join(" "),
            Self::Rule => rule(code).join(" "),
            Self::Answer => ["accepted", "declined", "tentative"][code as usize % 3].to_owned(),
        }
    }

    /// The comparable form of what a row says.
    pub fn of_row(self, row: &Value, own: &str) -> String {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        match self {
            Self::Title => text("title"),
            Self::Description => text("description"),
            Self::Location => text("location"),
            Self::Color => text("color"),
            Self::Visibility => text("visibility"),
            Self::Transparency => text("transparency"),
            Self::Deal => text("deal_id"),
            Self::When => {
                let all_day = row["all_day"] == true;
                let zone = row["time_zone"].as_str().unwrap_or("UTC");
                let tz: Tz = zone.parse().unwrap_or(Tz::UTC);
                // The day of an all-day event is the one in its zone.
                let day = |time: DateTime<Utc>| time.with_timezone(&tz).naive_local().and_utc();
                let (start, end) = (instant(&row["starts_at"]), instant(&row["ends_at"]));
                match all_day {
                    true => when_form(true, day(start), day(end), None),
                    false => when_form(false, start, end, Some(zone)),
                }
            }
            Self::Guests => others(&row["attendees"], own),
            Self::Answer => answer(&row["attendees"], own, "response_status"),
            Self::Rule => lines(&row["recurrence"]),
        }
    }

    /// The comparable form of what Google shows.
    pub fn of_google(self, event: &Value, own: &str) -> String {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let or = |name: &str, default: &str| event[name].as_str().unwrap_or(default).to_owned();
        match self {
            Self::Title => text("summary"),
            Self::Description => text("description"),
            Self::Location => text("location"),
            Self::Color => text("colorId"),
            Self::Visibility => or("visibility", "default"),
            Self::Transparency => or("transparency", "opaque"),
            Self::Deal => {
                let deal = &event["extendedProperties"]["private"]["crmflowDealId"];
                deal.as_str().unwrap_or_default().to_owned()
            }
            Self::When => {
                let all_day = event["start"]["date"].is_string();
                let name = if all_day { "date" } else { "dateTime" };
                let (start, end) = (instant(&event["start"][name]), instant(&event["end"][name]));
                when_form(all_day, start, end, event["start"]["timeZone"].as_str())
            }
            Self::Guests => others(&event["attendees"], own),
            Self::Answer => answer(&event["attendees"], own, "responseStatus"),
            Self::Rule => lines(&event["recurrence"]),
        }
    }

    /// The field that a key of a body written to Google belongs to.
    pub fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "summary" => Self::Title,
            "description" => Self::Description,
            "location" => Self::Location,
            "start" | "end" => Self::When,
            "colorId" => Self::Color,
            "visibility" => Self::Visibility,
            "transparency" => Self::Transparency,
            "attendees" => Self::Guests,
            "recurrence" => Self::Rule,
            _ => return None,
        })
    }
}

fn is_all_day(code: u32) -> bool {
    code % 4 == 3
}

/// An all-day event has none.
fn zone(code: u32) -> Option<&'static str> {
    ["UTC", "Europe/Berlin", "UTC"]
        .get(code as usize % 4)
        .copied()
}

/// Days of a spring, so that series see the clocks change.
fn span(code: u32) -> (DateTime<Utc>, DateTime<Utc>) {
    let first = DateTime::from_timestamp(1_930_176_000, 0).unwrap_or_default();
    let (days, hours) = (i64::from(code % 40), i64::from(code % 5));
    let start = first + TimeDelta::days(days);
    if is_all_day(code) {
        return (start, start + TimeDelta::days(1 + hours % 2));
    }
    let start = start + TimeDelta::hours(8 + hours);
    (start, start + TimeDelta::minutes(30 + 15 * hours))
}

/// The planned start of an occurrence of the series whose time and rule have these values, as rows
/// name it and as a moment.
pub fn occurrence(code: u32, rule: u32, number: u32) -> (String, DateTime<Utc>) {
    let days = if rule.is_multiple_of(2) { 1 } else { 7 } * number;
    let zone: Tz = zone(code)
        .and_then(|zone| zone.parse().ok())
        .unwrap_or(Tz::UTC);
    let local = span(code).0.with_timezone(&zone).naive_local() + TimeDelta::days(i64::from(days));
    let start = local
        .and_local_timezone(zone)
        .earliest()
        .map(|start| start.to_utc())
        .unwrap_or_default();
    let name = match is_all_day(code) {
        true => start.date_naive().to_string(),
        false => start.to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    (name, start)
}

/// The lines of a series; 0 is none.
pub fn rule(code: u32) -> Vec<String> {
    if code == 0 {
        return Vec::new();
    }
    let period = if code.is_multiple_of(2) {
        "DAILY"
    } else {
        "WEEKLY"
    };
    vec![format!("RRULE:FREQ={period};COUNT={}", 4 + code % 5)]
}

/// The lines of the two parts of a series that is split before its `number`-th occurrence, counted
/// from the `first` of the rule; none where a part would be empty.
pub fn rule_lines(when: u32, code: u32, first: u32, number: u32) -> Option<(String, String)> {
    let count = (4 + code % 5).checked_sub(first + number)?;
    if code == 0 || number == 0 || count == 0 {
        return None;
    }
    let (_, start) = occurrence(when, code, first + number);
    let until = match is_all_day(when) {
        true => start.date_naive().pred_opt()?.format("%Y%m%d").to_string(),
        false => (start - TimeDelta::seconds(1))
            .format("%Y%m%dT%H%M%SZ")
            .to_string(),
    };
    let period = if code.is_multiple_of(2) {
        "DAILY"
    } else {
        "WEEKLY"
    };
    Some((
        format!("RRULE:FREQ={period};UNTIL={until}"),
        format!("RRULE:FREQ={period};COUNT={count}"),
    ))
}

fn guests(code: u32) -> Vec<String> {
    let bits = [1, 2, 4].into_iter().filter(|bit| code & bit != 0);
    bits.map(|bit| format!("guest{bit}@elsewhere.example"))
        .collect()
}

/// A CRM keeps what it knows of a guest who stays, and the organizer's own entry.
fn guests_sql(code: u32, inserts: bool) -> String {
    let wanted: Vec<String> = guests(code)
        .iter()
        .map(|email| format!("'{email}'"))
        .collect();
    let wanted = format!("array[{}]::text[]", wanted.join(","));
    let known = if inserts { "'[]'::jsonb" } else { "attendees" };
    format!(
        "(select coalesce(jsonb_agg(g), '[]') from (
            select a g from jsonb_array_elements({known}) a where a ->> 'email' = any ({wanted}) or a ->> 'email' not like 'guest%'
            union all
            select jsonb_build_object('email', w) from unnest({wanted}) w
            where not exists (select from jsonb_array_elements({known}) a where a ->> 'email' = w)) x)"
    )
}

fn others(guests: &Value, own: &str) -> String {
    let all = guests.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut emails: Vec<&str> = all
        .iter()
        .filter_map(|guest| guest["email"].as_str())
        .collect();
    // Where a calendar of its own organizes, that calendar is on the list.
    emails.retain(|email| *email != own && !email.ends_with("@group.calendar.google.com"));
    emails.sort_unstable();
    emails.join(" ")
}

fn answer(guests: &Value, own: &str, name: &str) -> String {
    let all = guests.as_array().map(Vec::as_slice).unwrap_or_default();
    let mine = all.iter().find(|guest| guest["email"] == own);
    mine.map_or_else(String::new, |guest| {
        guest[name].as_str().unwrap_or("needsAction").to_owned()
    })
}

fn lines(lines: &Value) -> String {
    let all = lines.as_array().map(Vec::as_slice).unwrap_or_default();
    let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
    all.join(" ")
}

fn when_form(
    all_day: bool,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    zone: Option<&str>,
) -> String {
    match all_day {
        true => format!("{}/{}", start.date_naive(), end.date_naive()),
        false => format!(
            "{}/{} {}",
            start.to_rfc3339_opts(SecondsFormat::Secs, true),
            end.to_rfc3339_opts(SecondsFormat::Secs, true),
            zone.unwrap_or_default()
        ),
    }
}

fn instant(text: &Value) -> DateTime<Utc> {
    let text = text.as_str().unwrap_or_default();
    let midnight = format!("{text}T00:00:00Z");
    let time =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc3339(&midnight));
    time.unwrap_or_default().to_utc()
}
