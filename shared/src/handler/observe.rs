//! One line of log for each request: what, for whom (ids only), calls, outcome, duration. It never
//! holds a token, a title or anything else that a person wrote.

use super::{Reply, protect};
use crate::config::Config;
use crate::flow::Env;
use crate::secret::Random;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use google::quota_units;
use http::{Request, Response};
use http_client::{ApiUsage, HttpClient, TransportError};
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Counts the requests that it sends, and what Google answers.
pub struct MeteredClient<D> {
    client: D,
    google: [String; 2],
    database_calls: Cell<u32>,
    results: RefCell<BTreeMap<&'static str, u32>>,
    /// Of these, what no record has taken yet.
    fresh: RefCell<ApiUsage>,
}

impl<D: HttpClient> HttpClient for MeteredClient<D> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let authority = request.uri().authority().map(ToString::to_string);
        let units = units(&request);
        let answer = self.client.send(request).await;
        if authority.is_some_and(|authority| self.google.contains(&authority)) {
            let result = result(&answer);
            *self.results.borrow_mut().entry(result).or_default() += 1;
            let mut fresh = self.fresh.borrow_mut();
            *fresh.calls.entry(result).or_default() += 1;
            fresh.units += units;
        } else {
            self.database_calls.set(self.database_calls.get() + 1);
        }
        answer
    }

    async fn start(&self, request: Request<Bytes>) {
        self.client.start(request).await;
    }

    fn take_usage(&self) -> ApiUsage {
        self.fresh.take()
    }
}

/// Google's tokens have no such quota.
fn units(request: &Request<Bytes>) -> u32 {
    match request.uri().path().starts_with("/calendar/") {
        true => quota_units(request.method()),
        false => 0,
    }
}

/// An answer of Google's in one word.
fn result(answer: &Result<Response<Bytes>, TransportError>) -> &'static str {
    let Ok(answer) = answer else {
        return "no_answer";
    };
    match answer.status().as_u16() {
        200..=399 => "ok",
        401 => "unauthorized",
        403 => "forbidden_or_rate_limited",
        404 | 410 => "gone",
        409 => "duplicate",
        412 => "changed",
        429 => "rate_limited",
        500.. => "server_error",
        _ => "refused",
    }
}

/// Answers a request by `handle` and adds its line to the log.
pub async fn observed<D: HttpClient>(
    request: Request<Bytes>,
    client: D,
    config: &Config,
    random: &Random,
    clock: &dyn Fn() -> DateTime<Utc>,
    handle: impl AsyncFnOnce(Request<Bytes>, &Env<'_, MeteredClient<D>>) -> Reply,
) -> Reply {
    let google = [&config.google.api, &config.google.oauth];
    let metered = MeteredClient {
        client,
        google: google.map(|url| url.authority().to_owned()),
        database_calls: Cell::new(0),
        results: RefCell::default(),
        fresh: RefCell::default(),
    };
    let env = Env {
        client: &metered,
        config,
        random,
        clock,
    };
    let path = request.uri().path();
    let what = path
        .split_once("/functions/v1/")
        .map_or("?", |(_, what)| what);
    // Whoever calls chooses the path.
    let what: String = what
        .chars()
        .take(40)
        .filter(char::is_ascii_graphic)
        .collect();
    let begun = clock();
    let mut reply = handle(request, &env).await;
    protect(&mut reply.response, config.app_url.as_str());
    let results = metered.results.take();
    let mut line = json!({
        "flow": what, "status": reply.response.status().as_u16(),
        "calls": {"database": metered.database_calls.get(), "google": results.values().sum::<u32>()},
        "ms": (clock() - begun).num_milliseconds(),
    });
    if !results.is_empty() {
        line["google"] = json!(results);
    }
    for (name, value) in reply.about.drain(..) {
        line[name] = value;
    }
    reply.log.push(line.to_string());
    reply
}
