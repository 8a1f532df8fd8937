//! The one door: Google and Postgres are both reached over HTTP, so everything the core does to the
//! world is an HTTP request. It must never be reached from a decision, only from a flow.

use bytes::Bytes;
use serde::Serialize;
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

    /// What Google was asked since this was asked last, for the record that follows.
    fn take_asked(&self) -> Asked {
        Asked::default()
    }
}

/// What Google was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its answers, by result.
    pub calls: BTreeMap<&'static str, u32>,
    /// What Google counts of its quota for them.
    pub units: u32,
}

impl<D: Door> Door for &D {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, Transport> {
        (**self).send(request).await
    }

    fn take_asked(&self) -> Asked {
        (**self).take_asked()
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
