//! What a write changes, typed: the provider turns it into a body.

use crate::{EventFields, EventPatch, Group};

/// What a write does to one field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Leaves it.
    #[default]
    Keep,
    /// Gives it a value.
    Set(T),
    /// Takes its value away.
    Clear,
}

impl<T> Change<T> {
    /// Sets what there is, and clears what there is not.
    pub fn to(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// Whether the field is left as it is.
    pub fn is_keep(&self) -> bool {
        match self {
            Self::Keep => true,
            Self::Set(_) | Self::Clear => false,
        }
    }
}

impl EventPatch {
    /// Makes some groups what the row says. A conference of the row's that is not a request is its own
    /// and stays here.
    pub fn of(groups: &[Group], row: &EventFields) -> Self {
        let mut patch = Self::default();
        for group in groups {
            patch.change(*group, row);
        }
        patch
    }

    /// Makes everything what the row says.
    pub fn whole(row: &EventFields) -> Self {
        Self::of(&Group::ALL, row)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
