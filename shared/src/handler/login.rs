//! Who a user of the CRM is, by the login that the CRM gave them.

use super::{Reply, bearer};
use crate::door::Door;
use crate::flow::Env;
use crate::jwt;
use http::{HeaderMap, StatusCode};
use uuid::Uuid;

/// The user whose login the request shows as `Authorization: Bearer`.
///
/// # Errors
/// The refusal.
pub async fn user<D: Door>(env: &Env<'_, D>, headers: &HeaderMap) -> Result<Uuid, Box<Reply>> {
    let Some(secret) = &env.config.jwt_secret else {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot tell its users apart yet",
        );
        let line = "refused: the variable jwt_secret must be set to let users of the CRM in";
        return Err(Box::new(reply.logged(line)));
    };
    jwt::user(bearer(headers).unwrap_or_default(), secret, (env.clock)())
        .map_err(|error| Box::new(Reply::error(StatusCode::UNAUTHORIZED, &error.to_string())))
}
