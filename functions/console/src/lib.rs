//! The web page and its JSON API.

use bytes::Bytes;
use http::{Request, StatusCode};
use shared::door::Door;
use shared::flow::Env;
use shared::handler::Reply;

/// Answers 501: there is no page yet.
pub async fn handle<D: Door>(_request: Request<Bytes>, _env: &Env<'_, D>) -> Reply {
    Reply::error(StatusCode::NOT_IMPLEMENTED, "there is no page yet")
}

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
