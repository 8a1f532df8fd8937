//! A proxy that passes every request on to Google and the answer back as it is.

use super::capture;
use super::file::Recording;
use crate::listen;
use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use bytes::Bytes;
use chrono::Utc;
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long Google may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than any request of the Calendar API.
const LARGEST: usize = 64 * 1024 * 1024;
/// Headers of one connection (RFC 9110 7.6.1); there are two here.
const OF_A_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Where requests go.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// To Google's own origins.
    Google,
    /// All to this origin, such as `http://127.0.0.1:8086`.
    One(String),
}

impl Upstream {
    /// The origin that serves a path; `None` where it is none of Google's that a client calls.
    fn origin(&self, path: &str) -> Option<&str> {
        let first = path.split(['/', '?']).nth(1).unwrap_or_default();
        match (self, first) {
            (Self::One(origin), _) => Some(origin.trim_end_matches('/')),
            (Self::Google, "calendar" | "batch" | "oauth2") => Some("https://www.googleapis.com"),
            (Self::Google, "token" | "revoke" | "tokeninfo") => {
                Some("https://oauth2.googleapis.com")
            }
            (Self::Google, "o") => Some("https://accounts.google.com"),
            (Self::Google, _) => None,
        }
    }
}

struct Proxy {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    upstream: Upstream,
    recording: Recording,
}

/// Serves the proxy on `listener`, which writes to `recording`, until the task is aborted.
pub fn serve(listener: TcpListener, upstream: Upstream, recording: Recording) -> JoinHandle<()> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1();
    let proxy = Arc::new(Proxy {
        client: Client::builder(TokioExecutor::new()).build(connector.wrap_connector(tcp)),
        upstream,
        recording,
    });
    listen::serve(listener, Router::new().fallback(answer).with_state(proxy))
}

async fn answer(State(proxy): State<Arc<Proxy>>, request: Request) -> Response<Body> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let Some(origin) = proxy.upstream.origin(&path) else {
        return refusal(
            StatusCode::NOT_FOUND,
            "not a path of the Calendar API or of Google's OAuth",
        );
    };
    let target = format!("{origin}{path}");
    if path.starts_with("/o/") {
        // A person logs in at Google itself.
        return redirect(&target);
    }
    match proxy.pass(request, &target).await {
        Ok(answer) => answer.map(Body::from),
        Err(error) => {
            eprintln!("no answer from {origin}: {error:#}");
            refusal(StatusCode::BAD_GATEWAY, "no answer from upstream")
        }
    }
}

impl Proxy {
    async fn pass(&self, request: Request, target: &str) -> Result<Response<Bytes>> {
        let (mut head, body) = request.into_parts();
        let body = to_bytes(body, LARGEST).await?;
        head.uri = target.parse::<Uri>()?;
        // The client names the host that it asks.
        head.headers.remove(HOST);
        strip(&mut head.headers);
        let request = http::Request::from_parts(head, body);
        let at = Utc::now();
        let exchange = async {
            let (mut head, body) = self
                .client
                .request(request.clone().map(Full::new))
                .await?
                .into_parts();
            strip(&mut head.headers);
            anyhow::Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let answer = timeout(PATIENCE, exchange)
            .await
            .context("no answer in time")
            .flatten();
        if capture::is_recorded(request.uri().path()) {
            let answer = answer.as_ref().ok();
            self.recording
                .add(|pseudonyms| capture::capture(pseudonyms, at, &request, answer));
        }
        answer
    }
}

/// Takes off what is about the connection that a message came on.
fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_A_CONNECTION) {
        headers.remove(name);
    }
}

fn redirect(target: &str) -> Response<Body> {
    let answer = Response::builder()
        .status(StatusCode::FOUND)
        .header(LOCATION, target);
    answer.body(Body::empty()).unwrap_or_default()
}

fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    let body = json!({"error": {"code": status.as_u16(), "message": why}}).to_string();
    let answer = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json");
    answer.body(Body::from(body)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_which_of_googles_origins_serves_it() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(Upstream::Google.origin(path), expected, "{path}");
            let one = Upstream::One("http://127.0.0.1:8086/".into());
            assert_eq!(one.origin(path), Some("http://127.0.0.1:8086"));
        };
        let (api, oauth) = (
            "https://www.googleapis.com",
            "https://oauth2.googleapis.com",
        );
        check("/calendar/v3/colors?alt=json", Some(api));
        check("/batch/calendar/v3", Some(api));
        check("/token", Some(oauth));
        check("/revoke?token=t", Some(oauth));
        check(
            "/o/oauth2/v2/auth?client_id=c",
            Some("https://accounts.google.com"),
        );
        check("/drive/v3/files", None);
        check("/", None);
    }
}
