//! The thin part of Supabase's API gateway that stands before PostgREST: it wants an API key, turns it into a
//! token where the request has none, and strips `/rest/v1`
//! (<https://supabase.com/docs/guides/api/api-keys>).

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::jwt;
use crate::listen;

const PREFIX: &str = "/rest/v1";

/// An API key and the token that stands for it. The legacy keys are tokens themselves.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// What clients send as `apikey`.
    pub key: String,
    /// What PostgREST gets.
    pub token: String,
}

/// The four keys of a project.
#[must_use]
pub fn keys(jwt_secret: &str, publishable: &str, secret: &str) -> [ApiKey; 4] {
    let (anon, service) = (
        jwt::for_role(jwt_secret, "anon"),
        jwt::for_role(jwt_secret, "service_role"),
    );
    let key = |key: &str, token: &str| ApiKey {
        key: key.to_owned(),
        token: token.to_owned(),
    };
    [
        key(publishable, &anon),
        key(secret, &service),
        key(&anon, &anon),
        key(&service, &service),
    ]
}

/// A running gateway; dropping it closes its connections and its port.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Gateway {
    /// The URL that a Supabase client takes, such as `http://127.0.0.1:54321`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `/rest/v1` on `listener` for the PostgREST at `upstream`.
///
/// # Errors
/// When the listener has no address.
pub fn serve(
    listener: TcpListener,
    upstream: SocketAddr,
    keys: impl Into<Vec<ApiKey>>,
) -> Result<Gateway> {
    let address = listener
        .local_addr()
        .context("bind the gateway's port again")?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let authority = Authority::try_from(upstream.to_string()).context("give PostgREST a port")?;
    let proxy = Arc::new(Proxy {
        client,
        authority,
        keys: keys.into(),
    });
    let router = Router::new().fallback(forward).with_state(proxy);
    let task = listen::serve(listener, router);
    Ok(Gateway { address, task })
}

struct Proxy {
    client: Client<HttpConnector, Body>,
    authority: Authority,
    keys: Vec<ApiKey>,
}

async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    match proxy.prepare(request) {
        Ok(request) => match proxy.client.request(request).await {
            Ok(answer) => answer.map(Body::new),
            Err(_) => refusal(
                StatusCode::BAD_GATEWAY,
                "the upstream server is not reachable",
                None,
            ),
        },
        Err(refused) => *refused,
    }
}

impl Proxy {
    fn prepare(&self, mut request: Request) -> Result<Request, Box<Response>> {
        let Some(uri) = self.target(request.uri()) else {
            return Err(Box::new(refusal(
                StatusCode::NOT_FOUND,
                "no Route matched with those values",
                None,
            )));
        };
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        let Some(given) = headers.get("apikey") else {
            let hint = "No `apikey` request header or url param was found.";
            return Err(Box::new(refusal(
                StatusCode::UNAUTHORIZED,
                "No API key found in request",
                Some(hint),
            )));
        };
        let Some(known) = self.keys.iter().find(|known| given == known.key.as_str()) else {
            let hint = "Double check your Supabase `anon` or `service_role` API key.";
            return Err(Box::new(refusal(
                StatusCode::UNAUTHORIZED,
                "Invalid API key",
                Some(hint),
            )));
        };
        let bearer = |token: &str| HeaderValue::try_from(format!("Bearer {token}")).ok();
        // Clients send the new kind of key in both headers, and it is no token.
        let has_token = headers
            .get(AUTHORIZATION)
            .is_some_and(|value| Some(value) != bearer(&known.key).as_ref());
        if !has_token && let Some(value) = bearer(&known.token) {
            headers.insert(AUTHORIZATION, value);
        }
        // These belong to one connection, and there are two.
        for name in [HOST, CONNECTION, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        Ok(request)
    }

    fn target(&self, uri: &Uri) -> Option<Uri> {
        let rest = uri.path_and_query()?.as_str().strip_prefix(PREFIX)?;
        let path = match rest.chars().next() {
            None => "/".to_owned(),
            Some('?') => format!("/{rest}"),
            Some('/') => rest.to_owned(),
            Some(_) => return None,
        };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = PathAndQuery::try_from(path).ok();
        Uri::from_parts(parts).ok()
    }
}

fn refusal(status: StatusCode, message: &str, hint: Option<&str>) -> Response {
    let mut body = json!({ "message": message });
    if let Some(hint) = hint {
        body["hint"] = json!(hint);
    }
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}
