//! The one way out: Google and Postgres are both reached over HTTP, so everything the core does to the
//! world is an HTTP request. It must never be reached from a decision, only from a flow.

use bytes::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::future::Future;

/// Sends one HTTP request and returns the whole answer.
pub trait HttpClient {
    /// Sends `request`, whose URI is absolute, and reads the answer to its end.
    ///
    /// # Errors
    /// [`TransportError`] when there is no complete answer.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, TransportError>>;

    /// Sends a request of which nobody needs the answer; what answers it may work on for long.
    fn start(&self, request: http::Request<Bytes>) -> impl Future<Output = ()> {
        async {
            let _answer = self.send(request).await;
        }
    }

    /// What Google was asked since this was asked last, for the record that follows.
    fn take_usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}

/// What Google was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ApiUsage {
    /// Its answers, by result.
    pub calls: BTreeMap<&'static str, u32>,
    /// What Google counts of its quota for them.
    pub units: u32,
}

impl<D: HttpClient> HttpClient for &D {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        (**self).send(request).await
    }

    async fn start(&self, request: http::Request<Bytes>) {
        (**self).start(request).await;
    }

    fn take_usage(&self) -> ApiUsage {
        (**self).take_usage()
    }
}

/// Why there is no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The request did not leave: nothing happened at the other side.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request left; whether it took effect is unknown.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
