//! Groups of fields, and what the registry says of them.

use crate::Group;
use crate::registry::{FIELDS, GROUPS};

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
    /// Whether a guest may change it: it belongs to the guest's own copy, or answers the invitation.
    pub is_of_guests: bool,
    /// Where Google has it, for documentation.
    pub place: &'static str,
}

pub(crate) const fn authored(name: &'static str, group: Group, place: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        group,
        direction: Direction::Both,
        is_authored: true,
        is_of_guests: false,
        place,
    }
}

pub(crate) const fn other(
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
        is_of_guests: false,
        place,
    }
}

impl FieldSpec {
    /// A guest may change it, too.
    pub(crate) const fn of_guests(self) -> Self {
        Self {
            is_of_guests: true,
            ..self
        }
    }
}

impl Group {
    /// All groups.
    pub const ALL: [Self; GROUPS.len()] = {
        let mut all = [Self::Title; GROUPS.len()];
        let mut at = 0;
        while at < all.len() {
            all[at] = GROUPS[at].0;
            at += 1;
        }
        all
    };

    /// The key that bases and histories use.
    pub fn name(self) -> &'static str {
        let named = GROUPS.iter().find(|(group, _)| *group == self);
        named.map_or("", |(_, name)| name)
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
        self.fields()
            .next()
            .map_or(Direction::Both, |field| field.direction)
    }

    /// Whether somebody wrote it on purpose, see [`FieldSpec::is_authored`].
    pub fn is_authored(self) -> bool {
        self.fields().any(|field| field.is_authored)
    }

    /// Whether a guest may change it, see [`FieldSpec::is_of_guests`].
    pub fn is_of_guests(self) -> bool {
        self.fields().any(|field| field.is_of_guests)
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
                FieldSpec {
                    name: first.name,
                    place: first.place,
                    ..*field
                } == *first
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
