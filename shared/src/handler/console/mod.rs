//! `console`: the page, and the JSON API that it and a CRM's own pages use.
//!
//! Users show the CRM's login as `Authorization: Bearer`, and nothing else proves who they are, so that
//! pages of any origin may call.

mod answer;
mod body;
mod edit;
mod events;
mod logins;
mod manage;
mod page;
mod query;

#[cfg(test)]
mod tests;

pub use page::{Asset, Encoded};

use super::{Reply, login};
use crate::flow::Env;
use crate::jwt::{Login, UserId};
use answer::{Problem, json};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW,
};
use http::{HeaderValue, Method, Request, StatusCode};
use http_client::HttpClient;
use serde_json::Value;
use uuid::Uuid;

/// The API as people and programs read it.
const OPENAPI: &str = include_str!("../../../../functions/console/openapi.json");

const API: &str = "/functions/v1/console/api";

/// What a call is about.
struct Call<'a, D> {
    env: &'a Env<'a, D>,
    request: &'a Request<Bytes>,
    user: UserId,
    login: Login,
}

/// Answers the page below any path, and the API below its own.
pub async fn handle<D: HttpClient>(
    request: Request<Bytes>,
    env: &Env<'_, D>,
    assets: &[Asset],
) -> Reply {
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix(API) else {
        return page::serve(&request, assets);
    };
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let mut reply = match api(&request, env, &segments).await {
        Ok(reply) => reply,
        Err(problem) => problem.reply(),
    };
    let headers = reply.response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, if-none-match, apikey, x-client-info",
        ),
        (
            ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PATCH, DELETE, OPTIONS",
        ),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "etag"),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// What is answered below these segments.
fn methods(segments: &[&str]) -> &'static [Method] {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    const PATCH: &[Method] = &[Method::PATCH];
    match segments {
        ["config" | "openapi.json" | "status" | "calendars" | "connections" | "quarantine"]
        | ["history"]
        | ["events", "changes"]
        | ["events", _, "history"] => GET,
        ["confirm" | "retry" | "logins"] | ["logins", "token"] | ["connections", _, "resync"] => {
            POST
        }
        ["connections", _] => PATCH,
        ["events"] => &[Method::GET, Method::POST],
        ["events", _] => &[Method::GET, Method::PATCH, Method::DELETE],
        _ => &[],
    }
}

async fn api<D: HttpClient>(
    request: &Request<Bytes>,
    env: &Env<'_, D>,
    segments: &[&str],
) -> Result<Reply, Problem> {
    let (known, method) = (methods(segments), request.method());
    if known.is_empty() {
        return Err(Problem::not_found(
            "the API has no such path; openapi.json says what there is",
        ));
    }
    if method == Method::OPTIONS {
        return Ok(Reply::json(StatusCode::NO_CONTENT, &()).emptied());
    }
    if !known.contains(method) {
        let names: Vec<&str> = known.iter().map(Method::as_str).collect();
        let names = names.join(", ");
        let reason = format!("this path answers {names}");
        let mut reply = Problem::new(StatusCode::METHOD_NOT_ALLOWED, reason).reply();
        if let Ok(names) = HeaderValue::from_str(&names) {
            reply.response.headers_mut().insert(ALLOW, names);
        }
        return Ok(reply);
    }
    match segments {
        ["config"] => return Ok(json(&manage::config(env))),
        ["openapi.json"] => return Ok(json(&serde_json::from_str::<Value>(OPENAPI).ok())),
        ["logins", "token"] => return logins::token(request, env).await,
        _ => {}
    }
    let (user, login) = login::signed_in(env, request.headers())
        .await
        .map_err(|reply| Problem::from_login(*reply))?;
    let call = Call {
        env,
        request,
        user,
        login,
    };
    let reply = signed_in(&call, segments).await;
    let reply = reply.unwrap_or_else(Problem::reply);
    Ok(reply.about("user", &call.user))
}

async fn signed_in<D: HttpClient>(call: &Call<'_, D>, segments: &[&str]) -> Result<Reply, Problem> {
    let method = call.request.method();
    let get = method == Method::GET;
    match segments {
        ["status"] => manage::status(call).await,
        ["calendars"] => manage::calendars(call).await,
        ["connections"] => manage::connections(call).await,
        ["connections", id] => manage::change(call, uuid(id)?).await,
        ["connections", id, _] => manage::resync(call, uuid(id)?).await,
        ["logins"] => logins::create(call).await,
        ["confirm"] => manage::confirm(call).await,
        ["retry"] => manage::retry(call).await,
        ["quarantine"] => manage::quarantine(call).await,
        ["history"] => manage::history(call).await,
        ["events"] if get => events::list(call).await,
        ["events"] => edit::create(call).await,
        ["events", "changes"] => events::changes(call).await,
        ["events", id] if get => events::one(call, uuid(id)?).await,
        ["events", id] if method == Method::PATCH => edit::change(call, uuid(id)?).await,
        ["events", id] => edit::remove(call, uuid(id)?).await,
        ["events", id, _] => manage::event_history(call, uuid(id)?).await,
        _ => Err(Problem::not_found("the API has no such path")),
    }
}

/// An id in the path; what is none is nobody's.
fn uuid(text: &str) -> Result<Uuid, Problem> {
    let plain = text.len() == 36;
    let id = text.parse().ok().filter(|_| plain);
    id.ok_or_else(|| Problem::not_found("the id in the path is no UUID"))
}
