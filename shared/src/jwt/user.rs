//! Who a user is to the CRM.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The longest id, in characters.
const MAX: usize = 255;

/// A user of the CRM, by the claim `sub`: a UUID, or whatever its sign-in calls people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

/// Not the id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user's id has 1 to {MAX} characters, none of them a control character")]
pub struct NoUserId;

impl UserId {
    /// As the CRM writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserId {
    type Error = NoUserId;

    fn try_from(id: String) -> Result<Self, NoUserId> {
        let good = (1..=MAX).contains(&id.chars().count()) && !id.chars().any(char::is_control);
        good.then_some(Self(id)).ok_or(NoUserId)
    }
}

impl FromStr for UserId {
    type Err = NoUserId;

    fn from_str(id: &str) -> Result<Self, NoUserId> {
        id.to_owned().try_into()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_of_a_sensible_length_is_an_id() {
        let longest = "ä".repeat(MAX);
        for id in [
            "0123e567-e89b-12d3-a456-426614174000",
            "auth0|a.b",
            "42",
            "Ann Ä",
            &longest,
        ] {
            let user: UserId = id.parse().unwrap();
            assert_eq!(user.as_str(), id);
            assert_eq!(serde_json::to_value(&user).unwrap(), id);
        }
        let longer = format!("{longest}a");
        for id in ["", "a\0b", "a\nb", "\u{7f}", "\u{85}", &longer] {
            assert_eq!(id.parse::<UserId>(), Err(NoUserId), "{id:?}");
        }
    }
}
