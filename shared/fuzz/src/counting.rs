//! An HTTP client that sends nothing, and the handlers that are given it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::executor::block_on;
use http::request::Builder;
use http::{HeaderMap, Request, Response, StatusCode};
use http_client::{HttpClient, TransportError};
use shared::config::Config;
use shared::flow::Env;
use shared::handler::{poke, webhook};
use shared::secret::Random;
use std::cell::Cell;

/// Callers of the functions show it.
pub const SECRET: &str = "the secret of whoever calls functions";
/// Signs the tokens of channels.
pub const SIGNING_KEY: &str = "the key that signs states and channels";
/// The time, in seconds.
pub const NOW: i64 = 1_000_000_000;

/// The token of a channel that ends then.
pub fn token(channel: &str, expires: i64) -> String {
    let signature = super::signer().sign("channel token", &format!("{channel} {expires}"));
    format!("{expires}.{signature}")
}

/// Counts the calls that were tried.
#[derive(Default)]
pub struct Counting(Cell<u32>);

impl HttpClient for Counting {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.0.set(self.0.get() + 1);
        Err(TransportError::NotSent("nothing comes through".to_owned()))
    }
}

impl Counting {
    /// How many there were.
    pub fn calls(&self) -> u32 {
        self.0.get()
    }

    /// How a poke is answered.
    pub fn poke(&self, head: Builder, body: &[u8]) -> StatusCode {
        let Ok(request) = head.body(Bytes::copy_from_slice(body)) else {
            return StatusCode::IM_A_TEAPOT;
        };
        let answer = self.with_env(|env| block_on(poke::handle(request, env)));
        answer.response.status()
    }

    /// How a notification is answered.
    pub fn notification(&self, headers: &HeaderMap) -> StatusCode {
        let mut request = Request::new(Bytes::new());
        *request.headers_mut() = headers.clone();
        let answer = self.with_env(|env| block_on(webhook::handle(request, env)));
        answer.response.status()
    }

    fn with_env<A>(&self, handle: impl FnOnce(&Env<'_, Self>) -> A) -> A {
        let config = Config::read(|name| match name {
            "db_driver" => Some("neon".to_owned()),
            "function_secret" => Some(SECRET.to_owned()),
            "signing_key" => Some(SIGNING_KEY.to_owned()),
            _ => None,
        });
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        let clock = || DateTime::<Utc>::from_timestamp(NOW, 0).unwrap_or_default();
        handle(&Env {
            client: self,
            config: &config,
            random: &Random::new([0; 32]),
            clock: &clock,
        })
    }
}
