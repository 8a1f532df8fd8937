//! The web page and its JSON API.

use bytes::Bytes;
use http::Request;
use http_client::HttpClient;
use shared::flow::Env;
use shared::handler::Reply;
use shared::handler::console::{self, Asset};

/// The page, as it was built; nothing where it was not.
const PAGE: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Answers the page and its API.
pub async fn handle<D: HttpClient>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    console::handle(request, env, PAGE).await
}

#[cfg(target_family = "wasm")]
shared::component!(async |request| shared::spin::function(request, handle).await);
