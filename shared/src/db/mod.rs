//! The database over HTTP: every call is one SQL function `public.tandem_*(p jsonb) returns jsonb`,
//! through PostgREST or through Neon's `/sql`. One file per call: what goes in, what comes out.

pub mod channel;
pub mod connect;
pub mod due;
#[cfg(feature = "console")]
pub mod events;
pub mod jwks;
pub mod manage;
pub mod pull;
pub mod push_claim;
pub mod push_record;
pub mod status;

mod driver;
mod error;

pub use driver::Database;
pub use error::DbError;

use crate::jwt::Login;
use http_client::HttpClient;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

/// Calls a function of the database.
///
/// # Errors
/// [`DbError`].
pub async fn call<A: DeserializeOwned>(
    door: &impl HttpClient,
    database: &Database,
    function: &'static str,
    parameters: &impl Serialize,
) -> Result<A, DbError> {
    let request = database.request(function, parameters)?;
    database.answer(function, door.send(request).await)
}

/// Calls a function of the database as a user of the CRM.
///
/// # Errors
/// [`DbError`].
pub async fn call_as<A: DeserializeOwned>(
    door: &impl HttpClient,
    database: &Database,
    login: &Login,
    function: &'static str,
    parameters: &impl Serialize,
) -> Result<A, DbError> {
    let request = database.request_as(login, function, parameters)?;
    database.answer_as(function, door.send(request).await)
}

/// What a claim came to: of an event's open work, or of a calendar to list.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value", bound(deserialize = "C: DeserializeOwned"))]
pub enum Claim<C> {
    /// The caller holds it until the lease ends.
    Claimed(Box<C>),
    /// There is no work.
    Nothing {
        /// Why.
        reason: String,
    },
    /// The account cannot work now; this is no attempt.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Somebody else works on it, and will see what is new.
    Busy {
        /// Why.
        reason: String,
    },
}

impl<C: DeserializeOwned> TryFrom<Value> for Claim<C> {
    type Error = Error;

    fn try_from(answer: Value) -> Result<Self, Self::Error> {
        match outcome(&answer) {
            "claimed" => serde_json::from_value(answer).map(Self::Claimed),
            "nothing" => Ok(Self::Nothing {
                reason: reason(&answer),
            }),
            "waiting" => Ok(Self::Waiting {
                reason: reason(&answer),
            }),
            "busy" => Ok(Self::Busy {
                reason: reason(&answer),
            }),
            _ => Err(unknown(&answer)),
        }
    }
}

/// The field `outcome`, which says what the rest of an answer is. serde's own tagged enums would do
/// this too, at a cost of some 80 kB for each component.
fn outcome(answer: &Value) -> &str {
    answer
        .get("outcome")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The field `reason`, for people.
fn reason(answer: &Value) -> String {
    let reason = answer.get("reason").and_then(Value::as_str);
    reason.unwrap_or_default().to_owned()
}

/// An outcome that this version of the components does not know.
fn unknown(answer: &Value) -> Error {
    Error::custom(format!(
        "unknown outcome {}; apply the migrations",
        outcome(answer)
    ))
}
