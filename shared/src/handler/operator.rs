//! What an operator has done about one user of the CRM, who has left or asks for it: disconnect, export, erase.

use super::caller::require_operator_secret;
use super::{Reply, database_error};
use crate::db::DbError;
use crate::db::operator::{self, Erasure, OfExport, OfUser};
use crate::flow::Env;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Request, StatusCode};
use http_client::HttpClient;
use serde::de::DeserializeOwned;
use serde_json::json;

/// How long an erasure goes on before its caller is to ask again.
const BUDGET: TimeDelta = TimeDelta::seconds(20);

/// Answers `POST …/scheduler/disconnect`, `erase` and `export`, each with `{user_id}`. They need the operator's
/// secret: a clock's opens no user's data.
pub async fn handle<D: HttpClient>(
    action: &str,
    request: &Request<Bytes>,
    env: &Env<'_, D>,
) -> Reply {
    if let Some(reply) = require_operator_secret(env.config, request) {
        return reply;
    }
    match action {
        "export" => match read::<OfExport>(request) {
            Ok(part) => export(env, &part).await,
            Err(reply) => *reply,
        },
        _ => match read::<OfUser>(request) {
            Ok(wish) if action == "erase" => erase(env, &wish).await,
            Ok(wish) if action == "disconnect" => disconnect(env, &wish).await,
            Ok(_) => Reply::error(StatusCode::NOT_FOUND, "there is no such action"),
            Err(reply) => *reply,
        },
    }
}

async fn disconnect<D: HttpClient>(env: &Env<'_, D>, wish: &OfUser) -> Reply {
    let config = env.config;
    let begun = operator::disconnect(env.client, &config.database, config.instance(), wish);
    match begun.await {
        Ok(0) => done(StatusCode::OK, "disconnected"),
        Ok(_) => done(StatusCode::ACCEPTED, "waiting"),
        Err(error) => refused(&error),
    }
    .about("user", &wish.user_id)
}

async fn erase<D: HttpClient>(env: &Env<'_, D>, wish: &OfUser) -> Reply {
    let config = env.config;
    let end = (env.clock)() + BUDGET;
    let reply = loop {
        let erased = operator::erase(env.client, &config.database, config.instance(), wish).await;
        match erased {
            Ok(Erasure::Erased) => break done(StatusCode::OK, "erased"),
            Ok(Erasure::Waiting) => break done(StatusCode::ACCEPTED, "waiting"),
            Ok(Erasure::Again) if (env.clock)() >= end => {
                break done(StatusCode::ACCEPTED, "again");
            }
            Ok(Erasure::Again) => {}
            Err(error) => break refused(&error),
        }
    };
    reply.about("user", &wish.user_id)
}

async fn export<D: HttpClient>(env: &Env<'_, D>, part: &OfExport) -> Reply {
    let config = env.config;
    match operator::export(env.client, &config.database, config.instance(), part).await {
        Ok(answer) => {
            let told = answer["part"].clone();
            Reply::json(StatusCode::OK, &answer)
                .about("outcome", "exported")
                .about("part", told)
        }
        Err(error) => refused(&error),
    }
    .about("user", &part.user_id)
}

fn done(status: StatusCode, outcome: &str) -> Reply {
    Reply::json(status, &json!({"outcome": outcome})).about("outcome", outcome)
}

fn refused(error: &DbError) -> Reply {
    match error.refusal("PT400") {
        Some(reason) => Reply::error(StatusCode::BAD_REQUEST, &reason),
        None => database_error(error),
    }
    .about("outcome", "failed")
}

/// Who is meant must be said: a body without a user is nobody's.
fn read<B: DeserializeOwned>(request: &Request<Bytes>) -> Result<B, Box<Reply>> {
    serde_json::from_slice(request.body()).map_err(|error| {
        let reason = format!("the body is to name a user, as {{\"user_id\": …}}: {error}");
        Box::new(Reply::error(StatusCode::BAD_REQUEST, &reason))
    })
}
