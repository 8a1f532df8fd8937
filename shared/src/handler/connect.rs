//! `google-connect`: a user connects Google Calendar.

use super::{Reply, bearer};
use crate::door::Door;
use crate::flow::Env;
use crate::flow::connect::{self, ConnectError, Returned};
use crate::jwt;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::json;
use url::Url;
use url::form_urlencoded::parse as parse_query;

/// Answers `GET …/google-connect/start` and `…/callback`. A browser is redirected; whoever accepts
/// JSON only is told where to go.
pub async fn handle<D: Door>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    if request.method() != Method::GET {
        return Reply::error(StatusCode::METHOD_NOT_ALLOWED, "GET start or callback");
    }
    let path = request.uri().path().trim_end_matches('/');
    if path.ends_with("/google-connect/start") {
        start(request.headers(), env)
    } else if path.ends_with("/google-connect/callback") {
        callback(&request, env).await
    } else {
        Reply::error(
            StatusCode::NOT_FOUND,
            "google-connect answers start and callback",
        )
    }
}

fn start<D: Door>(headers: &HeaderMap, env: &Env<'_, D>) -> Reply {
    let config = env.config;
    let (Some(secret), Some(signer)) = (&config.jwt_secret, &config.signer) else {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot connect calendars yet",
        );
        return reply.logged(
            "refused: the variables jwt_secret and signing_key must be set to connect calendars",
        );
    };
    if config.client_id.is_empty() {
        let reply = Reply::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "this deployment has no Google OAuth client yet",
        );
        return reply.logged("refused: the variable google_client_id is not set");
    }
    let user = match jwt::user(bearer(headers).unwrap_or_default(), secret, (env.clock)()) {
        Ok(user) => user,
        Err(error) => return Reply::error(StatusCode::UNAUTHORIZED, &error.to_string()),
    };
    let url = connect::start(env, signer, user);
    if wants_html(headers) {
        Reply::redirect(&url)
    } else {
        Reply::json(StatusCode::OK, &json!({"url": url}))
    }
}

async fn callback<D: Door>(request: &Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let Some(signer) = &env.config.signer else {
        let reply = Reply::error(
            StatusCode::UNAUTHORIZED,
            "this deployment cannot connect calendars yet",
        );
        return reply.logged("refused: the variable signing_key is not set");
    };
    let mut returned = Returned::default();
    for (name, value) in parse_query(request.uri().query().unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "code" => returned.code = Some(value.into_owned()),
            "state" => returned.state = Some(value.into_owned()),
            "error" => returned.error = Some(value.into_owned()),
            _ => {}
        }
    }
    let result = connect::finish(env, signer, &returned).await;
    let log = match &result {
        Err(ConnectError::Database(error)) => Some(error.to_string()),
        Err(error @ ConnectError::Keys(_)) => Some(error.to_string()),
        Err(_) | Ok(_) => None,
    };
    let reason = result.as_ref().err().map(ToString::to_string);
    let mut reply = if wants_html(request.headers()) {
        Reply::redirect(result_url(&env.config.app_url, reason.as_deref()).as_str())
    } else if let Some(reason) = reason {
        Reply::error(status(&result), &reason)
    } else {
        Reply::json(StatusCode::OK, &json!({"connected": result.ok()}))
    };
    reply.log.extend(log);
    reply
}

/// The page shows what came of it.
fn result_url(app_url: &Url, reason: Option<&str>) -> Url {
    let mut url = app_url.clone();
    match reason {
        None => url.query_pairs_mut().append_pair("google", "connected"),
        Some(reason) => url
            .query_pairs_mut()
            .append_pair("google", "failed")
            .append_pair("reason", reason),
    };
    url
}

fn status(result: &Result<String, ConnectError>) -> StatusCode {
    match result {
        Ok(_) => StatusCode::OK,
        Err(ConnectError::Database(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Err(ConnectError::Keys(_)) => StatusCode::INTERNAL_SERVER_ERROR,
        Err(ConnectError::Exchange(_) | ConnectError::Google(_)) => StatusCode::BAD_GATEWAY,
        Err(
            ConnectError::State
            | ConnectError::Replayed
            | ConnectError::Denied
            | ConnectError::Reported(_)
            | ConnectError::Scopes(_)
            | ConnectError::Identity
            | ConnectError::NoCalendar,
        ) => StatusCode::BAD_REQUEST,
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}
