//! The mapping between a row and a Google event, by unit: the parts that change, merge and conflict
//! as one. Start, end, all-day and zone are one unit, since half of a move is no move.
//!
//! For each unit there are four views: the row's fields, what is written to Google, what Google shows
//! (`base_google` holds exactly these), and what Google is expected to show for a row. Nothing here
//! decides.

mod access;
mod conference;
mod guests;
mod people;
mod properties;
mod reminders;
mod when;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use conference::{is_pending as is_conference_pending, is_request as is_conference_request};
pub use guests::{Guests, merge as merge_guests};
pub use properties::{LinkBack, Stamp, body as properties_body};
pub use when::occurrence as occurrence_time;

use crate::crm::Row;
use crate::google::event::{Event, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A part of an event that changes as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the fields")]
pub enum Unit {
    Title,
    Description,
    Location,
    When,
    Recurrence,
    Status,
    Visibility,
    Transparency,
    Color,
    Attendees,
    Reminders,
    Conference,
    Organizer,
    Attachments,
    Crm,
}

/// What Google shows, by unit. An absent unit is unknown.
pub type Shown = BTreeMap<Unit, Value>;

/// What the mapping needs to know beyond the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The calendar's IANA zone, for timed events without one.
    pub time_zone: String,
    /// Names the write where it asks for a conference: Google takes each request once.
    pub request_id: String,
}

/// Why an event cannot be mapped. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmappable {
    /// The row has no start or end.
    #[error("the event has no start or end time; set both")]
    RowWithoutTime,
    /// The Google event has no usable start or end.
    #[error("{0}: not a date or a time with an offset, of the years 1 to 9999")]
    GoogleTime(&'static str),
    /// Half of the Google event is all-day.
    #[error("one of start and end is a date, the other a time")]
    GoogleMixedTimes,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 15] = [
        Self::Title,
        Self::Description,
        Self::Location,
        Self::When,
        Self::Recurrence,
        Self::Status,
        Self::Visibility,
        Self::Transparency,
        Self::Color,
        Self::Attendees,
        Self::Reminders,
        Self::Conference,
        Self::Organizer,
        Self::Attachments,
        Self::Crm,
    ];

    /// Its name, as bases use it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Location => "location",
            Self::When => "when",
            Self::Recurrence => "recurrence",
            Self::Status => "status",
            Self::Visibility => "visibility",
            Self::Transparency => "transparency",
            Self::Color => "color",
            Self::Attendees => "attendees",
            Self::Reminders => "reminders",
            Self::Conference => "conference",
            Self::Organizer => "organizer",
            Self::Attachments => "attachments",
            Self::Crm => "crm",
        }
    }

    /// The row's fields that it consists of.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Title => &["title"],
            Self::Description => &["description"],
            Self::Location => &["location"],
            Self::When => &[
                "all_day",
                "starts_at",
                "ends_at",
                "starts_on",
                "ends_on",
                "time_zone",
            ],
            Self::Recurrence => &["recurrence"],
            Self::Status => &["status"],
            Self::Visibility => &["visibility"],
            Self::Transparency => &["transparency"],
            Self::Color => &["color"],
            Self::Attendees => &["attendees"],
            Self::Reminders => &["reminders"],
            Self::Conference => &["conference"],
            Self::Organizer => &["organizer", "creator"],
            Self::Attachments => &["attachments"],
            Self::Crm => &["contact_id", "company_id", "deal_id"],
        }
    }

    /// Whether somebody wrote it on purpose: such a change outlives a deletion. A guest's answer, a
    /// reminder or a link made by the server does not.
    pub fn is_authored(self) -> bool {
        match self {
            Self::Title
            | Self::Description
            | Self::Location
            | Self::When
            | Self::Recurrence
            | Self::Status
            | Self::Visibility
            | Self::Transparency
            | Self::Color => true,
            Self::Attendees
            | Self::Reminders
            | Self::Conference
            | Self::Organizer
            | Self::Attachments
            | Self::Crm => false,
        }
    }

    /// Which way its changes go.
    pub fn direction(self) -> Direction {
        match self {
            Self::Organizer | Self::Attachments => Direction::FromGoogle,
            Self::Crm => Direction::ToGoogle,
            Self::Title
            | Self::Description
            | Self::Location
            | Self::When
            | Self::Recurrence
            | Self::Status
            | Self::Visibility
            | Self::Transparency
            | Self::Color
            | Self::Attendees
            | Self::Reminders
            | Self::Conference => Direction::Both,
        }
    }
}

/// Which way a unit's changes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Each side may change it.
    Both,
    /// Google makes it; the row only shows it.
    FromGoogle,
    /// The CRM's own; Google only carries it.
    ToGoogle,
}

/// What Google shows of `event`, by unit.
///
/// # Errors
/// [`Unmappable::GoogleTime`] where it has no usable times, as events seen with free-busy access.
pub fn shown(event: &Event) -> Result<Shown, Unmappable> {
    let mut shown = Shown::new();
    // Of what is cancelled only the id is promised; the rest may or may not be there.
    if event.is_cancelled() {
        shown.insert(Unit::Status, json!("cancelled"));
        return Ok(shown);
    }
    for unit in Unit::ALL {
        let value = match unit {
            Unit::Title => text(event.summary.as_deref()),
            Unit::Description => text(event.description.as_deref()),
            Unit::Location => text(event.location.as_deref()),
            Unit::When => when::shown(event)?,
            Unit::Recurrence => lines(event.recurrence.as_deref()),
            Unit::Status => word(event.status.as_ref().map(Status::as_str), "confirmed"),
            Unit::Visibility => word(event.visibility.as_ref().map(|v| v.as_str()), "default"),
            Unit::Transparency => word(event.transparency.as_ref().map(|t| t.as_str()), "opaque"),
            Unit::Color => text(event.color_id.as_deref()),
            // A shortened list says nothing about who was removed.
            Unit::Attendees if event.attendees_omitted == Some(true) => continue,
            Unit::Attendees => Guests::of_event(event).to_shown(),
            Unit::Reminders => reminders::shown(event.reminders.as_ref()),
            Unit::Conference => event.conference_data.clone().unwrap_or_default(),
            Unit::Organizer => people::shown(event),
            Unit::Attachments => event.attachments.clone().map_or(Value::Null, Value::from),
            Unit::Crm => properties::shown(event),
        };
        shown.insert(unit, value);
    }
    Ok(shown)
}

/// What Google is expected to show for one unit of a row; it may normalise it further.
///
/// # Errors
/// [`Unmappable::RowWithoutTime`].
pub fn expected(unit: Unit, row: &Row, context: &Context) -> Result<Value, Unmappable> {
    Ok(match unit {
        Unit::Title => text(row.text("title")),
        Unit::Description => text(row.text("description")),
        Unit::Location => text(row.text("location")),
        Unit::When => when::expected(row, context)?,
        Unit::Recurrence => row_lines(row),
        Unit::Status => json!(row.text("status").unwrap_or("confirmed")),
        Unit::Visibility => json!(row.text("visibility").unwrap_or("default")),
        Unit::Transparency => json!(row.text("transparency").unwrap_or("opaque")),
        Unit::Color => text(row.text("color")),
        Unit::Attendees => Guests::of_row(row).to_shown(),
        Unit::Reminders => reminders::expected(row.value("reminders")),
        Unit::Conference => row.value("conference").clone(),
        Unit::Organizer => people::expected(row),
        Unit::Attachments => row.value("attachments").clone(),
        Unit::Crm => properties::expected(row),
    })
}

/// The row's fields that one unit of a shown event becomes.
pub fn to_row(unit: Unit, shown: &Value) -> Map<String, Value> {
    let one = |field: &str, value: Value| Map::from_iter([(field.to_owned(), value)]);
    match unit {
        Unit::Title => one("title", shown.clone()),
        Unit::Description => one("description", shown.clone()),
        Unit::Location => one("location", shown.clone()),
        Unit::When => when::to_row(shown),
        Unit::Recurrence => one("recurrence", shown.clone()),
        Unit::Status => one("status", known_status(shown)),
        Unit::Visibility => one("visibility", shown.clone()),
        Unit::Transparency => one("transparency", shown.clone()),
        Unit::Color => one("color", shown.clone()),
        Unit::Attendees => one("attendees", Guests::of_shown(shown).to_row()),
        Unit::Reminders => one("reminders", reminders::to_row(shown)),
        Unit::Conference => one("conference", shown.clone()),
        Unit::Organizer => people::to_row(shown),
        Unit::Attachments => one("attachments", shown.clone()),
        Unit::Crm => Map::new(),
    }
}

/// A word that Google adds one day must not keep an event away: the row takes it for an event that takes
/// place, the base keeps it.
fn known_status(shown: &Value) -> Value {
    match Status::from(shown.as_str().unwrap_or_default()) {
        Status::Confirmed | Status::Tentative | Status::Cancelled => shown.clone(),
        Status::Other(_) => json!("confirmed"),
    }
}

/// What one unit of a row adds to the body of a PATCH; `null` removes. The link-back has its own
/// place, see [`LinkBack`].
///
/// # Errors
/// [`Unmappable::RowWithoutTime`].
pub fn to_google(
    unit: Unit,
    row: &Row,
    context: &Context,
) -> Result<Map<String, Value>, Unmappable> {
    let expected = expected(unit, row, context)?;
    let one = |field: &str, value: Value| Map::from_iter([(field.to_owned(), value)]);
    Ok(match unit {
        Unit::Title => one("summary", expected),
        Unit::Description => one("description", expected),
        Unit::Location => one("location", expected),
        Unit::When => when::to_google(&expected),
        Unit::Recurrence => one("recurrence", expected),
        Unit::Status => one("status", expected),
        Unit::Visibility => one("visibility", expected),
        Unit::Transparency => one("transparency", expected),
        Unit::Color => one("colorId", expected),
        Unit::Attendees => one("attendees", guests::writable(expected)),
        Unit::Reminders => one("reminders", expected),
        Unit::Conference => conference::to_google(&expected, &context.request_id),
        Unit::Organizer | Unit::Attachments | Unit::Crm => Map::new(),
    })
}

/// The body of an INSERT: every unit of the row, without the nulls that only a PATCH needs.
///
/// # Errors
/// [`Unmappable::RowWithoutTime`].
pub fn whole(row: &Row, context: &Context) -> Result<Map<String, Value>, Unmappable> {
    let mut body = Map::new();
    for unit in Unit::ALL {
        body.extend(to_google(unit, row, context)?);
    }
    body.retain(|_, value| !value.is_null() && *value != json!([]));
    for time in ["start", "end"] {
        if let Some(Value::Object(time)) = body.get_mut(time) {
            time.retain(|_, value| !value.is_null());
        }
    }
    Ok(body)
}

fn text(text: Option<&str>) -> Value {
    text.filter(|text| !text.is_empty())
        .map_or(Value::Null, Value::from)
}

fn word(word: Option<&str>, default: &str) -> Value {
    json!(word.filter(|word| !word.is_empty()).unwrap_or(default))
}

fn lines(lines: Option<&[String]>) -> Value {
    lines
        .filter(|lines| !lines.is_empty())
        .map_or(Value::Null, |lines| json!(lines))
}

fn row_lines(row: &Row) -> Value {
    match row.value("recurrence") {
        Value::Array(lines) if !lines.is_empty() => Value::Array(lines.clone()),
        Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_) => Value::Null,
    }
}
