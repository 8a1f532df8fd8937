//! The registry of fields, and the groups in which they change.

use serde::{Deserialize, Serialize};

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

/// Which way changes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Each side may change it.
    Both,
    /// The provider makes it; the row only shows it.
    FromRemote,
    /// The CRM's own; the provider only carries it.
    ToRemote,
}

/// One field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Its key in the row's JSON.
    pub name: &'static str,
    /// What it changes with.
    pub group: Group,
    /// Which way its changes go.
    pub direction: Direction,
    /// Whether somebody wrote it on purpose: such a change outlives a deletion. A guest's answer, a
    /// reminder or a link made by the server does not.
    pub is_authored: bool,
    /// Where Google has it, for documentation.
    pub place: &'static str,
}

use Direction::{Both, FromRemote, ToRemote};

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
    authored("visibility", Group::Visibility, "visibility"),
    authored("transparency", Group::Transparency, "transparency"),
    authored("color", Group::Color, "colorId"),
    other("attendees", Group::Attendees, Both, "attendees"),
    other("reminders", Group::Reminders, Both, "reminders"),
    other("conference", Group::Conference, Both, "conferenceData"),
    other("organizer", Group::Organizer, FromRemote, "organizer"),
    other("creator", Group::Organizer, FromRemote, "creator"),
    other("attachments", Group::Attachments, FromRemote, "attachments"),
    other(
        "contact_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowContactId",
    ),
    other(
        "company_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowCompanyId",
    ),
    other(
        "deal_id",
        Group::References,
        ToRemote,
        "extendedProperties.private.crmflowDealId",
    ),
];

const fn authored(name: &'static str, group: Group, place: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        group,
        direction: Both,
        is_authored: true,
        place,
    }
}

const fn other(
    name: &'static str,
    group: Group,
    direction: Direction,
    place: &'static str,
) -> FieldSpec {
    FieldSpec {
        name,
        group,
        direction,
        is_authored: false,
        place,
    }
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 15] = [
        Self::Title,
        Self::Description,
        Self::Location,
        Self::Time,
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
        Self::References,
    ];

    /// The key that bases and histories use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Location => "location",
            Self::Time => "time",
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
            Self::References => "references",
        }
    }

    /// The reverse of [`Self::name`].
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// The row's fields that it consists of.
    pub fn fields(self) -> impl Iterator<Item = &'static FieldSpec> {
        FIELDS.iter().filter(move |field| field.group == self)
    }

    /// Which way its changes go.
    pub fn direction(self) -> Direction {
        self.fields().next().map_or(Both, |field| field.direction)
    }

    /// Whether somebody wrote it on purpose, see [`FieldSpec::is_authored`].
    pub fn is_authored(self) -> bool {
        self.fields().any(|field| field.is_authored)
    }
}

/// A set of fields of [`FIELDS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    /// Those whose name `holds`.
    pub fn of(holds: impl Fn(&str) -> bool) -> Self {
        let bits = (0..).zip(&FIELDS).filter(|(_, field)| holds(field.name));
        Self(bits.fold(0, |set, (bit, _)| set | 1 << bit))
    }

    /// Whether a field is in it.
    pub fn contains(self, name: &str) -> bool {
        let bit = (0..).zip(&FIELDS).find(|(_, field)| field.name == name);
        bit.is_some_and(|(bit, _)| self.0 & (1 << bit) != 0)
    }

    /// Whether all fields of a group are in it.
    pub fn contains_group(self, group: Group) -> bool {
        group.fields().all(|field| self.contains(field.name))
    }

    /// Without the fields of a group.
    #[must_use]
    pub fn without(self, group: Group) -> Self {
        Self::of(|name| self.contains(name) && group.fields().all(|field| field.name != name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_groups_fields_agree_about_their_way() {
        for group in Group::ALL {
            let mut fields = group.fields();
            let first = fields.next().unwrap();
            let same = |field: &FieldSpec| {
                (field.direction, field.is_authored) == (first.direction, first.is_authored)
            };
            assert!(fields.all(same), "{group:?}");
            assert_eq!(Group::named(group.name()), Some(group));
            let json = serde_json::to_value(group).unwrap();
            assert_eq!(json, group.name());
        }
    }

    #[test]
    fn names_are_unique_and_fit_a_set() {
        let mut names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FIELDS.len());
        let set = FieldSet::of(|name| name == "starts_at");
        assert!(set.contains("starts_at") && !set.contains("ends_at"));
        assert!(!set.contains_group(Group::Time));
        assert_eq!(set.without(Group::Time), FieldSet::default());
    }
}
