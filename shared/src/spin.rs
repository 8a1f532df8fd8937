//! The host adapter: the core's [`HttpClient`], a component's entry, variables, time and randomness, over
//! spin-sdk 5 (WASI 0.2). The only part of the core that knows Spin.
//!
//! A function crate has a plain handler, which tests call natively, and one line that makes it a
//! component:
//!
//! ```ignore
//! #[cfg(target_family = "wasm")]
//! shared::component!(async |request| shared::spin::function(request, handle).await);
//! ```

use crate::config::Config;
use crate::flow::Env;
use crate::handler::observe::{MeteredClient, observed};
use crate::handler::{Reply, protect};
use crate::secret::Random;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::future::{self, Either};
use futures::{Sink, SinkExt, Stream, StreamExt};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, request};
use http_client::{HttpClient, TransportError};
use spin_executor::{CancelOnDropToken, push_waker_and_get_token};
use spin_sdk::http::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use spin_sdk::wit::wasi::http0_2_0::outgoing_handler;
use spin_sdk::wit::wasi::http0_2_0::types::{FutureIncomingResponse, RequestOptions};
use std::fmt::Debug;
use std::pin::pin;
use std::task::{Context, Poll};
use wasi::clocks::monotonic_clock;

/// The longest request body that is read, in bytes; a longer one is answered with 413.
pub const REQUEST_LIMIT: usize = 1024 * 1024;

/// The longest answer that is read, in bytes.
pub const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// How long a call may take in all, in nanoseconds: 20 s. The host has no such limit, only one for each of
/// connection, head and part of a body.
const TIMEOUT_NANOS: u64 = 20_000_000_000;

/// How long a request that nobody needs the answer of has to leave, in nanoseconds: 2 s. Whoever answers it works on
/// when the connection ends, as after the time that pg_net waits.
const START_NANOS: u64 = 2_000_000_000;

/// Sends requests through the host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outbound;

impl HttpClient for Outbound {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match future::select(pin!(call(request)), pin!(passed(TIMEOUT_NANOS))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(TransportError::NoAnswer("it took too long".to_owned())),
        }
    }

    async fn start(&self, request: Request<Bytes>) {
        future::select(pin!(call(request)), pin!(passed(START_NANOS))).await;
    }
}

async fn call(request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
    let (head, body) = request.into_parts();
    let outgoing = outgoing(&head, body.len())?;
    if body.is_empty() {
        return exchange(outgoing).await;
    }
    let write = pin!(write(outgoing.take_body(), body));
    let exchange = pin!(exchange(outgoing));
    // Polled in this order: what the host buffers, and so nearly every body, is complete before
    // the request is handed over. Head and body then leave in one packet; in two, a connection
    // without TCP_NODELAY, as all hosts leave it, waits 40 ms for the first one's ACK.
    match future::select(write, exchange).await {
        // A body that could not be written to its end may still have an answer that says why.
        Either::Left((_, exchange)) => exchange.await,
        Either::Right((answer, _)) => answer,
    }
}

/// Ends when so many nanoseconds have passed.
async fn passed(nanos: u64) {
    let end = monotonic_clock::now().saturating_add(nanos);
    let mut waiting: Option<CancelOnDropToken> = None;
    future::poll_fn(|context: &mut Context<'_>| {
        if monotonic_clock::now() >= end {
            return Poll::Ready(());
        }
        if waiting.is_none() {
            let clock = monotonic_clock::subscribe_instant(end);
            waiting = Some(push_waker_and_get_token(clock, context.waker().clone()).into());
        }
        Poll::Pending
    })
    .await;
}

/// A request's head as the host wants it.
fn outgoing(head: &request::Parts, length: usize) -> Result<OutgoingRequest, TransportError> {
    let mut headers = head.headers.clone();
    let may_be_empty = [Method::POST, Method::PUT, Method::PATCH].contains(&head.method);
    if length > 0 || may_be_empty {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    let request = OutgoingRequest::new(fields(&headers).map_err(not_sent)?);
    let uri = &head.uri;
    let scheme = match uri.scheme_str() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        other => return Err(not_sent(other)),
    };
    let path = uri.path_and_query().map(http::uri::PathAndQuery::as_str);
    let refused = |part: &str| TransportError::NotSent(format!("the host refuses the {part}"));
    let method = head.method.clone().into();
    request
        .set_method(&method)
        .map_err(|()| refused("method"))?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("scheme"))?;
    request
        .set_authority(uri.authority().map(http::uri::Authority::as_str))
        .map_err(|()| refused("authority"))?;
    request
        .set_path_with_query(path)
        .map_err(|()| refused("path"))?;
    Ok(request)
}

/// Hands the request over and reads the answer to its end.
async fn exchange(request: OutgoingRequest) -> Result<Response<Bytes>, TransportError> {
    let options = RequestOptions::new();
    // A host that knows no such limit says so; its own limit then holds.
    _ = options.set_connect_timeout(Some(TIMEOUT_NANOS));
    _ = options.set_first_byte_timeout(Some(TIMEOUT_NANOS));
    _ = options.set_between_bytes_timeout(Some(TIMEOUT_NANOS));
    let pending = outgoing_handler::handle(request, Some(options)).map_err(failed)?;
    let answer = head_of(&pending).await?;
    let mut headers = HeaderMap::new();
    read_fields(&answer.headers(), &mut headers);
    let body = pin!(answer.take_body_stream());
    let body = match read(body, ANSWER_LIMIT).await {
        Ok(Some(body)) => body,
        Ok(None) => {
            return Err(TransportError::NoAnswer(format!(
                "longer than {ANSWER_LIMIT} bytes"
            )));
        }
        Err(error) => return Err(no_answer(error)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status()).map_err(no_answer)?;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Waits for the answer's head.
async fn head_of(pending: &FutureIncomingResponse) -> Result<IncomingResponse, TransportError> {
    let mut waiting: Option<CancelOnDropToken> = None;
    let answer = future::poll_fn(|context: &mut Context<'_>| match pending.get() {
        Some(answer) => Poll::Ready(answer),
        None => {
            let token = push_waker_and_get_token(pending.subscribe(), context.waker().clone());
            waiting = Some(token.into());
            Poll::Pending
        }
    });
    let answer = answer.await;
    drop(waiting);
    match answer {
        Ok(answer) => answer.map_err(failed),
        Err(()) => Err(TransportError::NoAnswer("the host gave it away".to_owned())),
    }
}

/// Whether the request may have left, by the host's error.
fn failed(error: ErrorCode) -> TransportError {
    let stayed = matches!(
        error,
        ErrorCode::ConnectionLimitReached
            | ErrorCode::ConnectionRefused
            | ErrorCode::ConnectionTimeout
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::DestinationNotFound
            | ErrorCode::DestinationUnavailable
            | ErrorCode::DnsError(_)
            | ErrorCode::DnsTimeout
            | ErrorCode::HttpRequestDenied
            | ErrorCode::HttpRequestHeaderSectionSize(_)
            | ErrorCode::HttpRequestHeaderSize(_)
            | ErrorCode::HttpRequestLengthRequired
            | ErrorCode::HttpRequestMethodInvalid
            | ErrorCode::HttpRequestUriInvalid
            | ErrorCode::HttpRequestUriTooLong
            | ErrorCode::TlsCertificateError
    );
    if stayed {
        not_sent(error)
    } else {
        no_answer(error)
    }
}

fn not_sent(reason: impl Debug) -> TransportError {
    TransportError::NotSent(format!("{reason:?}"))
}

fn no_answer(reason: impl Debug) -> TransportError {
    TransportError::NoAnswer(format!("{reason:?}"))
}

/// Writes a body and ends it.
async fn write<S: Sink<Vec<u8>>>(sink: S, body: Bytes) -> Result<(), S::Error> {
    // Owned here: a sink that is dropped tells the host that the body is complete.
    let mut sink = pin!(sink);
    sink.send(body.to_vec()).await
}

/// Reads a body to its end; `None` when it is longer than `limit` bytes.
async fn read<E>(
    mut body: impl Stream<Item = Result<Vec<u8>, E>> + Unpin,
    limit: usize,
) -> Result<Option<Bytes>, E> {
    let mut whole = Vec::new();
    while let Some(part) = body.next().await.transpose()? {
        if whole.len() + part.len() > limit {
            return Ok(None);
        }
        whole.extend_from_slice(&part);
    }
    Ok(Some(whole.into()))
}

fn fields(headers: &HeaderMap) -> Result<Fields, impl Debug> {
    let list: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    Fields::from_list(&list)
}

fn read_fields(fields: &Fields, headers: &mut HeaderMap) {
    for (name, value) in fields.entries() {
        // The host has parsed them already: neither can fail.
        if let (Ok(name), Ok(value)) = (
            http::HeaderName::from_bytes(name.as_bytes()),
            http::HeaderValue::from_bytes(&value),
        ) {
            headers.append(name, value);
        }
    }
}

/// Makes `$handle`, an `AsyncFnOnce(http::Request<Bytes>) -> http::Response<Bytes>`, the entry of
/// this component: [`serve`](crate::spin::serve) with spin-sdk's own macro around it. The crate
/// needs `spin-sdk` among its dependencies.
#[macro_export]
macro_rules! component {
    ($handle:expr) => {
        #[::spin_sdk::http_component]
        async fn component(
            request: ::spin_sdk::http::IncomingRequest,
            answer: ::spin_sdk::http::ResponseOutparam,
        ) {
            $crate::spin::serve(request, answer, $handle).await;
        }
    };
}

/// Answers a request by one of the core's handlers, with this component's variables. What the
/// operator is to read goes to the log.
pub async fn function(
    request: Request<Bytes>,
    handle: impl AsyncFnOnce(Request<Bytes>, &Env<'_, MeteredClient<Outbound>>) -> Reply,
) -> Response<Bytes> {
    let reply = match Config::read(variable) {
        Ok(config) => {
            let random = Random::new(random());
            observed(request, Outbound, &config, &random, &now, handle).await
        }
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            own_error(status, "this deployment is not configured; see the log")
                .logged(error.to_string())
        }
    };
    for line in &reply.log {
        eprintln!("{line}");
    }
    reply.response
}

/// Answers the host's request with what `handle` makes of it. A body of more than
/// [`REQUEST_LIMIT`] bytes is answered here, with 413.
pub async fn serve(
    request: IncomingRequest,
    answer: ResponseOutparam,
    handle: impl AsyncFnOnce(Request<Bytes>) -> Response<Bytes>,
) {
    let response = match incoming(request).await {
        Ok(request) => handle(request).await,
        Err((status, reason)) => own_error(status, reason).response,
    };
    give(response, answer).await;
}

/// An answer that no handler gives; the configuration may be what is wrong.
fn own_error(status: StatusCode, reason: &str) -> Reply {
    let mut reply = Reply::error(status, reason);
    let app_url = variable("app_url").unwrap_or_default();
    protect(&mut reply.response, app_url.trim());
    reply
}

/// The host's request as plain types; its URI has neither scheme nor authority.
async fn incoming(incoming: IncomingRequest) -> Result<Request<Bytes>, (StatusCode, &'static str)> {
    let bad = |reason| (StatusCode::BAD_REQUEST, reason);
    let path = incoming.path_with_query().unwrap_or_else(|| "/".to_owned());
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = path.parse().map_err(|_| bad("the path is not valid"))?;
    *request.method_mut() = incoming.method().into();
    read_fields(&incoming.headers(), request.headers_mut());
    let body = pin!(incoming.into_body_stream());
    *request.body_mut() = match read(body, REQUEST_LIMIT).await {
        Ok(Some(body)) => body,
        Ok(None) => {
            let reason = "the body is larger than 1 MiB";
            return Err((StatusCode::PAYLOAD_TOO_LARGE, reason));
        }
        Err(_) => return Err(bad("the body did not arrive whole")),
    };
    Ok(request)
}

/// Gives the answer to the host: its body first, as far as the host buffers it, as in [`Outbound`].
async fn give(response: Response<Bytes>, answer: ResponseOutparam) {
    let (mut head, body) = response.into_parts();
    if !body.is_empty() || head.status != StatusCode::NO_CONTENT {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let outgoing = match fields(&head.headers) {
        Ok(fields) => OutgoingResponse::new(fields),
        Err(error) => {
            eprintln!("the host refuses the answer's headers: {error:?}");
            let outgoing = OutgoingResponse::new(Fields::new());
            _ = outgoing.set_status_code(500);
            return answer.set(outgoing);
        }
    };
    _ = outgoing.set_status_code(head.status.as_u16());
    let mut write = pin!(write(outgoing.take_body(), body));
    let written = futures::poll!(&mut write);
    answer.set(outgoing);
    if written.is_pending() {
        // It fails when the client has gone: nobody is left to tell.
        _ = write.await;
    }
}

/// A variable of this component; `None` when the manifest gives it none of this name.
pub fn variable(name: &str) -> Option<String> {
    spin_sdk::variables::get(name).ok()
}

/// The time.
#[expect(
    clippy::disallowed_methods,
    reason = "the adapter is where the core's `now` comes from"
)]
pub fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// 32 bytes that nobody can guess, from the host.
pub fn random() -> [u8; 32] {
    let bytes = spin_sdk::wit::wasi::random0_2_0::random::get_random_bytes(32);
    let mut fixed = [0; 32];
    fixed.copy_from_slice(&bytes);
    fixed
}
