//! What the function crates answer: authenticate, parse, call a flow, map to a status. Plain async
//! functions over plain types, so that tests call them natively.

mod caller;
pub mod connect;
#[cfg(feature = "console")]
pub mod console;
pub mod login;
pub mod observe;
mod operator;
pub mod poke;
mod protect;
pub mod scheduler;
pub mod webhook;

pub use protect::protect;

use crate::db::DbError;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use provider::Class;
use serde::Serialize;
use serde_json::{Value, json};

/// An answer, and what an operator is to read in the log.
#[derive(Debug)]
pub struct Reply {
    /// For the caller.
    pub response: Response<Bytes>,
    /// For the operator, without secrets.
    pub log: Vec<String>,
    /// What the request's line in the log says of it: ids and outcomes, nothing that a person wrote.
    pub about: Vec<(&'static str, Value)>,
}

impl Reply {
    /// JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            response,
            log: Vec::new(),
            about: Vec::new(),
        }
    }

    /// An error with a reason that says what to do.
    pub fn error(status: StatusCode, reason: &str) -> Self {
        Self::json(status, &json!({"error": reason}))
    }

    /// Sends a browser elsewhere.
    pub fn redirect(url: &str) -> Self {
        let mut reply = Self::json(StatusCode::SEE_OTHER, &Value::Null);
        *reply.response.body_mut() = Bytes::new();
        if let Ok(url) = HeaderValue::from_str(url) {
            reply.response.headers_mut().insert(LOCATION, url);
        }
        reply
    }

    /// Without a body.
    fn emptied(mut self) -> Self {
        *self.response.body_mut() = Bytes::new();
        self
    }

    /// With a part of its line in the log.
    pub fn about(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.about.push((name, json!(value)));
        self
    }

    /// With a line for the operator.
    pub fn logged(mut self, line: impl Into<String>) -> Self {
        self.log.push(line.into());
        self
    }
}

/// 503: the caller may try again, and the work is due anyway. Errors that do not pass by themselves
/// are 500 and say in the log what to do.
fn database_error(error: &DbError) -> Reply {
    let (status, reason) = match error.class() {
        Class::Retry | Class::RateLimited | Class::Resync | Class::Reconnect => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the database cannot be reached; the work is done later",
        ),
        Class::Conflict => (
            StatusCode::CONFLICT,
            "this database belongs to another deployment; see the log",
        ),
        Class::Permanent => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the database refused the call; see the log",
        ),
    };
    let hint = error.hint().map(|hint| format!(" {hint}"));
    Reply::error(status, reason).logged(format!("{error}.{}", hint.unwrap_or_default()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
