//! What the provider shows of an event, by group.

use crate::{Attendees, EventTime, Group, GroupValue, OriginalStart, Person, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the provider shows. A group that is absent is unknown: it was never seen in full. In JSON an
/// object by group name; what cannot be read there is unknown too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct RemoteFields(Vec<GroupValue>);

impl RemoteFields {
    /// One group; none where it is unknown.
    pub fn get(&self, group: Group) -> Option<&GroupValue> {
        let at = self.place(group).ok()?;
        self.0.get(at)
    }

    /// Makes a group known, or replaces it.
    pub fn insert(&mut self, value: GroupValue) {
        match self.place(value.group()) {
            Ok(at) => self.0[at] = value,
            Err(at) => self.0.insert(at, value),
        }
    }

    /// Makes a group unknown.
    pub fn forget(&mut self, group: Group) {
        self.0.retain(|value| value.group() != group);
    }

    /// What is known, in the order of groups.
    pub fn iter(&self) -> impl Iterator<Item = &GroupValue> {
        self.0.iter()
    }

    /// Whether anything is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a group is, or would be.
    fn place(&self, group: Group) -> Result<usize, usize> {
        self.0.binary_search_by_key(&group, GroupValue::group)
    }

    /// When it takes place.
    pub fn time(&self) -> Option<&EventTime> {
        match self.get(Group::Time) {
            Some(GroupValue::Time(time)) => Some(time),
            _ => None,
        }
    }

    /// Whether it takes place.
    pub fn status(&self) -> Option<&Status> {
        match self.get(Group::Status) {
            Some(GroupValue::Status(status)) => Some(status),
            _ => None,
        }
    }

    /// The lines of a series; none of a single event.
    pub fn recurrence(&self) -> Option<&[String]> {
        match self.get(Group::Recurrence) {
            Some(GroupValue::Recurrence(lines)) => Some(lines),
            _ => None,
        }
    }

    /// The guests.
    pub fn attendees(&self) -> Option<&Attendees> {
        match self.get(Group::Attendees) {
            Some(GroupValue::Attendees(guests)) => Some(guests),
            _ => None,
        }
    }

    /// Whose calendar has the event; none where only its time is shown.
    pub fn organizer(&self) -> Option<&Person> {
        match self.get(Group::Organizer) {
            Some(GroupValue::Organizer { organizer, .. }) => organizer.as_ref(),
            _ => None,
        }
    }

    /// Whoever made it, whom the provider names and nobody chooses.
    pub fn creator(&self) -> Option<&Person> {
        match self.get(Group::Organizer) {
            Some(GroupValue::Organizer { creator, .. }) => creator.as_ref(),
            _ => None,
        }
    }

    /// Whether it is known to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.status() == Some(&Status::Cancelled)
    }

    /// Whether it is known as a whole: of a tombstone only the status is, of a busy time only when it is.
    pub fn is_whole(&self) -> bool {
        self.get(Group::Title).is_some()
    }

    /// What is shown of a series' plain occurrence, one that no side has changed.
    #[must_use]
    pub fn occurrence(&self, original: OriginalStart) -> Self {
        let mut plain = self.clone();
        if let Some(time) = self.time() {
            plain.insert(GroupValue::Time(time.occurrence(original)));
        }
        plain.insert(GroupValue::Recurrence(Vec::new()));
        plain
    }
}

impl FromIterator<GroupValue> for RemoteFields {
    fn from_iter<I: IntoIterator<Item = GroupValue>>(values: I) -> Self {
        let mut fields = Self::default();
        values.into_iter().for_each(|value| fields.insert(value));
        fields
    }
}

impl From<Map<String, Value>> for RemoteFields {
    fn from(object: Map<String, Value>) -> Self {
        let values = object
            .iter()
            .filter_map(|(name, json)| GroupValue::from_json(Group::named(name)?, json));
        values.collect()
    }
}

impl From<RemoteFields> for Map<String, Value> {
    fn from(fields: RemoteFields) -> Self {
        let values = fields.iter();
        let mut object = Map::new();
        object.extend(values.map(|value| (value.group().name().to_owned(), value.to_json())));
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_absent_or_unreadable_is_unknown() {
        let json = json!({"title": null, "status": "tentative", "time": "soon", "mood": 1});
        let fields: RemoteFields = serde_json::from_value(json).unwrap();
        assert_eq!(fields.get(Group::Title), Some(&GroupValue::Title(None)));
        assert_eq!(fields.status(), Some(&Status::Tentative));
        assert_eq!(fields.time(), None);
        assert_eq!(json!(fields), json!({"title": null, "status": "tentative"}));
    }
}
