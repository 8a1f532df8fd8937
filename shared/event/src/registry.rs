//! What is to be said of each field, in one place: a new one has a line in each list and each match of this
//! file, and nowhere else in this crate.

use crate::Direction::{Both, FromRemote, ToRemote};
use crate::group::{authored, other};
use crate::row::{text, time};
use crate::value::present;
use crate::{
    Attendees, Change, EventTime, FieldSet, FieldSpec, Person, References, Reminders, Status,
    Transparency, Visibility, is_conference_request,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields that change, merge and conflict as one. Start, end, all-day and zones are one group, since
/// half of a move is no move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the fields")]
pub enum Group {
    Title,
    Description,
    Location,
    Time,
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
    References,
}

/// All groups, and the keys that bases and histories use.
pub(crate) const GROUPS: [(Group, &str); 15] = [
    (Group::Title, "title"),
    (Group::Description, "description"),
    (Group::Location, "location"),
    (Group::Time, "time"),
    (Group::Recurrence, "recurrence"),
    (Group::Status, "status"),
    (Group::Visibility, "visibility"),
    (Group::Transparency, "transparency"),
    (Group::Color, "color"),
    (Group::Attendees, "attendees"),
    (Group::Reminders, "reminders"),
    (Group::Conference, "conference"),
    (Group::Organizer, "organizer"),
    (Group::Attachments, "attachments"),
    (Group::References, "references"),
];

/// All mapped fields.
pub const FIELDS: [FieldSpec; 24] = [
    authored("title", Group::Title, "summary"),
    authored("description", Group::Description, "description"),
    authored("location", Group::Location, "location"),
    authored(
        "all_day",
        Group::Time,
        "start.date rather than start.dateTime",
    ),
    authored("starts_at", Group::Time, "start.dateTime"),
    authored("ends_at", Group::Time, "end.dateTime"),
    authored("starts_on", Group::Time, "start.date"),
    authored("ends_on", Group::Time, "end.date"),
    authored("time_zone", Group::Time, "start.timeZone"),
    authored("end_time_zone", Group::Time, "end.timeZone"),
    authored("recurrence", Group::Recurrence, "recurrence"),
    authored("status", Group::Status, "status"),
    authored("visibility", Group::Visibility, "visibility").of_guests(),
    authored("transparency", Group::Transparency, "transparency").of_guests(),
    authored("color", Group::Color, "colorId").of_guests(),
    other("attendees", Group::Attendees, Both, "attendees").of_guests(),
    other("reminders", Group::Reminders, Both, "reminders").of_guests(),
    other("conference", Group::Conference, Both, "conferenceData"),
    other("organizer", Group::Organizer, FromRemote, "organizer"),
    other("creator", Group::Organizer, FromRemote, "creator"),
    other("attachments", Group::Attachments, FromRemote, "attachments"),
    other(
        "contact_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowContactId",
    )
    .of_guests(),
    other(
        "company_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowCompanyId",
    )
    .of_guests(),
    other(
        "deal_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowDealId",
    )
    .of_guests(),
];

/// The mapped fields of a row. In JSON as the CRM's adapter gives them, by the names in
/// [`FIELDS`](crate::FIELDS); an empty text is none, and a value of a wrong type is as none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct EventFields {
    /// The title.
    pub title: Option<String>,
    /// Text; HTML where it came from the provider.
    pub description: Option<String>,
    /// Free text.
    pub location: Option<String>,
    /// None where the row has no start or end, which no provider takes.
    pub time: Option<EventTime>,
    /// RFC 5545 lines of a series; none of a single event.
    pub recurrence: Vec<String>,
    /// Whether it takes place.
    pub status: Status,
    /// Who sees the details.
    pub visibility: Visibility,
    /// Whether it takes up time.
    pub transparency: Transparency,
    /// A key into the provider's palette.
    pub color: Option<String>,
    /// The guests, as far as the row says something of them.
    pub attendees: Attendees,
    /// When the user is reminded.
    pub reminders: Reminders,
    /// The provider's, or a request for one.
    pub conference: Option<Value>,
    /// Whose event it is.
    pub organizer: Option<Person>,
    /// Who made it.
    pub creator: Option<Person>,
    /// The provider's files, as they came.
    pub attachments: Vec<Value>,
    /// What of the CRM it belongs to.
    pub references: References,
    /// Fields that the JSON lacked: a base of an earlier version does not know them, so that they differ
    /// from nothing. Not written again.
    pub unknown: FieldSet,
}

/// The value of one group, in the form that is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the groups")]
pub enum GroupValue {
    Title(Option<String>),
    Description(Option<String>),
    Location(Option<String>),
    Time(EventTime),
    Recurrence(Vec<String>),
    Status(Status),
    Visibility(Visibility),
    Transparency(Transparency),
    Color(Option<String>),
    Attendees(Attendees),
    Reminders(Reminders),
    Conference(Option<Value>),
    Organizer {
        #[serde(deserialize_with = "present")]
        organizer: Option<Person>,
        #[serde(deserialize_with = "present")]
        creator: Option<Person>,
    },
    Attachments(Vec<Value>),
    References(References),
}

/// What a write changes of an event. What only the provider makes has no place in it.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the fields")]
pub struct EventPatch {
    pub title: Change<String>,
    pub description: Change<String>,
    pub location: Change<String>,
    pub time: Change<EventTime>,
    pub recurrence: Change<Vec<String>>,
    pub status: Change<Status>,
    pub visibility: Change<Visibility>,
    pub transparency: Change<Transparency>,
    pub color: Change<String>,
    pub attendees: Change<Attendees>,
    pub reminders: Change<Reminders>,
    /// Set: a request for a new one.
    pub conference: Change<Value>,
    pub contact_id: Change<String>,
    pub company_id: Change<String>,
    pub deal_id: Change<String>,
}

impl EventFields {
    /// What the row says of a group; none of a time that it lacks.
    pub fn value(&self, group: Group) -> Option<GroupValue> {
        Some(match group {
            Group::Title => GroupValue::Title(self.title.clone()),
            Group::Description => GroupValue::Description(self.description.clone()),
            Group::Location => GroupValue::Location(self.location.clone()),
            Group::Time => GroupValue::Time(self.time.clone()?),
            Group::Recurrence => GroupValue::Recurrence(self.recurrence.clone()),
            Group::Status => GroupValue::Status(self.status.clone()),
            Group::Visibility => GroupValue::Visibility(self.visibility.clone()),
            Group::Transparency => GroupValue::Transparency(self.transparency.clone()),
            Group::Color => GroupValue::Color(self.color.clone()),
            Group::Attendees => GroupValue::Attendees(self.attendees.clone()),
            Group::Reminders => GroupValue::Reminders(self.reminders.clone()),
            Group::Conference => GroupValue::Conference(self.conference.clone()),
            Group::Organizer => GroupValue::Organizer {
                organizer: self.organizer.clone(),
                creator: self.creator.clone(),
            },
            Group::Attachments => GroupValue::Attachments(self.attachments.clone()),
            Group::References => GroupValue::References(self.references.clone()),
        })
    }

    /// Makes a group this.
    pub(crate) fn put(&mut self, value: GroupValue) {
        match value {
            GroupValue::Title(title) => self.title = title,
            GroupValue::Description(description) => self.description = description,
            GroupValue::Location(location) => self.location = location,
            GroupValue::Time(time) => self.time = Some(time),
            GroupValue::Recurrence(recurrence) => self.recurrence = recurrence,
            GroupValue::Status(status) => self.status = status,
            GroupValue::Visibility(visibility) => self.visibility = visibility,
            GroupValue::Transparency(transparency) => self.transparency = transparency,
            GroupValue::Color(color) => self.color = color,
            GroupValue::Attendees(attendees) => self.attendees = attendees,
            GroupValue::Reminders(reminders) => self.reminders = reminders,
            GroupValue::Conference(conference) => self.conference = conference,
            GroupValue::Organizer { organizer, creator } => {
                (self.organizer, self.creator) = (organizer, creator);
            }
            GroupValue::Attachments(attachments) => self.attachments = attachments,
            GroupValue::References(references) => self.references = references,
        }
    }
}

pub fn from_row(row: &Map<String, Value>) -> EventFields {
    let value = |name: &str| row.get(name).unwrap_or(&Value::Null);
    let text = |name: &str| text(value(name));
    let array = |name: &str| value(name).as_array().cloned().unwrap_or_default();
    let lines = array("recurrence").into_iter();
    EventFields {
        title: text("title"),
        description: text("description"),
        location: text("location"),
        time: time(row),
        recurrence: lines
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect(),
        status: Status::from(value("status").as_str().unwrap_or_default()),
        visibility: Visibility::from(value("visibility").as_str().unwrap_or_default()),
        transparency: Transparency::from(value("transparency").as_str().unwrap_or_default()),
        color: text("color"),
        attendees: Attendees::of_row(value("attendees")),
        reminders: Reminders::of_row(value("reminders")),
        conference: Some(value("conference").clone()).filter(|conference| !conference.is_null()),
        organizer: Person::of_row(value("organizer")),
        creator: Person::of_row(value("creator")),
        attachments: array("attachments"),
        references: References {
            contact_id: text("contact_id"),
            company_id: text("company_id"),
            deal_id: text("deal_id"),
        },
        unknown: FieldSet::of(|name| !row.contains_key(name)),
    }
}

impl GroupValue {
    /// Which group's.
    pub fn group(&self) -> Group {
        match self {
            Self::Title(_) => Group::Title,
            Self::Description(_) => Group::Description,
            Self::Location(_) => Group::Location,
            Self::Time(_) => Group::Time,
            Self::Recurrence(_) => Group::Recurrence,
            Self::Status(_) => Group::Status,
            Self::Visibility(_) => Group::Visibility,
            Self::Transparency(_) => Group::Transparency,
            Self::Color(_) => Group::Color,
            Self::Attendees(_) => Group::Attendees,
            Self::Reminders(_) => Group::Reminders,
            Self::Conference(_) => Group::Conference,
            Self::Organizer { .. } => Group::Organizer,
            Self::Attachments(_) => Group::Attachments,
            Self::References(_) => Group::References,
        }
    }
}

impl EventPatch {
    /// Adds a group to what is changed.
    pub fn change(&mut self, group: Group, row: &EventFields) {
        let text = |text: &Option<String>| Change::to(text.clone());
        match group {
            Group::Title => self.title = text(&row.title),
            Group::Description => self.description = text(&row.description),
            Group::Location => self.location = text(&row.location),
            Group::Time => self.time = row.time.clone().map_or(Change::Keep, Change::Set),
            Group::Recurrence => {
                let lines = Some(row.recurrence.clone());
                self.recurrence = Change::to(lines.filter(|lines| !lines.is_empty()));
            }
            Group::Status => self.status = Change::Set(row.status.clone()),
            Group::Visibility => self.visibility = Change::Set(row.visibility.clone()),
            Group::Transparency => self.transparency = Change::Set(row.transparency.clone()),
            Group::Color => self.color = text(&row.color),
            Group::Attendees => {
                let guests = Some(row.attendees.canonical());
                self.attendees = Change::to(guests.filter(|guests| !guests.is_empty()));
            }
            Group::Reminders => self.reminders = Change::Set(row.reminders.clone()),
            Group::Conference => {
                self.conference = match &row.conference {
                    None => Change::Clear,
                    Some(request) if is_conference_request(request) => Change::Set(request.clone()),
                    Some(_) => Change::Keep,
                }
            }
            Group::References => {
                self.contact_id = text(&row.references.contact_id);
                self.company_id = text(&row.references.company_id);
                self.deal_id = text(&row.references.deal_id);
            }
            Group::Organizer | Group::Attachments => {}
        }
    }
}
