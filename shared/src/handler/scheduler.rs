//! `scheduler`: a clock says that time has passed.

use super::{Reply, database_error, refuse_stranger};
use crate::door::Door;
use crate::flow::Env;
use crate::flow::tick::tick;
use bytes::Bytes;
use http::{Method, Request, StatusCode};

/// Answers `POST …/scheduler/tick` with what was done.
pub async fn handle<D: Door>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let path = request.uri().path().trim_end_matches('/');
    if !path.ends_with("/scheduler/tick") {
        return Reply::error(
            StatusCode::NOT_FOUND,
            "the scheduler answers POST /functions/v1/scheduler/tick",
        );
    }
    if request.method() != Method::POST {
        return Reply::error(StatusCode::METHOD_NOT_ALLOWED, "POST to tick");
    }
    if let Some(reply) = refuse_stranger(env.config, request.headers()) {
        return reply;
    }
    match tick(env).await {
        Ok(ticked) => {
            let mut reply = Reply::json(StatusCode::OK, &ticked);
            reply.log.extend(ticked.problems);
            reply
        }
        Err(error) => database_error(&error),
    }
}
