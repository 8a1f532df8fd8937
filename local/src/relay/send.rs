//! Sends one request of the queue.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::Url;

/// More of an answer than this is not read.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// A request as it stood in the queue.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: String,
    pub url: String,
    pub headers: Map<String, Value>,
    pub params: Map<String, Value>,
    pub body: Option<String>,
    pub timeout: Duration,
}

/// Sends requests over connections that it keeps.
#[derive(Clone, Debug)]
pub struct Sender(Client<HttpConnector, Full<Bytes>>);

impl Sender {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Sends it and waits for the whole answer, whose status does not matter: nothing is tried again.
    pub async fn send(&self, outgoing: &Outgoing) -> Result<()> {
        let request = outgoing.request()?;
        let exchange = async {
            let answer = self
                .0
                .request(request)
                .await
                .context("the receiver did not answer")?;
            // Read to its end, so that the connection can be used again.
            let _ = Limited::new(answer.into_body(), ANSWER_LIMIT)
                .collect()
                .await;
            anyhow::Ok(())
        };
        match timeout(outgoing.timeout, exchange).await {
            Ok(done) => done.with_context(|| format!("start the receiver at {}", outgoing.url)),
            Err(_) => bail!(
                "look at the receiver at {}: it took longer than {:?}",
                outgoing.url,
                outgoing.timeout
            ),
        }
    }
}

impl Outgoing {
    fn request(&self) -> Result<Request<Full<Bytes>>> {
        let mut url =
            Url::parse(&self.url).with_context(|| format!("correct the URL {}", self.url))?;
        ensure!(
            url.scheme() == "http",
            "use an http URL instead of {}: the local relay has no TLS",
            self.url
        );
        if !self.params.is_empty() {
            let params = self.params.iter().map(|(name, value)| (name, text(value)));
            url.query_pairs_mut().extend_pairs(params);
        }
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(url.as_str());
        let has_type = self
            .headers
            .keys()
            .any(|name| name.eq_ignore_ascii_case("content-type"));
        if self.body.is_some() && !has_type {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, text(value));
        }
        let body = Full::from(self.body.clone().unwrap_or_default());
        request
            .body(body)
            .with_context(|| format!("correct the headers of the request to {}", self.url))
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outgoing(url: &str, headers: Value, params: Value) -> Outgoing {
        let map = |value: Value| value.as_object().cloned().unwrap();
        Outgoing {
            method: "POST".into(),
            url: url.into(),
            headers: map(headers),
            params: map(params),
            body: Some("{}".into()),
            timeout: Duration::from_secs(1),
        }
    }

    #[test]
    fn parameters_are_encoded_into_the_url() {
        let request = outgoing(
            "http://host/path?a=1",
            json!({}),
            json!({"b": "x y&z", "c": 2}),
        )
        .request()
        .unwrap();
        assert_eq!(request.uri(), "http://host/path?a=1&b=x+y%26z&c=2");
        assert_eq!(request.headers()["content-type"], "application/json");
    }

    #[test]
    fn a_content_type_of_the_caller_is_kept() {
        let headers = json!({"content-type": "application/json; charset=utf-8", "x-secret": "s"});
        let request = outgoing("http://host", headers, json!({}))
            .request()
            .unwrap();
        assert_eq!(request.headers().get_all("content-type").iter().count(), 1);
        assert_eq!(request.headers()["x-secret"], "s");
    }

    #[test]
    fn a_url_or_header_that_cannot_be_sent_is_an_error() {
        assert!(outgoing("host", json!({}), json!({})).request().is_err());
        assert!(
            outgoing("https://host", json!({}), json!({}))
                .request()
                .is_err()
        );
        assert!(
            outgoing("http://host", json!({"a": "line\nbreak"}), json!({}))
                .request()
                .is_err()
        );
    }
}
