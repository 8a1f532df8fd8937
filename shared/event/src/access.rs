//! What of an event its calendar's user may change.

use crate::Group;
use serde::{Deserialize, Serialize};

/// What can be changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Nothing: an event that the provider makes by itself, or one of a kind with rules of its own.
    Read,
    /// What belongs to a guest's own copy, and the answer to the invitation.
    Guest,
    /// Everything.
    #[default]
    Full,
}

impl Access {
    /// The name that rows and bases use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Guest => "guest",
            Self::Read => "read",
        }
    }

    /// Whether a change of a group can be written.
    pub fn allows(self, group: Group) -> bool {
        match self {
            Self::Full => true,
            Self::Read => false,
            Self::Guest => group.is_of_guests(),
        }
    }
}
