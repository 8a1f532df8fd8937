//! What a user chose for a connection.

use event::merge::Policy;
use provider::Mail;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a user chose for a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "snake_case")]
pub struct Choices {
    /// Which side is written to.
    pub direction: Direction,
    /// Who wins where both sides changed one group of fields.
    pub policy: Policy,
    /// What becomes of an event that opts out.
    pub opt_out: OptOut,
    /// Who gets mail.
    pub send_updates: SendUpdates,
}

/// Which side is written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// Only the CRM.
    In,
    /// Only the provider.
    Out,
}

/// What becomes of an event that opts out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptOut {
    /// It is deleted.
    #[default]
    Remove,
    /// It stays as it is.
    Keep,
}

/// Who gets mail, in Google's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum SendUpdates {
    /// Nobody.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Guests who do not use the provider.
    #[serde(rename = "externalOnly")]
    ExternalOnly,
    /// All guests.
    #[serde(rename = "all")]
    All,
}

impl Choices {
    /// Reads what the store keeps; an unknown word takes the default.
    pub fn of(choices: &Map<String, Value>) -> Self {
        let read: Self = serde_json::from_value(Value::Object(choices.clone())).unwrap_or_default();
        // Where only one side is written to, the other one wins.
        let policy = match read.direction {
            Direction::Both => read.policy,
            Direction::In => Policy::Google,
            Direction::Out => Policy::Crm,
        };
        Self { policy, ..read }
    }
}

impl From<SendUpdates> for Mail {
    fn from(wanted: SendUpdates) -> Self {
        match wanted {
            SendUpdates::None => Self::None,
            SendUpdates::ExternalOnly => Self::External,
            SendUpdates::All => Self::All,
        }
    }
}
