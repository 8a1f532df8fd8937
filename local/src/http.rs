//! An HTTP client for the stack's own calls and for those of commands.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client with a connection pool of its own.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }
}

impl Http {
    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is none within a minute.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let target = request.uri().to_string();
        let exchange = async {
            let (head, body) = self.0.request(request.map(Full::new)).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response::from_parts(head, body))
        };
        let answer = timeout(PATIENCE, exchange).await;
        answer
            .with_context(|| format!("no answer from {target} within a minute"))?
            .with_context(|| format!("no answer from {target}"))
    }

    /// Sends JSON with an optional bearer token; answers the status and the JSON that came back, or
    /// `Null` where it was none.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn json(
        &self,
        method: Method,
        url: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Result<(u16, Value)> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("accept", "application/json");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        };
        let answer = self.send(request.body(bytes)?).await?;
        let json = serde_json::from_slice(answer.body()).unwrap_or_default();
        Ok((answer.status().as_u16(), json))
    }
}
