//! `google-connect`: a user connects Google Calendar, chooses calendars, disconnects.
//!
//! Users show the CRM's login as `Authorization: Bearer`; cookies prove nothing but that the browser
//! that comes back is the one that left, so that pages of any origin may call. They may not with
//! cookies: no other origin sets or shows one. A page of another origin sends a browser here with a
//! form, whose origin is checked.

mod browser;
mod cookie;
mod manage;
mod question;

use super::Reply;
use crate::flow::Env;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
};
use http::{HeaderValue, Method, Request, StatusCode};
use http_client::HttpClient;

const ROUTES: &str = "google-connect answers GET start, callback, status and calendars, and POST start, finish, ticket, calendars, pause, resume, confirm, retry and disconnect";

/// Answers below `…/google-connect/`.
pub async fn handle<D: HttpClient>(request: Request<Bytes>, env: &Env<'_, D>) -> Reply {
    let path = request.uri().path().trim_end_matches('/');
    let action = path
        .rsplit_once("/google-connect/")
        .map_or("", |(_, action)| action);
    let method = request.method();
    let get = method == Method::GET;
    let mut reply = match action {
        "start" if get || method == Method::POST => browser::start(&request, env).await,
        "callback" if get => browser::callback(&request, env).await,
        "finish" if method == Method::POST => browser::finish(&request, env).await,
        "ticket" if method == Method::POST => browser::ticket(&request, env).await,
        "status" if get => manage::status(&request, env).await,
        "calendars" if get => manage::list(&request, env).await,
        "calendars" if method == Method::POST => manage::choose(&request, env).await,
        "pause" if method == Method::POST => manage::set_state(&request, env, "paused").await,
        "resume" if method == Method::POST => manage::set_state(&request, env, "active").await,
        "disconnect" if method == Method::POST => manage::disconnect(&request, env).await,
        "confirm" | "retry" if method == Method::POST => manage::decide(&request, env).await,
        "start" | "callback" | "finish" | "status" | "ticket" | "calendars" | "pause"
        | "resume" | "disconnect" | "confirm" | "retry" => {
            if method == Method::OPTIONS {
                Reply::json(StatusCode::NO_CONTENT, &()).emptied()
            } else {
                Reply::error(StatusCode::METHOD_NOT_ALLOWED, ROUTES)
            }
        }
        _ => Reply::error(StatusCode::NOT_FOUND, ROUTES),
    };
    let headers = reply.response.headers_mut();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, apikey, x-client-info",
        ),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

/// The value of a parameter of the URL.
fn parameter(request: &Request<Bytes>, wanted: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    of_form(query.as_bytes(), wanted)
}

/// The value of a field of a form.
fn of_form(form: &[u8], wanted: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(form);
    pairs
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}
