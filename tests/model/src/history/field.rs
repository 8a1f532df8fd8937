//! The fields that histories vary: how each side writes a value, and one form in which both sides' can
//! be compared. A value is a number; each field makes something of it.

use super::form::{
    answer, conference, guests, instant, invited, lines, others, overrides, reminders,
    wants_conference, when_form,
};
use super::when::{self, rule, spelled};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Values by field.
pub type Values = BTreeMap<Field, u32>;

/// Those that changed something; who changes the guests may be one of them from then on.
pub(super) fn changed(set: &Values, differs: impl Fn(Field) -> bool) -> Values {
    let answered = |field| field == Field::Guests && differs(Field::Answer);
    let changed = set
        .iter()
        .filter(|(field, _)| differs(**field) || answered(**field));
    changed.map(|(field, code)| (*field, *code)).collect()
}

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
    /// Each user's own.
    Reminders,
    /// Confirmed or tentative; what is called off is a step of its own.
    Status,
    /// A video conference, which Google makes.
    Conference,
}

/// What both sides may edit.
pub const EDITABLE: [Field; 11] = [
    Field::Title,
    Field::Description,
    Field::Location,
    Field::When,
    Field::Color,
    Field::Visibility,
    Field::Transparency,
    Field::Guests,
    Field::Reminders,
    Field::Status,
    Field::Conference,
];

impl Field {
    /// Every field.
    pub const ALL: [Self; 14] = [
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
        Self::Reminders,
        Self::Status,
        Self::Conference,
    ];

    /// The fields of a row that a value is; `row` is what it said before.
    pub fn crm(self, code: u32, row: &Map<String, Value>) -> Map<String, Value> {
        let one = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
        let text = |name: &str| one(name, json!(self.form(code)));
        match self {
            Self::Title => text("title"),
            Self::Description => text("description"),
            Self::Location => text("location"),
            Self::Color => text("color"),
            Self::Visibility => text("visibility"),
            Self::Transparency => text("transparency"),
            Self::Deal => text("deal_id"),
            Self::When => when::of_row(code),
            Self::Guests => one("attendees", invited(code, row.get("attendees"))),
            Self::Rule => {
                let lines = Some(rule(code)).filter(|lines| !lines.is_empty());
                one("recurrence", json!(lines))
            }
            Self::Answer => Map::new(),
            Self::Reminders => {
                let overrides = overrides(code);
                let is_said = overrides.is_some() || code.is_multiple_of(2);
                let all = json!({"use_default": overrides.is_none(), "overrides": overrides});
                one("reminders", if is_said { all } else { Value::Null })
            }
            Self::Status => text("status"),
            Self::Conference => {
                let request = wants_conference(code).then(|| json!({"createRequest": {}}));
                one("conference", json!(request))
            }
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
            Self::When => when::of_google(code),
            Self::Guests => {
                let mut guests: Vec<Value> = guests(code)
                    .iter()
                    .filter(|email| **email != own)
                    .map(|email| json!({"email": email}))
                    .collect();
                if !guests.is_empty() {
                    guests.push(json!({"email": own, "responseStatus": "accepted"}));
                }
                one("attendees", Value::Array(guests))
            }
            Self::Rule => one("recurrence", json!(rule(code))),
            Self::Reminders => {
                let overrides = overrides(code);
                let mut all = json!({"useDefault": overrides.is_none()});
                if let Some(overrides) = overrides {
                    all["overrides"] = overrides;
                }
                one("reminders", all)
            }
            Self::Status => one("status", json!(text)),
            Self::Conference => {
                let request = json!({"createRequest": {"requestId": format!("by hand {code}")}});
                one(
                    "conferenceData",
                    json!(wants_conference(code).then_some(request)),
                )
            }
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
            Self::When => when::form(code),
            Self::Guests => guests(code).join(" "),
            Self::Rule => rule(code).join(" "),
            Self::Answer => ["accepted", "declined", "tentative"][code as usize % 3].to_owned(),
            Self::Reminders => overrides(code).map_or("default".to_owned(), |overrides| {
                reminders(&json!({"overrides": overrides}), "")
            }),
            Self::Status => ["confirmed", "tentative"][code as usize % 2].to_owned(),
            Self::Conference => if wants_conference(code) { "made" } else { "" }.to_owned(),
        }
    }

    /// Whether a row says something else than Google, both with their forms.
    pub fn differs(
        self,
        (row, crm): (&Map<String, Value>, &str),
        (event, google): (&Value, &str),
    ) -> bool {
        let (ours, theirs) = (&row["conference"], &event["conferenceData"]);
        // A row may have a conference of its own, or still the one of the event that it had before.
        if self == Self::Conference && theirs.is_null() {
            return *ours == json!({"createRequest": {}});
        }
        // A row that names no zone leaves it to Google.
        if self == Self::When && row["end_time_zone"].is_null() {
            let said = if row["time_zone"].is_null() { 1 } else { 2 };
            let (ours, theirs) = (crm.split(' '), google.split(' '));
            return !ours.take(said).eq(theirs.take(said));
        }
        crm != google || self == Self::Conference && ours != theirs
    }

    /// The comparable form of what a row says.
    pub fn of_row(self, row: &Map<String, Value>, own: &str) -> String {
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
                let (from, to) = if all_day {
                    ("starts_on", "ends_on")
                } else {
                    ("starts_at", "ends_at")
                };
                let start_zone = spelled(row["time_zone"].as_str().unwrap_or_default());
                let end_zone = row["end_time_zone"].as_str().map_or(start_zone, spelled);
                let (start, end) = (instant(&row[from]), instant(&row[to]));
                when_form(all_day, (start, start_zone), (end, end_zone))
            }
            Self::Guests => others(&row["attendees"], own),
            Self::Answer => answer(&row["attendees"], own, "response_status"),
            Self::Rule => lines(&row["recurrence"]),
            Self::Reminders => reminders(&row["reminders"], "use_default"),
            Self::Status => text("status"),
            Self::Conference => conference(&row["conference"]),
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
                let zone = |side: &str| event[side]["timeZone"].as_str().unwrap_or_default();
                when_form(all_day, (start, zone("start")), (end, zone("end")))
            }
            Self::Guests => others(&event["attendees"], own),
            Self::Answer => answer(&event["attendees"], own, "responseStatus"),
            Self::Rule => lines(&event["recurrence"]),
            Self::Reminders => reminders(&event["reminders"], "useDefault"),
            Self::Status => or("status", "confirmed"),
            Self::Conference => conference(&event["conferenceData"]),
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
            "reminders" => Self::Reminders,
            "status" => Self::Status,
            "conferenceData" => Self::Conference,
            _ => return None,
        })
    }
}

/// The last two are users.
pub(crate) const GUESTS: [&str; 5] = [
    "guest1@elsewhere.example",
    "guest2@elsewhere.example",
    "guest4@elsewhere.example",
    "bob@example.com",
    "ann@example.com",
];
