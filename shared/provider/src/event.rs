use chrono::{DateTime, Utc};
use event::{Access, RemoteFields};
use uuid::Uuid;

/// An event as the provider shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteEvent {
    /// Its id in its calendar.
    pub id: String,
    /// The version.
    pub etag: Option<String>,
    /// It was deleted; of an occurrence: it does not take place.
    pub is_cancelled: bool,
    /// When this version was made.
    pub updated: Option<DateTime<Utc>>,
    /// Identity of the meeting across calendars. Anybody can forge it.
    pub ical_uid: Option<String>,
    /// The calendar is its organizer's.
    pub is_organizer: bool,
    /// The organizer's calendar, where the event names one.
    pub organizer: Option<String>,
    /// The address of whoever made it, in lower case; the one thing of it that nobody can choose.
    pub creator: Option<String>,
    /// The series of an exception.
    pub series: Option<String>,
    /// The series is read off the id, and may be another one.
    pub is_series_guessed: bool,
    /// Which occurrence, canonical.
    pub original_start: Option<String>,
    /// What it is for.
    pub kind: Kind,
    /// What of it the account may change.
    pub access: Access,
    /// What it shows. Of a tombstone next to nothing.
    pub fields: RemoteFields,
    /// The row that it links to. A hint: anybody can forge it.
    pub link_back: LinkBack,
    /// Which write of ours it shows. A hint likewise.
    pub stamp: Option<Stamp>,
    /// When it, or its last occurrence, is over at the latest; none where nobody knows.
    pub ends: Option<DateTime<Utc>>,
    /// The provider is still making a part of it.
    pub is_unfinished: bool,
}

/// What an event is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Something that takes place.
    #[default]
    Default,
    /// Where somebody works that day.
    WorkingLocation,
    /// What the provider makes by itself, or only its own pages can change: a birthday, focus time, an absence.
    Special,
}

impl RemoteEvent {
    /// An event that was asked for by its id and that its calendar does not know.
    pub fn absent(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            etag: None,
            is_cancelled: true,
            updated: None,
            ical_uid: None,
            is_organizer: true,
            organizer: None,
            creator: None,
            series: None,
            is_series_guessed: false,
            original_start: None,
            kind: Kind::Default,
            access: Access::Full,
            fields: RemoteFields::default(),
            link_back: LinkBack::None,
            stamp: None,
            ends: None,
            is_unfinished: false,
        }
    }
}

/// What an event links back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LinkBack {
    /// Nothing.
    #[default]
    None,
    /// A row's id.
    Row(Uuid),
    /// Something else.
    Foreign(String),
}

/// Names a write: which rev of which row of which installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The rev.
    pub rev: i64,
    /// The installation.
    pub instance: String,
    /// The row.
    pub event: Uuid,
}

impl Stamp {
    /// The rev, if it is of this row of this installation.
    pub fn rev_of(&self, instance: &str, event: Uuid) -> Option<i64> {
        (self.instance == instance && self.event == event).then_some(self.rev)
    }
}
