//! One group's value, in the form that is compared.

use crate::{
    Attendees, EventTime, Group, Person, References, Reminders, Status, Transparency, Visibility,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The value of one group.
#[derive(Debug, Clone, PartialEq)]
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
        organizer: Option<Person>,
        creator: Option<Person>,
    },
    Attachments(Vec<Value>),
    References(References),
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

    /// As bases and histories keep it.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Title(text)
            | Self::Description(text)
            | Self::Location(text)
            | Self::Color(text) => json!(text),
            Self::Time(time) => json!(time),
            Self::Recurrence(lines) => json!(lines),
            Self::Status(word) => json!(word),
            Self::Visibility(word) => json!(word),
            Self::Transparency(word) => json!(word),
            Self::Attendees(guests) => json!(guests),
            Self::Reminders(reminders) => json!(reminders),
            Self::Conference(conference) => json!(conference),
            Self::Organizer { organizer, creator } => {
                json!({"organizer": organizer, "creator": creator})
            }
            Self::Attachments(files) => json!(files),
            Self::References(references) => json!(references),
        }
    }

    /// The reverse; none where it is of another form, which makes it unknown.
    pub fn from_json(group: Group, json: &Value) -> Option<Self> {
        Some(match group {
            Group::Title => Self::Title(read(json)?),
            Group::Description => Self::Description(read(json)?),
            Group::Location => Self::Location(read(json)?),
            Group::Time => Self::Time(read(json)?),
            Group::Recurrence => Self::Recurrence(read(json)?),
            Group::Status => Self::Status(read(json)?),
            Group::Visibility => Self::Visibility(read(json)?),
            Group::Transparency => Self::Transparency(read(json)?),
            Group::Color => Self::Color(read(json)?),
            Group::Attendees => Self::Attendees(read(json)?),
            Group::Reminders => Self::Reminders(read(json)?),
            Group::Conference => Self::Conference(read(json)?),
            Group::Organizer => Self::Organizer {
                organizer: read(json.get("organizer")?)?,
                creator: read(json.get("creator")?)?,
            },
            Group::Attachments => Self::Attachments(read(json)?),
            Group::References => Self::References(read(json)?),
        })
    }
}

fn read<T: DeserializeOwned>(json: &Value) -> Option<T> {
    serde_json::from_value(json.clone()).ok()
}
