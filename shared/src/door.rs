//! The one door: Google and Postgres are both reached over HTTP, so everything the core does to the
//! world is an HTTP request. It must never be reached from a decision, only from a flow.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::future::Future;

/// Sends one HTTP request and returns the whole answer.
pub trait Door {
    /// Sends `request`, whose URI is absolute, and reads the answer to its end.
    ///
    /// # Errors
    /// [`Transport`] when there is no complete answer.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Bytes>, Transport>>;

    /// Google's answers since this was asked last, by result, for the record that follows.
    fn take_results(&self) -> BTreeMap<&'static str, u32> {
        BTreeMap::new()
    }
}

impl<D: Door> Door for &D {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Transport> {
        (**self).send(request).await
    }

    fn take_results(&self) -> BTreeMap<&'static str, u32> {
        (**self).take_results()
    }
}

/// Why there is no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Transport {
    /// The request did not leave: nothing happened at the other side.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request left; whether it took effect is unknown.
    #[error("no answer: {0}")]
    NoAnswer(String),
}
