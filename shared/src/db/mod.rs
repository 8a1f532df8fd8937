//! The database over HTTP: every call is one SQL function `public.tandem_*(p jsonb) returns jsonb`,
//! through PostgREST or through Neon's `/sql`. One file per call: what goes in, what comes out.

pub mod channel;
pub mod chores;
pub mod connect;
#[cfg(feature = "console")]
pub mod events;
pub mod jwks;
pub mod manage;
pub mod operator;
pub mod status;
pub mod store;
pub mod ticket;
pub mod token;

mod driver;
mod error;

pub use driver::Database;
pub use error::DbError;

use crate::jwt::Login;
use http_client::HttpClient;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Error, Value};

/// Calls a function of the database.
///
/// # Errors
/// [`DbError`].
pub async fn call<A: DeserializeOwned>(
    client: &impl HttpClient,
    database: &Database,
    function: &'static str,
    parameters: &impl Serialize,
) -> Result<A, DbError> {
    let request = database.request(function, parameters)?;
    database.answer(function, client.send(request).await)
}

/// Calls a function of the database as a user of the CRM.
///
/// # Errors
/// [`DbError`].
pub async fn call_as<A: DeserializeOwned>(
    client: &impl HttpClient,
    database: &Database,
    login: &Login,
    function: &'static str,
    parameters: &impl Serialize,
) -> Result<A, DbError> {
    let request = database.request_as(login, function, parameters)?;
    database.answer_as(function, client.send(request).await)
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
