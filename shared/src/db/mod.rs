//! The database over HTTP: every call is one SQL function `public.tandem_*(p jsonb) returns jsonb`,
//! through PostgREST or through Neon's `/sql`. One file per call: what goes in, what comes out.

pub mod connect;
pub mod due;
pub mod pull;
pub mod push_claim;
pub mod push_record;

mod driver;

pub use driver::{Database, DbError};

use crate::door::Door;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Calls a function of the database.
///
/// # Errors
/// [`DbError`].
pub async fn call<A: DeserializeOwned>(
    door: &impl Door,
    database: &Database,
    function: &'static str,
    parameters: &impl Serialize,
) -> Result<A, DbError> {
    let request = database.request(function, parameters)?;
    database.answer(function, door.send(request).await)
}
