//! `/_sim`: what a test, or a person at the keyboard, controls.
//!
//! Every body and answer is JSON; a mistake is 400 with `{"error": "..."}`. The README of this
//! crate lists the endpoints.

mod calendars;
mod people;
mod replay;
mod runtime;
mod seed;
pub(crate) mod ui;

pub(crate) use people::add_client;
pub(crate) use seed::seed;

use bytes::Bytes;
use http::{Method, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http_api::{self, Call};
use crate::world::World;

/// The answer's body, or what was wrong with the request.
pub(crate) type Done = Result<Value, String>;

/// Answers a control request.
pub(crate) fn answer(world: &mut World, call: &Call) -> Response<Bytes> {
    let segments: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    if call.method == Method::GET && segments == ["snapshot"] {
        return http_api::plain(200, "application/json; charset=utf-8", world.save());
    }
    let (status, body) = match run(world, call, &segments) {
        Some(Ok(body)) => (200, body),
        Some(Err(message)) => (400, json!({ "error": message })),
        None => (404, json!({"error": "there is no such control endpoint"})),
    };
    let text = String::from_utf8(http_api::json(&body, true)).unwrap_or_default();
    http_api::plain(status, "application/json; charset=utf-8", text)
}

fn run(world: &mut World, call: &Call, segments: &[&str]) -> Option<Done> {
    people::run(world, call, segments)
        .or_else(|| calendars::run(world, call, segments))
        .or_else(|| runtime::run(world, call, segments))
        .or_else(|| replay::run(world, call, segments))
        .or_else(|| ui::run(world, call, segments))
}

/// The body as `T`; an empty body is an empty object.
fn body<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    let text: &[u8] = if call.body.is_empty() {
        b"{}"
    } else {
        &call.body
    };
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
