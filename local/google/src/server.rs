//! The simulator behind a socket, and the worker that posts its notifications.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use crate::{Cut, Delay, Notification, Simulator};

/// The largest request body that is read.
const BODY: usize = 64 * 1024 * 1024;
/// How often the worker looks for messages that time alone made due.
const TICK: Duration = Duration::from_millis(50);
/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection is to be cut instead of answered.
#[derive(Debug)]
struct Severed;

impl std::fmt::Display for Severed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on demand")
    }
}

impl std::error::Error for Severed {}

/// Serves until the listener fails; dropping the future stops the delivery worker too.
///
/// # Errors
/// An error of the listener itself. Failed connections are theirs alone.
pub async fn serve(simulator: Simulator, listener: TcpListener) -> std::io::Result<()> {
    tokio::select! {
        done = accept(&simulator, &listener) => done,
        never = deliver(simulator.clone()) => match never {},
    }
}

async fn accept(simulator: &Simulator, listener: &TcpListener) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let simulator = simulator.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(simulator.clone(), request));
            // A broken connection is the client's affair.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    simulator: Simulator,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Severed> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY)
        .collect()
        .await
        .map_err(|_| Severed)?
        .to_bytes();
    let response = simulator.handle(Request::from_parts(parts, body));
    if let Some(Delay(time)) = response.extensions().get() {
        tokio::time::sleep(*time).await;
    }
    if response.extensions().get::<Cut>().is_some() {
        return Err(Severed);
    }
    Ok(response.map(Full::new))
}

async fn deliver(simulator: Simulator) -> Infallible {
    let client = Client::builder(TokioExecutor::new()).build_http();
    loop {
        simulator.woken(TICK).await;
        for notification in simulator.due_notifications() {
            let (simulator, client) = (simulator.clone(), client.clone());
            tokio::spawn(async move {
                let id = notification.id;
                let status = post(&client, notification).await;
                simulator.delivered(id, status);
            });
        }
    }
}

/// Posts one message; only plain http can be reached from here.
async fn post(
    client: &Client<HttpConnector, Full<Bytes>>,
    notification: Notification,
) -> Option<u16> {
    let request = notification.request.map(Full::new);
    let response = tokio::time::timeout(PATIENCE, client.request(request)).await;
    response
        .ok()?
        .ok()
        .map(|response| response.status().as_u16())
}
