//! The revocation endpoint (Google identity guide, revoking a token).

use bytes::Bytes;
use http::Response;

use super::{answer_json, refuse};
use crate::http_api::Call;
use crate::world::World;

/// A token of either kind ends the person's whole grant to the project.
pub(super) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    let form = call.form();
    let Some(token) = form.filled("token").or_else(|| call.query.filled("token")) else {
        return refuse(400, "invalid_request", "Missing required parameter: token");
    };
    match world.grants.owner(token, world.time.now()) {
        Some((email, project)) => {
            world.grants.revoke(&email, &project);
            answer_json(200, &serde_json::json!({}))
        }
        None => refuse(400, "invalid_token", "Token expired or revoked"),
    }
}
