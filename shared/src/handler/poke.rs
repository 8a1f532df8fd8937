//! `event-create`, `event-update`, `event-delete`: the database says that an event changed.

use super::caller::require_signature;
use super::{Reply, database_error};
use crate::crm::poke::{self, Malformed};
use crate::flow::Env;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_client::HttpClient;

/// Answers a poke: 200 with what was done, whatever it was; 401, 400 or 413 for one that is none; 503
/// when the database is out of reach.
pub async fn handle<D: HttpClient>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    if request.method() != Method::POST {
        return Reply::error(StatusCode::METHOD_NOT_ALLOWED, "POST a database webhook");
    }
    if let Some(reply) = require_signature(env.config, &request, (env.clock)()) {
        return reply;
    }
    let id = match poke::parse(request.body()) {
        Ok(id) => id,
        Err(error @ Malformed::TooLarge) => {
            return Reply::error(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string());
        }
        Err(error) => return Reply::error(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let events = [store::EventId(id.0)];
    match env
        .sync(async |engine| engine::push(engine, &events).await)
        .await
    {
        Ok(pushed) => Reply::json(StatusCode::OK, &pushed).about("did", &pushed),
        Err(error) => database_error(&error.into()),
    }
    .about("event", id)
}
